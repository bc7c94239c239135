"""Signing in at an OpenID Connect provider of the shop's: authorization code with PKCE.

What has to be remembered meanwhile is a row that counts once, for ten minutes. Neither what comes
back in the address (``state``) nor what the browser keeps for itself (the browser's key) is enough
alone, and neither is stored: an answer that another browser asked for is not taken. Nonce and
verifier are functions of the state and the secret key.
"""

import asyncio
import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from headless_presale.customers.errors import (
    SignInProviderNotFound,
    SignInProviderUnavailable,
    SignInRefused,
)
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.limits import provider_keys
from headless_presale.customers.models import SignInProvider
from headless_presale.customers.proven import read_customer_email
from headless_presale.customers.provider_clients import current_provider_clients
from headless_presale.customers.providers import find_provider, secret_of
from headless_presale.customers.sessions import SignedIn
from headless_presale.customers.states import ProviderKind
from headless_presale.identity.accounts import clean_name
from headless_presale.identity.external import Claims
from headless_presale.identity.limits import Source
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.identity.oidc import REFUSED, ProviderUnusable
from headless_presale.identity.throttle import forgive, take_attempt
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret
from headless_presale.kernel.later import later
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.vault import SealBroken, derive_key

if TYPE_CHECKING:
    import httpx

    from headless_presale.customers.oidc_app import OidcApp
else:
    httpx = later("httpx")

log = structlog.get_logger(__name__)

FLOW_LIFETIME = timedelta(minutes=10)
TOTAL_SECONDS = 8.0
"""For all that a provider is asked at once: an operation may take ten."""
MAX_CODE_LENGTH = 4_000
REMEMBER_SECONDS = 3_600
"""So long what a provider says about itself is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """Where to send the browser, and what it keeps until it is back.

    Attributes:
        browser_key: what shows that the answer comes to the browser that asked.
    """

    url: str
    state: str
    browser_key: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """What came back from the provider, and what the browser kept.

    Attributes:
        issuer: who the answer says that it is from (RFC 9207); None where it does not.
    """

    code: str
    state: str
    browser_key: str
    redirect_uri: str
    issuer: str | None = None


async def start_oidc_sign_in(
    shop_id: UUID, provider_id: UUID, redirect_uri: str, *, source: Source
) -> AuthorizationRequest:
    """Begin a sign-in.

    Raises:
        SignInProviderNotFound: not of this shop, or switched off.
        InvalidInput: the provider does not list the address to come back to.
        SignInProviderUnavailable: it does not answer, or not as it should.
        TooManyAttempts: wait first.
    """
    provider = await find_provider(shop_id, ProviderKind.OIDC, provider_id)
    _check_redirect_uri(provider, redirect_uri)
    await take_attempt(provider_keys(source))
    state, browser_key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            going: dict[str, Any] = await _app_of(provider).create_authorization_url(
                redirect_uri,
                state=state,
                nonce=_derived("nonce", state),
                code_verifier=_derived("verifier", state),
            )
    except (TimeoutError, httpx.HTTPError, ProviderUnusable, *REFUSED) as error:
        raise _unavailable(provider, error) from None
    expires_at = await begin_flow(provider, redirect_uri, state=state, browser_key=browser_key)
    return AuthorizationRequest(
        url=going["url"], state=state, browser_key=browser_key, expires_at=expires_at
    )


async def complete_oidc_sign_in(
    shop_id: UUID, provider_id: UUID, back: AuthorizationResponse, *, locale: str, source: Source
) -> SignedIn:
    """Sign in whom the provider vouches for. Who was never here has an account then.

    Raises:
        SignInProviderNotFound: not of this shop, or switched off.
        SignInRefused: this browser asked for no such answer, or the answer is not what it should
            be. Begin anew.
        SignInProviderUnavailable: the provider does not answer, or not as it should.
    """
    provider = await find_provider(shop_id, ProviderKind.OIDC, provider_id)
    if not await use_flow(provider, back):
        raise SignInRefused(field=("state",))
    if back.issuer is not None and back.issuer != provider.issuer:
        raise SignInRefused(field=("iss",))
    person = await _redeem(provider, back)
    asserted = AssertedIdentity(
        subject=person.subject,
        locale=locale,
        address=_address_in(person),
        name=clean_name(person.name),
    )
    signed_in = await sign_in_asserted(provider, asserted, await signing_key())
    await forgive([], provider_keys(source))
    return signed_in


def _check_redirect_uri(provider: SignInProvider, redirect_uri: str) -> None:
    if redirect_uri not in provider.redirect_uris:
        raise InvalidInput(
            reason="the provider does not list this address", field=("redirect_uri",)
        )


@shielded
async def begin_flow(
    provider: SignInProvider, redirect_uri: str, *, state: str, browser_key: str
) -> datetime:
    """Remember what a browser was sent away with; return until when."""
    at = clock.now()
    async with unit_of_work() as work:
        begun = await work.execute(
            "INSERT INTO customer_sign_in_flow (state_hash, browser_key_hash, provider_id, "
            "redirect_uri, expires_at) SELECT $1, $2, id, $4, $5 FROM customer_sign_in_provider "
            "WHERE id = $3 AND disabled_at IS NULL FOR KEY SHARE",
            hash_secret(state),
            hash_secret(browser_key),
            provider.id,
            redirect_uri,
            at + FLOW_LIFETIME,
        )
        reach("customers.flow_begun")
    if not begun:
        raise SignInProviderNotFound(field=("providerId",))
    return at + FLOW_LIFETIME


_USE_FLOW = """
DELETE FROM customer_sign_in_flow
WHERE state_hash = $1 AND browser_key_hash = $2 AND provider_id = $3 AND redirect_uri = $4
  AND expires_at > $5
