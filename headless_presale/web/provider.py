"""Signing in at an outside OpenID Connect provider, by Authlib's Starlette client.

The code flow with PKCE, state and nonce. What has to be remembered meanwhile is sealed in a cookie:
an answer that another browser has asked for is not taken. What the provider says about the time of
the sign-in counts for us too: a browser that was left open at the provider is no fresh sign-in.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.errors import NotLinked, TooManyAttempts
from headless_presale.identity.external import Claims, resolve_account
from headless_presale.identity.limits import link_keys
from headless_presale.identity.oidc import REFUSED, ProviderUnusable
from headless_presale.identity.sign_in import begin
from headless_presale.identity.throttle import forgive, take_attempt
from headless_presale.kernel import clock
from headless_presale.kernel.later import later
from headless_presale.kernel.vault import SealBroken, seal, unseal
from headless_presale.settings import Settings
from headless_presale.web.account import ACCOUNT
from headless_presale.web.browser import go_on, safe_next, see, settings_of, user_agent_of
from headless_presale.web.cookies import read_cookie, set_cookie
from headless_presale.web.errors import PageRefused
from headless_presale.web.people import let_in, source_of
from headless_presale.web.rendering import page_locale

if TYPE_CHECKING:
    import httpx

    from headless_presale.web.provider_app import ProviderApp
else:
    httpx = later("httpx")

log = structlog.get_logger(__name__)

CALLBACK = "/sign-in/provider/callback"
COOKIE = "provider"
PURPOSE = "provider-sign-in"
FLOW_SECONDS = 600
CLOCK_SKEW_SECONDS = 60
MAX_STATE_LENGTH = 3_000


@lru_cache(maxsize=4)
def _app(issuer: str, client_id: str, client_secret: str | None, scopes: str) -> "ProviderApp":
    # Authlib's client with all that it asks by: only where a provider is configured.
    from headless_presale.web.provider_app import make_app

    return make_app(issuer, client_id, client_secret, scopes)


def provider_of(settings: Settings) -> "ProviderApp":
    """Return the client of the provider that is configured.

    Raises:
        PageRefused: 404, there is none.
    """
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        raise PageRefused(404, "not_found")
    secret = settings.oidc_client_secret
    return _app(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret.get_secret_value() if secret is not None else None,
        settings.oidc_scopes,
    )


async def go_to_provider(request: Request) -> Response:
    """Send the browser to the provider."""
    settings = settings_of(request)
    app = provider_of(settings)
    is_again = request.query_params.get("again") == "1"
    session: dict[str, Any] = {}
    request.scope["session"] = session
    # Signing in again has to be that, and not a glance at the provider's own session.
    asked = {"prompt": "login", "max_age": "0"} if is_again else {}
    try:
        response: Response = await app.authorize_redirect(
            request, f"{settings.base_url}{CALLBACK}", **asked
        )
    except (httpx.HTTPError, ProviderUnusable, *REFUSED) as error:
        log.warning("provider.unusable", error=repr(error))
        raise PageRefused(503, "provider_away", retry_after_seconds=30) from error
    flow = {
        "session": session,
        "next": safe_next(request.query_params.get("next")),
        "again": is_again,
        "began": clock.now().timestamp(),
    }
    sealed = seal(PURPOSE, json.dumps(flow))
    if len(sealed) > MAX_STATE_LENGTH:
        # Too long an address to return to: without it the sign-in works all the same.
        sealed = seal(PURPOSE, json.dumps({**flow, "next": "/"}))
    set_cookie(response, settings, COOKIE, sealed, max_age=FLOW_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    return response


async def return_from_provider(request: Request) -> Response:
    """Take the provider's answer and sign in whom it vouches for."""
    settings = settings_of(request)
    app, flow = provider_of(settings), _flow_of(request)
    if flow is None:
        raise PageRefused(400, "provider_expired")
    if "error" in request.query_params:
        log.info("provider.refused", error=request.query_params["error"][:100])
        raise PageRefused(403, "provider_refused")
    source = source_of(request)
    try:
        await take_attempt(link_keys(source))
    except TooManyAttempts as error:
        raise PageRefused(
            429, "provider_wait", retry_after_seconds=error.retry_after_seconds
        ) from error
    token = await _redeem(app, request, flow)
    said = await _claims_of(app, token)
    try:
        account_id = await resolve_account(said, locale=page_locale(request))
    except NotLinked as error:
        raise PageRefused(403, f"provider_{error.reason}") from error
    await forgive([], link_keys(source))
    at = _authenticated_at(token["userinfo"])
    started = await begin(
        account_id,
        factor="fed",
        user_agent=user_agent_of(request),
        is_enough=settings.sign_in == "oidc",
        authenticated_at=at,
    )
    target = safe_next(flow["next"])
    is_fresh = at.timestamp() >= flow["began"] - CLOCK_SKEW_SECONDS
    if flow["again"] and not is_fresh and target == ACCOUNT:
        # Signed in, but not in the way that the account's page asked for: it says so.
        target = f"{ACCOUNT}?done=not_fresh"
    is_in = started.session.is_complete
    response = go_on(request, target) if is_in else see("/sign-in/verify", next=target)
    await let_in(request, response, started)
    set_cookie(response, settings, COOKIE, "", max_age=0)
    return response


def _flow_of(request: Request) -> dict[str, Any] | None:
    """Return what this browser was sent to the provider with, unless it is too long ago."""
    try:
        flow: dict[str, Any] = json.loads(unseal(PURPOSE, read_cookie(request, COOKIE)))
    except (SealBroken, ValueError):
        return None
    return flow if clock.now().timestamp() < flow["began"] + FLOW_SECONDS else None


async def _redeem(app: "ProviderApp", request: Request, flow: dict[str, Any]) -> dict[str, Any]:
    """Exchange the code and check the ID token: signature, issuer, audience, nonce, times.

    Raises:
        PageRefused: anything of it is wrong, or the provider does not answer.
    """
    request.scope["session"] = flow["session"]
    named = request.query_params.get("iss")
    try:
        if named is not None and named != app.issuer:
            raise ProviderUnusable(f"the answer is {named[:200]!r}'s")
        token: dict[str, Any] = await app.authorize_access_token(
            request,
            claims_options=app.claims_options,
        )
        if not token.get("userinfo"):
            raise ProviderUnusable("there is no ID token")
    except httpx.HTTPError as error:
        log.warning("provider.unusable", error=repr(error))
        raise PageRefused(503, "provider_away", retry_after_seconds=30) from error
    except (ProviderUnusable, *REFUSED) as error:
        log.warning("provider.answer_refused", error=repr(error))
        raise PageRefused(400, "provider_expired") from error
    return token


async def _claims_of(app: "ProviderApp", token: dict[str, Any]) -> Claims:
    """Return who it is; the address comes from the userinfo endpoint if the token has none."""
    try:
        return await app.read_person(token, token["userinfo"])
    except ProviderUnusable as error:
        raise PageRefused(400, "provider_expired") from error
    except (httpx.HTTPError, *REFUSED) as error:
        log.warning("provider.userinfo_failed", error=repr(error))
        raise PageRefused(503, "provider_away", retry_after_seconds=30) from error


def _authenticated_at(said: dict[str, Any]) -> datetime:
    """Return when the person was there, by the provider's word; long ago if it does not say."""
    try:
        at = datetime.fromtimestamp(float(said["auth_time"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return clock.now() - timedelta(days=1)
    return min(at, clock.now())
