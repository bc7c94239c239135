"""``/oauth/authorize``: an application sends its user here to be asked whether it may."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headless_presale.identity.accounts import get_account
from headless_presale.identity.errors import Forbidden
from headless_presale.identity.oauth.authorization import (
    Authorization,
    AuthorizationFailed,
    AuthorizationRefused,
    Choice,
    can_skip_asking,
    grant_code,
    list_choices,
    read_authorization,
)
from headless_presale.identity.oauth.metadata import AUTHORIZE
from headless_presale.identity.scopes import Scope
from headless_presale.identity.sessions import Session
from headless_presale.web.browser import (
    SIGN_IN,
    address,
    csrf_token,
    current_session,
    page,
    read_form,
    require_csrf,
    see,
    sign_in_redirect,
)

MAX_QUERY_LENGTH = 3_500
"""It has to come through sign-in as an address to return to."""

GRAVE = frozenset({Scope.ORDERS_REFUND, Scope.MEMBERS_WRITE, Scope.CLIENTS_WRITE})
"""Money that leaves, and letting others in: told apart on the page."""


async def authorize(request: Request) -> Response:
    """Show what an application asks for; send the browser back where nothing needs asking."""
    try:
        asked = await _read(request)
    except AuthorizationRefused as error:
        return _refused(request, error)
    except AuthorizationFailed as error:
        return _redirect(error.location)
    session = await current_session(request)
    if session is None:
        return sign_in_redirect(request)
    choices = await list_choices(asked, session.account_id)
    if can_skip_asking(asked, choices):
        try:
            return _redirect(await grant_code(asked, session, choices[0].merchant_id))
        except Forbidden:
            # The session or the membership has ended since they were read.
            return see(_here(request))
    return await _ask(request, asked, session, choices)


async def decide(request: Request) -> Response:
    """Do what the person decided on the page. The address says again what was asked for."""
    try:
        asked = await _read(request)
    except AuthorizationRefused as error:
        return _refused(request, error)
    except AuthorizationFailed as error:
        return _go_back(request, error.location)
    session = await current_session(request)
    if session is None:
        return see(_here(request))
    await require_csrf(request, session)
    form = await read_form(request)
    if form.get("decision") != "allow":
        location = asked.error_location("access_denied", "The user said no.")
        return _go_back(request, location, asked)
    try:
        location = await grant_code(asked, session, UUID(form.get("merchant", "")))
    except (Forbidden, ValueError):
        # What may be chosen has changed since the page was shown.
        return see(_here(request))
    return _go_back(request, location, asked)


async def _read(request: Request) -> Authorization:
    if len(request.url.query) > MAX_QUERY_LENGTH:
        raise AuthorizationRefused("invalid_request", "The request is too long.")
    pairs = request.query_params.multi_items()
    return await read_authorization((name, value) for name, value in pairs if name != "lang")


async def _ask(
    request: Request, asked: Authorization, session: Session, choices: list[Choice]
) -> Response:
    account = await get_account(session.account_id)
    return page(
        request,
        "consent.html",
        asked=asked,
        choices=choices,
        scopes=_in_order(choices),
        grave=GRAVE,
        email=account.email,
        csrf=csrf_token(request, session),
        action=_here(request),
        other_account=address(SIGN_IN, next=_here(request), again="1"),
    )


def _in_order(choices: list[Choice]) -> list[Scope]:
    """Return every scope that some choice would grant, in the order in which they are declared."""
    return [scope for scope in Scope if any(scope in choice.scopes for choice in choices)]


def _here(request: Request) -> str:
    return f"{AUTHORIZE}?{request.url.query}"


def _redirect(location: str) -> Response:
    return RedirectResponse(
        location,
        status_code=303,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def _go_back(request: Request, location: str, asked: Authorization | None = None) -> Response:
    """Send the browser back to the application after a form.

    By a page, not by a redirect: a policy's ``form-action`` binds a form's redirects to the last
    one, and where an application sends its user next is not known here.
    """
    name = asked.client.name if asked is not None else ""
    return page(request, "return.html", target=location, name=name)


def _refused(request: Request, error: AuthorizationRefused) -> Response:
    return page(
        request,
        "authorize_refused.html",
        status=400,
        error=error.error,
        description=error.description,
    )


ROUTES: tuple[BaseRoute, ...] = (
    Route(AUTHORIZE, authorize, methods=["GET"]),
    Route(AUTHORIZE, decide, methods=["POST"]),
)
