"""Who stands at the browser: where attempts come from, and what a sign-in leaves there."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.accounts import get_account
from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import Source, mark_device
from headless_presale.identity.passkeys import RelyingParty
from headless_presale.identity.sessions import NewSession, Session, replace_session
from headless_presale.proxies import client_address
from headless_presale.settings import Settings
from headless_presale.web.browser import (
    SIGN_IN,
    any_session,
    csrf_token,
    page,
    see,
    set_session_cookie,
    settings_of,
)
from headless_presale.web.cookies import read_cookie, set_cookie
from headless_presale.web.errors import PageRefused
from headless_presale.web.rendering import page_locale
from headless_presale.web.texts import say_wait

DEVICE_SECONDS = 365 * 86_400
PRODUCT = "Headless Presale"


def source_of(request: Request) -> Source:
    """Return where an attempt comes from."""
    return Source(address=client_address(request.scope), device=read_cookie(request, "device"))


def has_built_in_sign_in(request: Request) -> bool:
    """Tell whether people sign in here, and not only at an outside issuer."""
    return settings_of(request).sign_in == "password"


def require_built_in_sign_in(request: Request) -> None:
    """Refuse what belongs to passwords and second factors where an outside issuer has them.

    Raises:
        PageRefused: 404.
    """
    if not has_built_in_sign_in(request):
        raise PageRefused(404, "not_found")


def relying_party(settings: Settings) -> RelyingParty | None:
    """Return whom passkeys are made for; None where browsers make none.

    They are bound to a host name: an IP address is none.
    """
    parts = urlsplit(settings.base_url)
    try:
        ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return RelyingParty(f"{parts.scheme}://{parts.netloc}", PRODUCT)
    return None


async def let_in(request: Request, response: Response, started: NewSession) -> None:
    """Give the browser a session that has just begun, or was completed.

    Whatever session it had ends: nobody stays signed in behind somebody else. A browser in which
    an owner has signed in completely is known from then on.
    """
    before = await any_session(request)
    if before is not None and before.id != started.session.id:
        await replace_session(before, started.session)
    settings = settings_of(request)
    set_session_cookie(response, settings, started.cookie_value)
    if started.session.is_complete:
        account = await get_account(started.session.account_id)
        device = mark_device(account.email)
        set_cookie(response, settings, "device", device, max_age=DEVICE_SECONDS)


def fresh_or_refused(session: Session) -> Response | None:
    """Return the way to a fresh sign-in where the last one is too long ago."""
    return None if session.is_fresh else see(SIGN_IN, next="/account", again="1")


def form_page(
    request: Request,
    session: Session | None,
    template: str,
    *,
    is_wrong: bool,
    wait: TooManyAttempts | None = None,
    problem: str = "",
    **values: Any,
) -> Response:
    """Show a form, for the first time or again.

    Args:
        is_wrong: something in what was sent; 422.
        wait: it came too early; 429, for programs with ``Retry-After``.
        problem: a sentence about the whole form; that about waiting takes its place.
    """
    return page(
        request,
        template,
        status=422 if is_wrong else 429 if wait else 200,
        headers={"Retry-After": str(wait.retry_after_seconds)} if wait else None,
        csrf=csrf_token(request, session),
        problem=say_wait(wait, page_locale(request)) if wait else problem,
        **values,
    )
