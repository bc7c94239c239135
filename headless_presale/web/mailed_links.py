"""Pages that a mailed link leads to: a new password, and an invitation."""

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.accounts import get_account
from headless_presale.identity.errors import (
    AccountExists,
    LinkDead,
    LinkState,
    PasswordRefused,
    TooManyAttempts,
    WrongAccount,
)
from headless_presale.identity.invitations import (
    accept_as_new,
    accept_invitation,
    can_sign_in,
    find_invitation,
)
from headless_presale.identity.models import Invitation
from headless_presale.identity.resets import find_reset_account, request_reset, reset_password
from headless_presale.identity.sessions import Session
from headless_presale.identity.sign_in import begin
from headless_presale.kernel.errors import InvalidInput
from headless_presale.web.browser import (
    SIGN_IN,
    address,
    any_session,
    current_session,
    page,
    read_form,
    require_csrf,
    see,
    user_agent_of,
)
from headless_presale.web.people import (
    form_page,
    has_built_in_sign_in,
    let_in,
    require_built_in_sign_in,
    source_of,
)
from headless_presale.web.rendering import page_locale
from headless_presale.web.texts import say

MAX_TOKEN_LENGTH = 200
GONE = 410


async def forgot_password(request: Request) -> Response:
    """Ask where to send a link; the answer does not tell whether anybody is there."""
    require_built_in_sign_in(request)
    session = await any_session(request)
    email, wait = "", None
    if request.method == "POST":
        await require_csrf(request, session)
        email = (await read_form(request)).get("email", "")[:320]
        try:
            await request_reset(email, locale=page_locale(request), source=source_of(request))
        except TooManyAttempts as error:
            wait = error
        else:
            return page(request, "reset_requested.html")
    return form_page(
        request, session, "forgot_password.html", is_wrong=False, wait=wait, email=email
    )


async def new_password(request: Request) -> Response:
    """Set a new password by a link."""
    require_built_in_sign_in(request)
    session, token = await any_session(request), _token(request)
    locale = page_locale(request)
    faults, wait, email = {"password": "", "repeat": ""}, None, ""
    try:
        email = (await find_reset_account(token)).email
        if request.method == "POST":
            await require_csrf(request, session)
            form = await read_form(request)
            if form.get("password", "") != form.get("repeat", ""):
                faults["repeat"] = say("repeat_differs", locale)
            else:
                await reset_password(token, form.get("password", ""), source=source_of(request))
                return see(SIGN_IN, done="password_reset")
    except LinkDead as error:
        return _dead(request, "reset", error.state)
    except PasswordRefused as error:
        faults["password"] = say(f"password_{error.fault}", locale)
    except TooManyAttempts as error:
        wait = error
    return form_page(
        request,
        session,
        "new_password.html",
        is_wrong=any(faults.values()),
        wait=wait,
        token=token,
        email=email,
        faults=faults,
    )


async def show_invitation(request: Request) -> Response:
    """Show who invites whom to what, and how to accept."""
    try:
        invitation = await find_invitation(_token(request))
    except LinkDead as error:
        return _dead(request, "invitation", error.state)
    return await _invitation_page(request, invitation)


async def take_invitation(request: Request) -> Response:
    """Let the person join: with the account that is signed in, or with one made just now."""
    await require_csrf(request, await any_session(request))
    token, session = _token(request), await current_session(request)
    try:
        invitation = await find_invitation(token)
        if session is not None:
            await accept_invitation(token, session.account_id)
            return see("/account", done="joined")
        return await _join_as_new(request, invitation, token)
    except LinkDead as error:
        return _dead(request, "invitation", error.state)
    except (WrongAccount, AccountExists):
        # The page says how it goes from here.
        return see("/invitation", token=token)


async def _join_as_new(request: Request, invitation: Invitation, token: str) -> Response:
    require_built_in_sign_in(request)
    form, locale = await read_form(request), page_locale(request)
    name, password = form.get("name", ""), form.get("password", "")
    faults = {"name": "", "password": "", "repeat": ""}
    if password != form.get("repeat", ""):
        faults["repeat"] = say("repeat_differs", locale)
        return await _invitation_page(request, invitation, name=name, faults=faults)
    try:
        account_id = await accept_as_new(token, name=name, password=password, locale=locale)
    except InvalidInput:
        faults["name"] = say("name_missing", locale)
        return await _invitation_page(request, invitation, name=name, faults=faults)
    except PasswordRefused as error:
        faults["password"] = say(f"password_{error.fault}", locale)
        return await _invitation_page(request, invitation, name=name, faults=faults)
    response = see("/account", done="joined")
    agent = user_agent_of(request)
    await let_in(request, response, await begin(account_id, factor="pwd", user_agent=agent))
    return response


async def _invitation_page(
    request: Request,
    invitation: Invitation,
    *,
    name: str = "",
    faults: dict[str, str] | None = None,
) -> Response:
    session, token = await any_session(request), _token(request)
    here = address("/invitation", token=token)
    email = await _email_of(session)
    return form_page(
        request,
        session,
        "invitation.html",
        is_wrong=bool(faults),
        token=token,
        invitation=invitation,
        merchant=invitation.merchant.name,
        role=f"role_{invitation.role}",
        way=await _way_to_accept(request, email, invitation),
        here=address(SIGN_IN, next=here),
        as_other=address(SIGN_IN, next=here, again="1"),
        signed_in_as=email,
        name=name[:120],
        faults=faults or {"name": "", "password": "", "repeat": ""},
    )


async def _way_to_accept(request: Request, email: str, invitation: Invitation) -> str:
    """Return how this person may accept: ``join``, ``other``, ``sign_in`` or ``new``.

    Args:
        email: of who is signed in; empty if nobody is.
    """
    if email:
        return "join" if email == invitation.email else "other"
    if not has_built_in_sign_in(request) or await can_sign_in(invitation.email):
        return "sign_in"
    return "new"


async def _email_of(session: Session | None) -> str:
    if session is None or not session.is_complete:
        return ""
    return (await get_account(session.account_id)).email


def _token(request: Request) -> str:
    return request.query_params.get("token", "")[:MAX_TOKEN_LENGTH]


def _dead(request: Request, kind: str, state: LinkState) -> Response:
    return page(request, "link_dead.html", status=GONE, kind=kind, state=f"{kind}_{state}")
