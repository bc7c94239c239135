"""My account: the password, second factors, and the browsers that are signed in.

Whatever changes how one signs in needs a sign-in of the last minutes: a browser that was left open
must not be enough to lock its owner out.
"""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.accounts import get_account
from headless_presale.identity.errors import PasswordRefused, TooManyAttempts
from headless_presale.identity.passkeys import list_passkeys
from headless_presale.identity.recovery import replace_recovery_codes
from headless_presale.identity.sessions import Session, end_session, list_sessions
from headless_presale.identity.sign_in import (
    change_password,
    second_factors_of,
    sign_out_everywhere,
)
from headless_presale.web.browser import (
    SIGN_IN,
    current_session,
    page,
    read_form,
    require_csrf,
    see,
    settings_of,
    sign_in_redirect,
)
from headless_presale.web.formats import describe_browser
from headless_presale.web.people import (
    form_page,
    fresh_or_refused,
    has_built_in_sign_in,
    relying_party,
    require_built_in_sign_in,
    source_of,
)
from headless_presale.web.rendering import page_locale
from headless_presale.web.texts import say

ACCOUNT = "/account"
DONE = frozenset(
    {
        "joined",
        "password_changed",
        "totp_added",
        "totp_removed",
        "passkey_added",
        "passkey_removed",
        "session_ended",
        "sessions_ended",
    }
)


async def show_account(request: Request) -> Response:
    """Show how one signs in, and where one is signed in."""
    session = await current_session(request)
    if session is None:
        return sign_in_redirect(request)
    return await _account_page(request, session)


async def back_to_account(request: Request) -> Response:
    """Lead from the address of a form back to the page that has it."""
    return see(ACCOUNT)


async def take_password_change(request: Request) -> Response:
    """Replace the password; other browsers are signed out."""
    require_built_in_sign_in(request)
    session = await _session_of_form(request)
    if session is None:
        return see(SIGN_IN, next=ACCOUNT)
    form, locale = await read_form(request), page_locale(request)
    faults = {"old": "", "password": "", "repeat": ""}
    if form.get("password", "") != form.get("repeat", ""):
        faults["repeat"] = say("repeat_differs", locale)
        return await _account_page(request, session, faults=faults)
    # Without a password there is nothing to prove oneself with but the sign-in itself.
    has_password = (await get_account(session.account_id)).password_hash is not None
    if not has_password and (refused := fresh_or_refused(session)):
        return refused
    try:
        is_changed = await change_password(
            session, form.get("old", ""), form["password"], source=source_of(request)
        )
    except TooManyAttempts as error:
        return await _account_page(request, session, wait=error)
    except PasswordRefused as error:
        faults["password"] = say(f"password_{error.fault}", locale)
        return await _account_page(request, session, faults=faults)
    if not is_changed:
        faults["old"] = say("old_password_wrong", locale)
        return await _account_page(request, session, faults=faults)
    return see(ACCOUNT, done="password_changed")


async def make_recovery_codes(request: Request) -> Response:
    """Replace the recovery codes and show the new ones, this once."""
    require_built_in_sign_in(request)
    session = await _session_of_form(request)
    if session is None:
        return see(SIGN_IN, next=ACCOUNT)
    if refused := fresh_or_refused(session):
        return refused
    if not (await second_factors_of(session.account_id)).is_needed:
        return see(ACCOUNT)
    return show_codes(request, await replace_recovery_codes(session.account_id))


async def end_one_session(request: Request) -> Response:
    """Sign another browser out."""
    session = await _session_of_form(request)
    if session is None:
        return see(SIGN_IN, next=ACCOUNT)
    wanted = (await read_form(request)).get("id", "")
    # Looked up among one's own: anybody else's does not exist.
    for other in await list_sessions(session.account_id):
        if str(other.id) == wanted and other.id != session.id:
            await end_session(other.id)
            return see(ACCOUNT, done="session_ended")
    return see(ACCOUNT)


async def end_other_sessions(request: Request) -> Response:
    """Sign out everywhere else, applications included."""
    session = await _session_of_form(request)
    if session is None:
        return see(SIGN_IN, next=ACCOUNT)
    await sign_out_everywhere(session)
    return see(ACCOUNT, done="sessions_ended")


def show_codes(request: Request, codes: list[str]) -> Response:
    """Show recovery codes. They are kept as hashes: this page is the only one that has them."""
    return page(request, "recovery_codes.html", codes=codes)


async def _session_of_form(request: Request) -> Session | None:
    session = await current_session(request)
    if session is not None:
        await require_csrf(request, session)
    return session


async def _account_page(
    request: Request,
    session: Session,
    *,
    faults: dict[str, str] | None = None,
    wait: TooManyAttempts | None = None,
) -> Response:
    account, locale = await get_account(session.account_id), page_locale(request)
    done = request.query_params.get("done", "")
    return form_page(
        request,
        session,
        "account.html",
        is_wrong=bool(faults),
        wait=wait,
        problem=say("provider_not_fresh", locale) if done == "not_fresh" else "",
        account=account,
        factors=await second_factors_of(account.id),
        passkeys=await list_passkeys(account.id),
        sessions=[
            (other, describe_browser(other.user_agent), other.id == session.id)
            for other in await list_sessions(account.id)
        ],
        is_fresh=session.is_fresh,
        is_built_in=has_built_in_sign_in(request),
        can_have_passkeys=relying_party(settings_of(request)) is not None,
        notice=say(f"done_{done}", locale) if done in DONE else "",
        faults=faults or {"old": "", "password": "", "repeat": ""},
    )


def uuid_or_none(text: str) -> UUID | None:
    """Return an id that a form carries; None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None
