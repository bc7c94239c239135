"""Pages to sign in and out: the password, then a second factor where one is set up."""

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.accounts import get_account
from headless_presale.identity.errors import FactorRefused, TooManyAttempts
from headless_presale.identity.passkeys import RelyingParty, begin_authentication
from headless_presale.identity.sessions import Session, end_session, set_challenge
from headless_presale.identity.sign_in import (
    SecondFactor,
    second_factors_of,
    show_second_factor,
    sign_in_with_password,
)
from headless_presale.web.browser import (
    SIGN_IN,
    address,
    any_session,
    clear_session_cookie,
    csrf_token,
    go_on,
    page,
    pending_session,
    read_form,
    require_csrf,
    safe_next,
    see,
    settings_of,
    user_agent_of,
)
from headless_presale.web.people import (
    PRODUCT,
    form_page,
    has_built_in_sign_in,
    let_in,
    relying_party,
    require_built_in_sign_in,
    source_of,
)
from headless_presale.web.rendering import page_locale
from headless_presale.web.texts import say

VERIFY = "/sign-in/verify"
PROVIDER = "/sign-in/provider"
NOTICES = frozenset({"password_reset", "reset_requested"})


async def show_sign_in(request: Request) -> Response:
    """Ask for the password, unless somebody is signed in already."""
    session = await any_session(request)
    target = safe_next(request.query_params.get("next"))
    is_again = request.query_params.get("again") == "1"
    if session is not None and not is_again:
        return go_on(request, target) if session.is_complete else see(VERIFY, next=target)
    if not has_built_in_sign_in(request):
        return see(PROVIDER, next=target, again="1" if is_again else "")
    email = ""
    if session is not None and session.is_complete:
        email = (await get_account(session.account_id)).email
    return await _sign_in_page(request, session, target, email=email, is_again=is_again)


async def take_password(request: Request) -> Response:
    """Take the address and the password; the answer is the same whatever is wrong."""
    require_built_in_sign_in(request)
    session = await any_session(request)
    await require_csrf(request, session)
    form = await read_form(request)
    target, email = safe_next(form.get("next")), form.get("email", "")
    try:
        started = await sign_in_with_password(
            email,
            form.get("password", ""),
            source=source_of(request),
            user_agent=user_agent_of(request),
        )
    except TooManyAttempts as error:
        return await _sign_in_page(request, session, target, email=email, wait=error)
    if started is None:
        return await _sign_in_page(request, session, target, email=email, is_wrong=True)
    is_in = started.session.is_complete
    response = go_on(request, target) if is_in else see(VERIFY, next=target)
    await let_in(request, response, started)
    return response


async def _sign_in_page(
    request: Request,
    session: Session | None,
    target: str,
    *,
    email: str = "",
    is_again: bool = False,
    is_wrong: bool = False,
    wait: TooManyAttempts | None = None,
) -> Response:
    locale, settings = page_locale(request), settings_of(request)
    notice = request.query_params.get("done", "")
    return form_page(
        request,
        session,
        "sign_in.html",
        is_wrong=is_wrong,
        wait=wait,
        problem=say("sign_in_wrong", locale) if is_wrong else "",
        next=target,
        email=email[:320],
        is_again=is_again,
        provider=settings.oidc_name if settings.oidc_issuer else "",
        provider_way=address(PROVIDER, next=target, again="1" if is_again else ""),
        notice=say(notice, locale) if notice in NOTICES else "",
    )


async def show_verify(request: Request) -> Response:
    """Ask for a second factor."""
    require_built_in_sign_in(request)
    session = await pending_session(request)
    target = safe_next(request.query_params.get("next"))
    if session is None:
        return see(SIGN_IN, next=target)
    return await _verify_page(request, session, target)


async def take_second_factor(request: Request) -> Response:
    """Take a code or a passkey's answer; the session that comes of it has another name."""
    require_built_in_sign_in(request)
    session, form = await pending_session(request), await read_form(request)
    target = safe_next(form.get("next"))
    if session is None:
        # It took too long, or another window was quicker. Nothing happens, wherever this came from.
        return see(SIGN_IN, next=target)
    await require_csrf(request, session)
    kind = form.get("kind", "")
    if kind not in list(SecondFactor):
        return await _verify_page(request, session, target, refused="totp")
    party = relying_party(settings_of(request)) or RelyingParty("", PRODUCT)
    try:
        completed = await show_second_factor(
            session, SecondFactor(kind), form.get("code", "")[:30_000], party=party
        )
    except TooManyAttempts as error:
        return await _verify_page(request, session, target, wait=error)
    except FactorRefused:
        return await _verify_page(request, session, target, refused=kind)
    response = go_on(request, target)
    await let_in(request, response, completed)
    return response


async def _verify_page(
    request: Request,
    session: Session,
    target: str,
    *,
    refused: str = "",
    wait: TooManyAttempts | None = None,
) -> Response:
    account = await get_account(session.account_id)
    factors = await second_factors_of(session.account_id)
    party = relying_party(settings_of(request))
    options = ""
    if factors.passkeys and party is not None:
        ceremony = await begin_authentication(session.account_id, party)
        await set_challenge(session.id, ceremony.challenge)
        options = ceremony.options
    return form_page(
        request,
        session,
        "second_factor.html",
        is_wrong=bool(refused),
        wait=wait,
        problem=say(f"{refused}_refused", page_locale(request)) if refused else "",
        next=target,
        email=account.email,
        has_totp=factors.has_totp,
        options=options,
        is_recovery_open=refused == SecondFactor.RECOVERY,
        other_account=address(SIGN_IN, next=target, again="1"),
    )


async def show_sign_out(request: Request) -> Response:
    """Ask before signing out: a link on another site must not do it."""
    session = await any_session(request)
    email = (await get_account(session.account_id)).email if session is not None else ""
    return page(request, "sign_out.html", email=email, csrf=csrf_token(request, session))


async def sign_out(request: Request) -> Response:
    """End this browser's session."""
    session = await any_session(request)
    if session is not None:
        await require_csrf(request, session)
        await end_session(session.id)
    response = see("/sign-out")
    clear_session_cookie(response, settings_of(request))
    return response
