"""Customers sign in by a code that is mailed, stay signed in, and sign out."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.customers.forgetting import forget_ended
from headless_presale.customers.models import CustomerCode, CustomerGrant, CustomerRefreshToken
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import customer_id_of, global_id
from headless_presale.notifications import Message
from headless_presale.shops import Shop
from tests.graphql.customers import (
    EMAIL,
    ME,
    REFRESH,
    REQUEST,
    SIGN_OUT,
    Storefront,
    codes_of,
    mailed_code,
)
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.state import stored_rows
from tests.support.statements import counted_statements


async def test_a_code_signs_in_and_the_token_says_who_it_is(storefront: Storefront) -> None:
    signed_in = await storefront.sign_in(" Ann@Example.com")

    customer_id = customer_id_of(storefront.shop.id, EMAIL)
    assert signed_in["customer"] == {
        "id": global_id("Customer", customer_id),
        "email": EMAIL,
        "name": "",
        "locale": "en",
        "createdAt": "2026-03-01T12:00:00Z",
    }
    assert signed_in["expiresAt"] == "2026-03-01T12:10:00Z"
    reply = await storefront.me(signed_in["accessToken"])
    assert reply.data["me"] == signed_in["customer"]
    assert reply.headers["cache-control"] == "no-store"


async def test_who_comes_again_is_the_same(storefront: Storefront, clock: ManualClock) -> None:
    first = await storefront.sign_in()
    clock.advance(timedelta(hours=1))

    assert (await storefront.sign_in())["customer"] == first["customer"]


async def test_another_shop_has_a_customer_of_its_own(storefront: Storefront, api: Api) -> None:
    here = await storefront.sign_in()
    elsewhere = await Storefront(api, await make_shop("other-shop")).sign_in()

    assert elsewhere["customer"]["id"] != here["customer"]["id"]


@pytest.mark.parametrize(("locale", "words"), [("en", "sign in"), ("zh-CN", "验证码")])
async def test_the_mail_is_written_in_the_language_asked_for(
    storefront: Storefront, locale: str, words: str
) -> None:
    await storefront.ask_for_code(locale=locale)

    message = await Message.get()
    assert (message.recipient, message.locale) == (EMAIL, locale)
    assert message.context == {"shop_name": "Moonlit Forge", "recipient_name": ""}


async def test_the_mail_falls_back_to_the_shops_language_and_names_the_shop_in_it(
    storefront: Storefront,
) -> None:
    await Shop.filter(id=storefront.shop.id).update(
        default_locale="en", translations={"zh-CN": {"name": "月光工坊"}}
    )
    await storefront.ask_for_code("one@example.com", locale="zh-CN")
    await Shop.filter(id=storefront.shop.id).update(
        default_locale="zh-CN", name="月光工坊", translations={"en": {"name": "Moonlit Forge"}}
    )
    await storefront.ask_for_code("two@example.com", locale="fr")

    messages = await Message.all().order_by("recipient")
    assert [message.locale for message in messages] == ["zh-CN", "zh-CN"]
    assert [message.context["shop_name"] for message in messages] == ["月光工坊", "月光工坊"]


async def test_the_code_is_stored_nowhere(
    storefront: Storefront, database_admin: asyncpg.Connection
) -> None:
    code = await storefront.code()

    stored = await stored_rows(database_admin)
    tables = ("customer_code", "message", "event", "procrastinate_jobs")
    for table in tables:
        assert stored[table], table
        assert code not in " ".join(stored[table]), table


async def test_a_newer_code_ends_the_older(storefront: Storefront) -> None:
    older = await storefront.code()
    newer = await storefront.code()

    assert codes_of(await storefront.redeem(older)) == ["CODE_REFUSED"]
    assert codes_of(await storefront.redeem(newer)) == []


async def test_a_code_lasts_ten_minutes(storefront: Storefront, clock: ManualClock) -> None:
    code = await storefront.code()
    clock.advance(timedelta(minutes=10))

    refused = await storefront.redeem(code)

    assert codes_of(refused) == ["CODE_REFUSED"]
    assert refused["accessToken"] is None
    assert await CustomerGrant.all().count() == 0


async def test_what_is_no_address_is_told(storefront: Storefront) -> None:
    # ß and ss would be one customer, and are two mailboxes.
    for text in ("", "ann", "straße@example.com", "a\x00@example.com"):
        asked = await storefront.ask_for_code(text)
        assert codes_of(asked) == ["INVALID_INPUT"], text
        assert codes_of(await storefront.redeem("000000", text)) == ["INVALID_INPUT"], text
    assert await CustomerCode.all().count() == 0


async def test_an_unknown_shop_is_told(storefront: Storefront, api: Api) -> None:
    shop = storefront.shop
    shop.slug = "nowhere"

    assert codes_of(await storefront.ask_for_code()) == ["SHOP_NOT_FOUND"]
    assert codes_of(await storefront.redeem("000000")) == ["SHOP_NOT_FOUND"]


async def test_refreshing_goes_on_for_as_long_as_one_comes(
    storefront: Storefront, clock: ManualClock
) -> None:
    session = await storefront.sign_in()
    for _ in range(6):
        clock.advance(timedelta(days=13))
        session = await storefront.refresh(session["refreshToken"])
        assert codes_of(session) == []
        assert (await storefront.me(session["accessToken"])).data["me"]["email"] == EMAIL

    # 78 days are over; the sign-in ends after 90, whatever is done.
    clock.advance(timedelta(days=12))
    assert codes_of(await storefront.refresh(session["refreshToken"])) == ["SESSION_ENDED"]


async def test_who_stays_away_for_two_weeks_signs_in_anew(
    storefront: Storefront, clock: ManualClock
) -> None:
    session = await storefront.sign_in()
    clock.advance(timedelta(days=14))

    refused = await storefront.refresh(session["refreshToken"])

    assert codes_of(refused) == ["SESSION_ENDED"]
    assert refused["userErrors"][0]["field"] == ["refreshToken"]


async def test_an_access_token_ends_after_ten_minutes(
    storefront: Storefront, clock: ManualClock
) -> None:
    session = await storefront.sign_in()
    clock.advance(timedelta(minutes=10, seconds=11))

    reply = await storefront.me(session["accessToken"])

    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])


async def test_an_expired_token_does_not_hinder_having_a_new_one(
    storefront: Storefront, clock: ManualClock
) -> None:
    session = await storefront.sign_in()
    clock.advance(timedelta(minutes=10, seconds=11))
    expired, ask = session["accessToken"], storefront.api.ask

    # Clients send it with all they ask
    given = {"refreshToken": session["refreshToken"]}
    reply = await ask(REFRESH, bearer=expired, input=given)
    fresh = reply.data["sessionRefresh"]
    assert (await storefront.me(fresh["accessToken"])).data["me"]["email"] == EMAIL
    who = {"shop": storefront.shop.slug, "email": "bob@example.com"}
    asked = await ask(REQUEST, bearer=expired, input=who)
    assert codes_of(asked.data["signInCodeRequest"]) == []
    out = await storefront.sign_out(expired, refreshToken=fresh["refreshToken"])
    assert out.data["signOut"]["ended"] == 1

    # What is for somebody is refused as a whole, and so is what only might be
    refused = [
        await storefront.sign_out(expired),
        await ask("{ serverTime }", bearer=expired),
        await ask(
            "mutation ($r: SessionRefreshInput!, $c: CartCreateInput!) { "
            "sessionRefresh(input: $r) { accessToken } cartCreate(input: $c) { cart { id } } }",
            bearer=expired,
            r=given,
            c={"shop": storefront.shop.slug},
        ),
    ]
    for answer in refused:
        assert (answer.status, answer.error_codes) == (401, ["UNAUTHENTICATED"])
    # One that was never ours does not get that far.
    forged = await ask(REFRESH, bearer=f"{expired[:-8]}AAAAAAAA", input=given)
    assert (forged.status, forged.error_codes) == (401, ["UNAUTHENTICATED"])


async def test_signing_out_ends_this_sign_in_at_once(storefront: Storefront) -> None:
    here, there = await storefront.sign_in(), await storefront.sign_in()

    assert (await storefront.sign_out(here["accessToken"])).data["signOut"]["ended"] == 1

    assert (await storefront.me(here["accessToken"])).error_codes == ["UNAUTHENTICATED"]
    assert codes_of(await storefront.refresh(here["refreshToken"])) == ["SESSION_ENDED"]
    assert (await storefront.me(there["accessToken"])).data["me"]["email"] == EMAIL


async def test_signing_out_everywhere_ends_all_of_ones_own(storefront: Storefront) -> None:
    here, there = await storefront.sign_in(), await storefront.sign_in()
    other = await storefront.sign_in("bob@example.com")

    reply = await storefront.sign_out(here["accessToken"], everywhere=True)

    assert reply.data["signOut"]["ended"] == 2
    assert (await storefront.me(there["accessToken"])).error_codes == ["UNAUTHENTICATED"]
    assert (await storefront.me(other["accessToken"])).data["me"]["email"] == "bob@example.com"


async def test_nobody_is_there_without_a_token(api: Api, database: str) -> None:
    reply = await api.ask(ME)
    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    assert (await api.ask(SIGN_OUT, input={})).error_codes == ["UNAUTHENTICATED"]


async def test_what_has_ended_is_deleted(storefront: Storefront, clock: ManualClock) -> None:
    await storefront.sign_in()
    await storefront.code("bob@example.com")
    clock.advance(timedelta(minutes=9))
    assert await forget_ended() == 0

    clock.advance(timedelta(days=14))
    # The two codes and the refresh token; the sign-in for a month more than it lasts.
    assert await forget_ended() == 3
    assert await CustomerGrant.all().count() == 1
    clock.advance(timedelta(days=106))
    assert await forget_ended() == 1
    assert await CustomerRefreshToken.all().count() == 0


async def test_who_one_is_costs_one_statement(storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]
    async with counted_statements() as sent:
        await storefront.me(token)

    assert len([s for s in sent if s.lstrip().startswith("SELECT c.*")]) == 1
    assert len(sent) == 1, sent


async def test_a_code_that_nobody_asked_for_is_refused(storefront: Storefront) -> None:
    assert codes_of(await storefront.redeem("000000")) == ["CODE_REFUSED"]
    await storefront.code()
    assert codes_of(await storefront.redeem("٠١٢٣٤٥")) == ["CODE_REFUSED"]
    assert codes_of(await storefront.redeem("0" * 10_000)) == ["CODE_REFUSED"]
    code = await mailed_code(storefront.shop)
    assert codes_of(await storefront.redeem(f" {code} ")) == []
