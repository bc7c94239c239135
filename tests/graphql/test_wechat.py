"""Customers sign in from a WeChat mini-program, against a double that speaks its wire format."""

import asyncio
import logging
from collections.abc import AsyncIterator

import asyncpg
import pytest

from headless_presale.customers import (
    CustomerIdentity,
    ProviderChanges,
    ProviderKind,
    SignInProvider,
    update_provider,
    wechat_api,
)
from headless_presale.customers import identities as identities_module
from headless_presale.customers.models import Customer, CustomerGrant
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import customer_id_of
from resolvers.global_ids import seal, unseal
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.endpoint import Api
from tests.graphql.providers import add_wechat, outside_open, sign_in_as, sign_in_from
from tests.support import wechat as double
from tests.support.servers import until
from tests.support.shop import make_shop
from tests.support.state import stored_rows
from tests.support.wechat import APPID, SECRET, SESSION_KEY, WeChat, openid_of, running_wechat


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[WeChat]:
    async with running_wechat() as wechat:
        yield wechat


@pytest.fixture
async def wechat(server: WeChat, database: str) -> AsyncIterator[WeChat]:
    """Return it as if nobody had come before."""
    async with outside_open(server.url):
        yield server
    fresh = WeChat(server.url)
    server.__dict__.update(fresh.__dict__)


@pytest.fixture
async def storefront(api: Api, clock: ManualClock, wechat: WeChat) -> Storefront:
    shop = await make_shop()
    await add_wechat(shop)
    return Storefront(api, shop)


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


# Attacks


async def test_a_code_counts_once(storefront: Storefront, wechat: WeChat) -> None:
    code = wechat.login("ann")
    await sign_in_from(storefront, code)

    assert codes_of(await sign_in_from(storefront, code)) == ["SIGN_IN_REFUSED"]
    assert await CustomerGrant.all().count() == 1


async def test_a_code_of_another_mini_program_is_none(
    storefront: Storefront, wechat: WeChat
) -> None:
    wechat.programs["wx-other"] = "other"

    refused = await sign_in_from(storefront, wechat.login("ann", "wx-other"))

    assert codes_of(refused) == ["SIGN_IN_REFUSED"]


async def test_a_name_of_another_mini_program_leads_to_nobody_here(
    storefront: Storefront, wechat: WeChat
) -> None:
    # Given a shop that goes on with another mini-program, which calls Bob what the first called Ann
    ann = await sign_in_as(storefront, wechat, "ann")
    await SignInProvider.all().delete()
    wechat.programs["wx-other"] = "other"
    await add_wechat(storefront.shop, "wx-other", "other")
    wechat.raw = (200, b'{"session_key": "k", "openid": "%s"}' % openid_of(APPID, "ann").encode())

    # Then Bob is not Ann
    bob = await sign_in_from(storefront, "0code")
    assert codes_of(bob) == []
    assert bob["customer"]["id"] != ann["customer"]["id"]


async def test_control_without_the_issuer_he_would_be(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await sign_in_as(storefront, wechat, "ann")
    await SignInProvider.all().delete()
    await add_wechat(storefront.shop, "wx-other", "other")
    await SignInProvider.all().update(issuer=f"wechat:{APPID}")
    wechat.raw = (200, b'{"openid": "%s"}' % openid_of(APPID, "ann").encode())

    assert (await sign_in_from(storefront, "0code"))["customer"] == ann["customer"]


async def test_the_same_person_is_another_customer_in_another_shop(
    storefront: Storefront, wechat: WeChat
) -> None:
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))
    await add_wechat(elsewhere.shop)

    here = await sign_in_as(storefront, wechat, "ann")
    there = await sign_in_as(elsewhere, wechat, "ann")

    assert here["customer"]["id"] != there["customer"]["id"]


async def switch_off(storefront: Storefront) -> None:
    provider = await SignInProvider.get(shop_id=storefront.shop.id)
    await update_provider(
        [storefront.shop.id],
        provider.id,
        ProviderChanges(is_enabled=False),
        version=provider.version,
    )


