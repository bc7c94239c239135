"""A buyer who signs in by mail, as a storefront has him do it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from headless_presale.customers import CustomerCode, code_of, codes
from headless_presale.customers.models import Customer, CustomerGrant
from headless_presale.shops.models import Shop
from tests.graphql.endpoint import Api, Reply

EMAIL = "ann@example.com"

REQUEST = """
mutation ($input: SignInCodeRequestInput!) {
  signInCodeRequest(input: $input) { expiresAt userErrors { __typename code field message
    ... on TooManyAttemptsError { retryAfterSeconds } } } }
"""
SESSION = """
  accessToken expiresAt refreshToken customer { id email name locale createdAt }
  userErrors { __typename code field message
    ... on TooManyAttemptsError { retryAfterSeconds } }
"""
REDEEM = f"""
mutation ($input: SignInCodeRedeemInput!) {{ signInCodeRedeem(input: $input) {{ {SESSION} }} }}
"""
REFRESH = f"""
mutation ($input: SessionRefreshInput!) {{ sessionRefresh(input: $input) {{ {SESSION} }} }}
"""
SIGN_OUT = """
mutation ($input: SignOutInput!) { signOut(input: $input) { ended userErrors { code } } }
"""
PROVE = f"""
mutation ($input: EmailProveInput!) {{ emailProve(input: $input) {{ {SESSION} }} }}
"""
ME = "{ me { id email name locale createdAt } }"


@dataclass(frozen=True, slots=True)
class Storefront:
    """A storefront of one shop."""

    api: Api
    shop: Shop

    async def ask_for_code(self, email: str = EMAIL, **more: Any) -> dict[str, Any]:
        """Return the payload of asking for a code."""
        given = {"shop": self.shop.slug, "email": email, **more}
        reply = await self.api.ask(REQUEST, input=given)
        payload: dict[str, Any] = reply.data["signInCodeRequest"]
        return payload

    async def code(self, email: str = EMAIL) -> str:
        """Have a code mailed and read the mail."""
        asked = await self.ask_for_code(email)
        assert asked["userErrors"] == []
        return await mailed_code(self.shop, email)

    async def redeem(self, code: str, email: str = EMAIL) -> dict[str, Any]:
        """Return the payload of redeeming a code."""
        given = {"shop": self.shop.slug, "email": email, "code": code}
        reply = await self.api.ask(REDEEM, input=given)
        payload: dict[str, Any] = reply.data["signInCodeRedeem"]
        return payload

    async def sign_in(self, email: str = EMAIL) -> dict[str, Any]:
        """Return the payload of a whole sign-in."""
        payload = await self.redeem(await self.code(email), email)
        assert payload["userErrors"] == []
        return payload

    async def refresh(self, token: str) -> dict[str, Any]:
        """Return the payload of refreshing."""
        reply = await self.api.ask(REFRESH, input={"refreshToken": token})
        payload: dict[str, Any] = reply.data["sessionRefresh"]
        return payload

    async def me(self, token: str) -> Reply:
        """Return the answer to who one is."""
        return await self.api.ask(ME, bearer=token)

    async def sign_out(self, token: str, **more: Any) -> Reply:
        """Return the answer to signing out."""
        return await self.api.ask(SIGN_OUT, bearer=token, input=more)


async def mailed_code(shop: Shop, email: str = EMAIL) -> str:
    """Return the newest code that was mailed to an address."""
    row = (
        await CustomerCode.filter(shop_id=shop.id, email=email.strip().lower())
        .order_by("-id")
        .first()
    )
    assert row is not None
    return code_of(row.id)


def codes_of(payload: dict[str, Any]) -> list[str]:
    """Return why a mutation did nothing."""
    return [error["code"] for error in payload["userErrors"]]


def other_than(code: str) -> str:
    """Return a wrong code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def let_them_all_look_first(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Take the lock away, and have so many look at the code before the first goes on."""
    find, barrier = codes._find_open_code, asyncio.Barrier(count)
    monkeypatch.setattr(codes, "_OPEN_CODE", codes._OPEN_CODE.replace("FOR UPDATE", ""))

    async def find_and_wait(*args: object) -> object:
        row = await find(*args)  # type: ignore[arg-type]
        await barrier.wait()
        return row

    monkeypatch.setattr(codes, "_find_open_code", find_and_wait)


async def nobody_is_in() -> bool:
    """Tell whether there is neither a customer nor a sign-in."""
    return not await Customer.exists() and not await CustomerGrant.exists()
