"""Attacks on signing in from a mini-program, and sign-ins that should no longer succeed.

Each attack has a control: with its defence away it succeeds.
"""

import asyncio
import logging

import asyncpg
import pytest

from headless_presale.customers import SignInProvider
from headless_presale.customers import identities as identities_module
from headless_presale.customers.models import Customer, CustomerGrant
from headless_presale.kernel.ids import customer_id_of
from resolvers.global_ids import unseal
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.providers import add_wechat, outside_open, sign_in_as, sign_in_from, switch_off
from tests.support import wechat as double
from tests.support.servers import until
from tests.support.shop import make_shop
from tests.support.state import stored_rows
from tests.support.wechat import APPID, SECRET, SESSION_KEY, WeChat, openid_of


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


@pytest.mark.parametrize("appid", [APPID, "wx-other"], ids=["used before", "another's"])
async def test_control_a_wechat_that_takes_every_code_lets_them_in(
    storefront: Storefront, wechat: WeChat, monkeypatch: pytest.MonkeyPatch, appid: str
) -> None:
    monkeypatch.setattr(WeChat, "_fault", lambda *_: double.OK)
    code = wechat.login("ann", appid)

    for _ in range(2):
        assert codes_of(await sign_in_from(storefront, code)) == []
    assert await CustomerGrant.all().count() == 2


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


async def test_an_id_of_who_has_no_address_is_no_orders(
    storefront: Storefront, wechat: WeChat
) -> None:
    signed_in = await sign_in_as(storefront, wechat, "ann")

    opened = unseal(signed_in["customer"]["id"])
    assert opened is not None
    assert opened[1] != str(customer_id_of(storefront.shop.id, ""))
