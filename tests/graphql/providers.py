"""A shop whose customers sign in at providers outside, and how a storefront has them do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from headless_presale.customers import (
    ProviderChanges,
    ProviderClients,
    ProviderKind,
    ProviderWish,
    SignInProvider,
    WeChatApi,
    create_provider,
    set_provider_clients,
    update_provider,
)
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.provider_clients import current_provider_clients
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel.ids import new_id
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.customers import SESSION, Storefront
from tests.support.wechat import APPID, SECRET, WeChat

WECHAT = f"""
mutation ($input: SignInWeChatInput!) {{ signInWeChat(input: $input) {{ {SESSION} }} }}
"""

START = """
mutation ($input: SignInOidcStartInput!) { signInOidcStart(input: $input) {
  url state browserKey expiresAt userErrors { __typename code field message } } }
"""
COMPLETE = f"""
mutation ($input: SignInOidcCompleteInput!) {{
  signInOidcComplete(input: $input) {{ {SESSION} }} }}
"""
BACK = "https://shop.example.com/back"


@asynccontextmanager
async def outside_open(url: str, *, total_seconds: float = 20.0) -> AsyncIterator[None]:
    """Install a way to the providers of this machine."""
    before = current_provider_clients()
    wechat = WeChatApi(url, total_seconds=total_seconds)
    set_provider_clients(ProviderClients(wechat=wechat, allow_private=True))
    yield
    await wechat.close()
    set_provider_clients(before)


async def add_wechat(shop: Shop, appid: str = APPID, secret: str = SECRET) -> SignInProvider:
    """Let a shop's customers sign in from a mini-program."""
    wish = ProviderWish(kind=ProviderKind.WECHAT, name="WeChat", client_id=appid, secret=secret)
    return await create_provider(shop.id, wish)


async def without_an_address(shop: Shop) -> str:
    """Return an access token of somebody new whom the shop's mini-program alone knows."""
    provider = await SignInProvider.get_or_none(shop_id=shop.id) or await add_wechat(shop)
    asserted = AssertedIdentity(subject=new_id().hex, locale="en")
    return (await sign_in_asserted(provider, asserted, await signing_key())).access.token


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


async def switch_off(storefront: Storefront) -> None:
    """Turn off the one provider of a shop."""
    provider = await SignInProvider.get(shop_id=storefront.shop.id)
    await update_provider(
        [storefront.shop.id],
        provider.id,
        ProviderChanges(is_enabled=False),
        version=provider.version,
    )


async def add_oidc(shop: Shop, issuer: str, **wish: Any) -> SignInProvider:
    """Let a shop's customers sign in at an issuer."""
    given = {
        "kind": ProviderKind.OIDC,
        "name": "Forge ID",
        "client_id": "presale",
        "secret": "a secret that the two of them share",
        "issuer": issuer,
        "redirect_uris": [BACK],
        **wish,
    }
    return await create_provider(shop.id, ProviderWish(**given))


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in a storefront that is sent to an issuer and comes back.

    Attributes:
        kept: what it keeps until it is back.
    """

    storefront: Storefront
    provider: SignInProvider
    kept: dict[str, str]
    url: str

    async def visit(self) -> dict[str, str]:
        """Go to the issuer; return what it sends back in the address."""
        async with httpx.AsyncClient(trust_env=False) as outside:
            answer = await outside.get(self.url)
        parts = urlsplit(answer.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == self.kept["redirectUri"]
        return {name: values[0] for name, values in parse_qs(parts.query).items()}

    async def complete(self, answer: dict[str, str], **changes: Any) -> dict[str, Any]:
        """Return the payload of coming back with an answer."""
        given = {
            "shop": self.storefront.shop.slug,
            "providerId": seal("SignInProvider", self.provider.id),
            **self.kept,
            **answer,
            **changes,
        }
        reply = await self.storefront.api.ask(COMPLETE, input=given)
        payload: dict[str, Any] = reply.data["signInOidcComplete"]
        return payload

    async def go(self, **changes: Any) -> dict[str, Any]:
        """Go there and come back."""
        return await self.complete(await self.visit(), **changes)

    def with_key_of(self, other: "Browser") -> "Browser":
        """Return it with what another browser kept."""
        return replace(self, kept={**self.kept, "browserKey": other.kept["browserKey"]})


async def start(
    storefront: Storefront, provider: SignInProvider, redirect_uri: str = BACK
) -> dict[str, Any]:
    """Return the payload of beginning a sign-in."""
    given = {
        "shop": storefront.shop.slug,
        "providerId": seal("SignInProvider", provider.id),
        "redirectUri": redirect_uri,
    }
    reply = await storefront.api.ask(START, input=given)
    payload: dict[str, Any] = reply.data["signInOidcStart"]
    return payload


async def begin(
    storefront: Storefront, provider: SignInProvider, redirect_uri: str = BACK
) -> Browser:
    """Have a browser begin a sign-in."""
    begun = await start(storefront, provider, redirect_uri)
    assert begun["userErrors"] == []
    kept = {"browserKey": begun["browserKey"], "redirectUri": redirect_uri}
    return Browser(storefront, provider, kept, begun["url"])