async def test_a_provider_that_is_off_lets_nobody_in_and_nobody_out(
    storefront: Storefront, wechat: WeChat
) -> None:
    session = await sign_in_as(storefront, wechat, "ann")
    await switch_off(storefront)

    refused = await sign_in_from(storefront, wechat.login("bob"))

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert len(wechat.asked) == 1
    assert (await storefront.me(session["accessToken"])).data["me"] is not None


async def switched_off_meanwhile(storefront: Storefront, wechat: WeChat) -> list[str]:
    """Switch a provider off while WeChat thinks; return why nobody is let in."""
    wechat.silence = asyncio.Event()
    under_way = asyncio.create_task(sign_in_from(storefront, wechat.login("ann")))
    await until(lambda: bool(wechat.asked))
    await switch_off(storefront)
    wechat.silence.set()
    return codes_of(await under_way)


async def test_who_is_under_way_when_it_is_switched_off_is_not_let_in(
    storefront: Storefront, wechat: WeChat
) -> None:
    assert await switched_off_meanwhile(storefront, wechat) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert await Customer.all().count() == 0


async def test_control_without_the_second_look_he_is(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def do_not_look(*_: object) -> None: ...

    monkeypatch.setattr(identities_module, "_check_enabled", do_not_look)
    assert await switched_off_meanwhile(storefront, wechat) == []


async def test_two_at_once_are_one_customer(storefront: Storefront, wechat: WeChat) -> None:
    codes = [wechat.login("ann") for _ in range(4)]

    answers = await asyncio.gather(*(sign_in_from(storefront, code) for code in codes))

    assert [codes_of(answer) for answer in answers] == [[]] * 4
    assert await Customer.all().count() == 1
    assert await CustomerGrant.all().count() == 4


async def test_control_without_the_lock_one_of_two_breaks(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, barrier = identities_module._find_known, asyncio.Barrier(2)

    async def find_and_wait(work: object, *args: object) -> object:
        found = await find(work, *args)  # type: ignore[arg-type]
        await barrier.wait()
        return found

    async def lock(*_: object) -> None: ...

    monkeypatch.setattr("headless_presale.kernel.unit_of_work.UnitOfWork.lock", lock)
    monkeypatch.setattr(identities_module, "_find_known", find_and_wait)
    codes = [wechat.login("ann") for _ in range(2)]

    replies = await asyncio.gather(
        *(sign_in_from(storefront, code) for code in codes), return_exceptions=True
    )

    assert [type(reply) for reply in replies if isinstance(reply, Exception)] == [AssertionError]


async def test_who_knocks_too_often_waits(storefront: Storefront, wechat: WeChat) -> None:
    wechat.errcodes = [double.INVALID_CODE] * 30
    for _ in range(30):
        assert codes_of(await sign_in_from(storefront, "0code")) == ["SIGN_IN_REFUSED"]

    assert codes_of(await sign_in_from(storefront, "0code")) == ["TOO_MANY_ATTEMPTS"]
    assert len(wechat.asked) == 30


async def test_the_session_key_and_the_secret_are_nowhere(
    storefront: Storefront,
    wechat: WeChat,
    database_admin: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        signed_in = await sign_in_as(storefront, wechat, "ann")
        wechat.errcodes = [double.INVALID_SECRET]
        refused = await sign_in_from(storefront, wechat.login("bob"))
        async with outside_open("http://127.0.0.1:1"):
            await sign_in_from(storefront, "0code")

    told = capsys.readouterr()
    stored = str(await stored_rows(database_admin))
    # Its own words are there to be found
    assert openid_of(APPID, "ann") in stored
    for place in (stored, caplog.text, told.out, told.err, str(signed_in), str(refused)):
        assert SESSION_KEY not in place
        assert SECRET not in place


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


async def test_an_id_of_who_has_no_address_is_no_orders(
    storefront: Storefront, wechat: WeChat
) -> None:
    signed_in = await sign_in_as(storefront, wechat, "ann")

    opened = unseal(signed_in["customer"]["id"])
    assert opened is not None
    assert opened[1] != str(customer_id_of(storefront.shop.id, ""))