"""


@shielded
async def use_flow(provider: SignInProvider, back: AuthorizationResponse) -> bool:
    """Tell whether this browser was sent away like this, and not too long ago: once."""
    async with unit_of_work() as work:
        used = await work.execute(
            _USE_FLOW,
            hash_secret(back.state),
            hash_secret(back.browser_key),
            provider.id,
            back.redirect_uri,
            clock.now(),
        )
        reach("customers.flow_used")
    return used == 1


async def _redeem(provider: SignInProvider, back: AuthorizationResponse) -> Claims:
    """Exchange the code and check the ID token: signature, issuer, audience, nonce, times."""
    if not 0 < len(back.code) <= MAX_CODE_LENGTH:
        raise SignInRefused(field=("code",))
    app = _app_of(provider)
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            token: dict[str, Any] = await app.fetch_access_token(
                back.redirect_uri,
                code=back.code,
                code_verifier=_derived("verifier", back.state),
            )
            said = await app.parse_id_token(
                token, nonce=_derived("nonce", back.state), claims_options=app.claims_options
            )
            if said is None:
                raise ProviderUnusable("there is no ID token")
            return await app.read_person(token, said)
    except (TimeoutError, httpx.HTTPError) as error:
        raise _unavailable(provider, error) from None
    except (ProviderUnusable, *REFUSED) as error:
        if getattr(error, "error", "") in ("invalid_client", "unauthorized_client"):
            raise _unavailable(provider, error) from None
        log.warning(
            "customers.provider_answer_refused", provider_id=str(provider.id), error=_told(error)
        )
        raise SignInRefused(field=("code",)) from None


def _unavailable(provider: SignInProvider, error: Exception) -> SignInProviderUnavailable:
    log.warning("customers.provider_away", provider_id=str(provider.id), error=_told(error))
    return SignInProviderUnavailable(provider=provider.name)


def _told(error: Exception) -> str:
    return repr(error)[:200]


def _address_in(person: Claims) -> str | None:
    """Return the address of somebody, if the provider says that it is his."""
    if not person.is_email_verified:
        return None
    try:
        return read_customer_email(person.email)
    except InvalidInput:
        return None


def _derived(what: str, state: str) -> str:
    """Return 43 characters that only we can make of a state."""
    digest = hmac.digest(
        derive_key("customer-sign-in"), f"{what}:{state}".encode(errors="replace"), "sha256"
    )
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _app_of(provider: SignInProvider) -> "OidcApp":
    """Return the client for a provider.

    Raises:
        ProviderUnusable: its secret does not open.
    """
    try:
        secret = secret_of(provider)
    except SealBroken as error:
        raise ProviderUnusable(str(error)) from None
    period = int(clock.now().timestamp() // REMEMBER_SECONDS)
    allow_private = current_provider_clients().allow_private
    return _app(provider.issuer, provider.client_id, secret, allow_private, period)


@lru_cache(maxsize=256)
def _app(
    issuer: str, client_id: str, secret: str | None, allow_private: bool, period: int
) -> "OidcApp":
    # Authlib's client with all that it asks by: only where a shop has such a provider.
    from headless_presale.customers.oidc_app import make_app

    return make_app(issuer=issuer, client_id=client_id, secret=secret, allow_private=allow_private)
