"""Customers sign in from a WeChat mini-program, against a double that speaks its wire format."""

import asyncio

import pytest

from headless_presale.customers import CustomerIdentity, ProviderKind, wechat_api
from headless_presale.customers.models import Customer, CustomerGrant
from resolvers.global_ids import seal
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.providers import outside_open, sign_in_as, sign_in_from, switch_off
from tests.support import wechat as double
from tests.support.shop import make_shop
from tests.support.wechat import APPID, SECRET, WeChat, openid_of


async def test_a_code_signs_in_and_who_was_never_here_has_an_account(
    storefront: Storefront, wechat: WeChat
) -> None:
    signed_in = await sign_in_as(storefront, wechat, "ann")

    assert signed_in["customer"]["email"] is None
    me = (await storefront.me(signed_in["accessToken"])).data["me"]
    assert me == signed_in["customer"]
    (asked,) = wechat.asked
    assert asked["grant_type"] == "authorization_code"
    assert (asked["appid"], asked["secret"]) == (APPID, SECRET)
    identity = await CustomerIdentity.get()
    assert (identity.kind, identity.issuer) == (ProviderKind.WECHAT, f"wechat:{APPID}")
    assert (identity.subject, identity.union_id) == (openid_of(APPID, "ann"), None)
    assert seal("Customer", identity.customer_id) == me["id"]


async def test_who_comes_again_is_the_same(storefront: Storefront, wechat: WeChat) -> None:
    first = await sign_in_as(storefront, wechat, "ann")
    again = await sign_in_as(storefront, wechat, "ann")
    other = await sign_in_as(storefront, wechat, "bob")

    assert again["customer"] == first["customer"]
    assert other["customer"]["id"] != first["customer"]["id"]
    assert await Customer.all().count() == 2


async def test_what_one_company_calls_him_is_kept(storefront: Storefront, wechat: WeChat) -> None:
    wechat.has_union_ids = True
    await sign_in_as(storefront, wechat, "ann")

    assert (await CustomerIdentity.get()).union_id == "u-ann"


async def test_a_session_from_there_is_refreshed_and_ended_as_any(
    storefront: Storefront, wechat: WeChat
) -> None:
    session = await sign_in_as(storefront, wechat, "ann")
    session = await storefront.refresh(session["refreshToken"])
    assert codes_of(session) == []

    assert (await storefront.sign_out(session["accessToken"])).data["signOut"]["ended"] == 1
    assert (await storefront.me(session["accessToken"])).error_codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("errcodes", "code", "asked"),
    [
        ([double.INVALID_CODE], "SIGN_IN_REFUSED", 1),
        ([double.CODE_USED], "SIGN_IN_REFUSED", 1),
        ([double.BLOCKED], "SIGN_IN_BLOCKED", 1),
        ([double.RATE_LIMITED], "TOO_MANY_ATTEMPTS", 1),
        ([double.INVALID_APPID], "SIGN_IN_PROVIDER_UNAVAILABLE", 1),
        ([double.INVALID_SECRET], "SIGN_IN_PROVIDER_UNAVAILABLE", 1),
        ([99_999], "SIGN_IN_PROVIDER_UNAVAILABLE", 1),
        # Busy: asked once more, and no more than that.
        ([double.BUSY, double.BUSY, double.OK], "SIGN_IN_PROVIDER_UNAVAILABLE", 2),
        ([double.BUSY, double.INVALID_CODE], "SIGN_IN_REFUSED", 2),
    ],
)
async def test_what_wechat_says_no_with_is_told(
    storefront: Storefront,
    wechat: WeChat,
    monkeypatch: pytest.MonkeyPatch,
    errcodes: list[int],
    code: str,
    asked: int,
) -> None:
    monkeypatch.setattr(wechat_api, "BUSY_PAUSE_SECONDS", 0)
    wechat.errcodes = errcodes

    refused = await sign_in_from(storefront, wechat.login("ann"))

    assert codes_of(refused) == [code]
    assert (refused["accessToken"], refused["customer"]) == (None, None)
    assert len(wechat.asked) == asked
    assert await Customer.all().count() == 0
    assert await CustomerGrant.all().count() == 0


async def test_wechat_that_is_busy_is_asked_once_more(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat_api, "BUSY_PAUSE_SECONDS", 0)
    wechat.errcodes = [double.BUSY]

    await sign_in_as(storefront, wechat, "ann")

    assert len(wechat.asked) == 2


@pytest.mark.parametrize(
    "raw",
    [
        (500, b"{}"),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"openid": ""}'),
        (200, b'{"openid": 7}'),
        (200, b'{"errcode": "0", "openid": "o1"}'),
        (200, b'{"errcode": [], "openid": "o1"}'),
        (200, b'{"openid": "' + b"o" * 300 + b'"}'),
        (200, b'{"openid": "o\\u0000"}'),
        (200, b"[" * 100_000),
        (302, b'{"openid": "o1"}'),
    ],
)
async def test_an_answer_that_is_none_lets_nobody_in(
    storefront: Storefront, wechat: WeChat, raw: tuple[int, bytes]
) -> None:
    wechat.raw = raw

    refused = await sign_in_from(storefront, wechat.login("ann"))

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert await Customer.all().count() == 0


async def test_control_without_a_look_at_the_name_it_does(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat_api, "_is_id", lambda _: True)
    wechat.raw = (200, b'{"openid": ""}')

    assert codes_of(await sign_in_from(storefront, wechat.login("ann"))) == []


async def test_wechat_that_does_not_answer_is_told(storefront: Storefront, wechat: WeChat) -> None:
    wechat.silence = asyncio.Event()
    async with outside_open(wechat.url, total_seconds=0.1):
        refused = await sign_in_from(storefront, wechat.login("ann"))
    wechat.silence.set()

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert refused["userErrors"][0]["message"].startswith("WeChat cannot be reached")

    async with outside_open("http://127.0.0.1:1"):
        refused = await sign_in_from(storefront, "0code")
    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert await Customer.all().count() == 0


@pytest.mark.parametrize("code", ["", "0" * 201, "0\x00", "验证码", "a\nb"])
async def test_what_is_no_code_is_not_even_asked_about(
    storefront: Storefront, wechat: WeChat, code: str
) -> None:
    assert codes_of(await sign_in_from(storefront, code)) == ["SIGN_IN_REFUSED"]
    assert wechat.asked == []


async def test_a_shop_without_a_mini_program_says_so(
    storefront: Storefront, wechat: WeChat
) -> None:
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))

    refused = await sign_in_from(elsewhere, wechat.login("ann"))

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert refused["userErrors"][0]["__typename"] == "NotFoundError"
    assert wechat.asked == []


async def test_a_storefront_learns_which_providers_there_are(
    storefront: Storefront, wechat: WeChat
) -> None:
    asked = "query ($slug: String!) { shop(slug: $slug) { signInProviders { id kind name } } }"
    found = (await storefront.api.read(asked, slug=storefront.shop.slug)).data["shop"]
    (provider,) = found["signInProviders"]
    assert (provider["kind"], provider["name"]) == ("WECHAT", "WeChat")

    await switch_off(storefront)
    found = (await storefront.api.read(asked, slug=storefront.shop.slug)).data["shop"]
    assert found["signInProviders"] == []
