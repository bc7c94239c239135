"""A shop whose customers sign in at providers outside, and how a storefront has them do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from headless_presale.customers import (
    Outside,
    ProviderKind,
    ProviderWish,
    SignInProvider,
    WeChatApi,
    create_provider,
    set_outside,
)
from headless_presale.customers.outside import current_outside
from headless_presale.shops.models import Shop
from tests.graphql.customers import SESSION, Storefront
from tests.support.wechat import APPID, SECRET, WeChat

WECHAT = f"""
mutation ($input: SignInWeChatInput!) {{ signInWeChat(input: $input) {{ {SESSION} }} }}
"""


@asynccontextmanager
async def outside_open(url: str, *, total_seconds: float = 20.0) -> AsyncIterator[None]:
    """Install a way to the providers of this machine."""
    before = current_outside()
    wechat = WeChatApi(url, total_seconds=total_seconds)
    set_outside(Outside(wechat=wechat, allow_private=True))
    yield
    await wechat.close()
    set_outside(before)


async def add_wechat(shop: Shop, appid: str = APPID, secret: str = SECRET) -> SignInProvider:
    """Let a shop's customers sign in from a mini-program."""
    wish = ProviderWish(kind=ProviderKind.WECHAT, name="WeChat", client_id=appid, secret=secret)
    return await create_provider(shop.id, wish)


async def sign_in_from(storefront: Storefront, code: str) -> dict[str, Any]:
    """Return the payload of a sign-in from a mini-program."""
    given = {"shop": storefront.shop.slug, "code": code}
    reply = await storefront.api.ask(WECHAT, input=given)
    payload: dict[str, Any] = reply.data["signInWeChat"]
    return payload


async def sign_in_as(storefront: Storefront, wechat: WeChat, person: str) -> dict[str, Any]:
    """Return the payload of a person's sign-in, which succeeds."""
    payload = await sign_in_from(storefront, wechat.login(person))
    assert payload["userErrors"] == []
    return payload
