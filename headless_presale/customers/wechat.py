"""Signing in from a WeChat mini-program: by the code that ``wx.login`` gave it."""

from uuid import UUID

import structlog

from headless_presale.customers.errors import (
    SignInBlocked,
    SignInProviderUnavailable,
    SignInRefused,
)
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.limits import provider_keys
from headless_presale.customers.models import SignInProvider
from headless_presale.customers.provider_clients import current_provider_clients
from headless_presale.customers.providers import find_provider, secret_of
from headless_presale.customers.sessions import SignedIn
from headless_presale.customers.states import ProviderKind
from headless_presale.customers.wechat_api import WeChatFault, WeChatRefused, WeChatUser
from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import Source
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.identity.throttle import forgive, take_attempt
from headless_presale.kernel.vault import SealBroken

log = structlog.get_logger(__name__)

MAX_CODE_LENGTH = 200
RATE_PAUSE_SECONDS = 60
"""WeChat lets a user's codes be exchanged a hundred times a minute."""


async def sign_in_by_wechat(shop_id: UUID, code: str, *, locale: str, source: Source) -> SignedIn:
    """Sign in with a mini-program's code, which counts once.

    Raises:
        SignInProviderNotFound: the shop has no mini-program, or has switched it off.
        SignInRefused: WeChat does not take the code.
        SignInBlocked: WeChat lets this user in nowhere.
        SignInProviderUnavailable: WeChat does not answer, or not as it should.
        TooManyAttempts: wait first.
    """
    provider = await find_provider(shop_id, ProviderKind.WECHAT)
    if not (0 < len(code) <= MAX_CODE_LENGTH and code.isascii() and code.isprintable()):
        raise SignInRefused(field=("code",))
    await take_attempt(provider_keys(source))
    user = await _ask(provider, code)
    asserted = AssertedIdentity(subject=user.openid, union_id=user.union_id, locale=locale)
    signed_in = await sign_in_asserted(provider, asserted, await signing_key())
    await forgive([], provider_keys(source))
    return signed_in


async def _ask(provider: SignInProvider, code: str) -> WeChatUser:
    try:
        secret = secret_of(provider)
        assert secret is not None  # the database sees to it
        wechat = current_provider_clients().wechat
        return await wechat.exchange(appid=provider.client_id, secret=secret, code=code)
    except SealBroken:
        log.error("customers.provider_secret_broken", provider_id=str(provider.id))
        raise SignInProviderUnavailable(provider=provider.name) from None
    except WeChatRefused as error:
        match error.fault:
            case WeChatFault.CODE:
                raise SignInRefused(field=("code",)) from None
            case WeChatFault.BLOCKED:
                raise SignInBlocked(field=("code",)) from None
            case WeChatFault.RATE:
                raise TooManyAttempts(retry_after_seconds=RATE_PAUSE_SECONDS) from None
            case WeChatFault.AWAY:
                raise SignInProviderUnavailable(provider=provider.name) from None
