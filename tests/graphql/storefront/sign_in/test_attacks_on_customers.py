"""Attacks on customers' sign-ins. Each has a control: with its defence away it succeeds."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from headless_presale import customers, identity
from headless_presale.customers import access_tokens, codes, limits, sessions
from headless_presale.customers.models import Customer, CustomerCode, CustomerGrant
from headless_presale.identity import bearer
from headless_presale.identity.limits import Source, mail_keys
from headless_presale.identity.oauth import rotation
from headless_presale.identity.oauth.access_tokens import sign_access_token
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import ids
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import find_order_signed_in, own
from tests.graphql.customers import (
    EMAIL,
    Storefront,
    codes_of,
    let_them_all_look_first,
    mailed_code,
    other_than,
)
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.staff import sign_in
from tests.support.statements import counted_statements

VIEWER = "{ viewer { scopes } }"
MANY = 6


def wrong_codes(right: str, count: int) -> list[str]:
    """Return so many wrong codes."""
    return [f"{(int(right) + n) % 1_000_000:06d}" for n in range(1, count + 1)]


# Guessing codes


async def test_after_five_wrong_tries_the_right_code_is_refused(storefront: Storefront) -> None:
    code = await storefront.code()
    for wrong in wrong_codes(code, 5):
        assert codes_of(await storefront.redeem(wrong)) == ["CODE_REFUSED"]

    assert codes_of(await storefront.redeem(code)) == ["CODE_REFUSED"]
    assert await CustomerGrant.all().count() == 0


async def test_control_without_the_count_one_guesses_on(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "MAX_TRIES", 1_000_000)
    code = await storefront.code()
    for wrong in wrong_codes(code, 5):
        await storefront.redeem(wrong)

    assert codes_of(await storefront.redeem(code)) == []


async def test_of_many_guesses_at_once_five_are_judged(storefront: Storefront) -> None:
    code = await storefront.code()

    await asyncio.gather(*(storefront.redeem(wrong) for wrong in wrong_codes(code, 20)))

    assert (await CustomerCode.get()).attempts == 5


async def test_control_without_the_lock_more_are_judged(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_them_all_look_first(monkeypatch, MANY)
    code = await storefront.code()

    await asyncio.gather(*(storefront.redeem(wrong) for wrong in wrong_codes(code, MANY)))

    assert (await CustomerCode.get()).attempts == MANY


async def test_asking_for_ever_new_codes_takes_ever_longer(
    storefront: Storefront, clock: ManualClock
) -> None:
    for _ in range(3):
        assert codes_of(await storefront.ask_for_code()) == []

    refused = await storefront.ask_for_code()

    assert codes_of(refused) == ["TOO_MANY_ATTEMPTS"]
    assert refused["userErrors"][0]["retryAfterSeconds"] == 60
    assert await CustomerCode.all().count() == 3
    clock.advance(timedelta(seconds=60))
    assert codes_of(await storefront.ask_for_code()) == []
    assert (await storefront.ask_for_code())["userErrors"][0]["retryAfterSeconds"] == 120


async def test_control_without_the_limit_a_mailbox_is_filled(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CODE_TO_ADDRESSEE", replace(limits.CODE_TO_ADDRESSEE, free=1_000))
    for _ in range(10):
        assert codes_of(await storefront.ask_for_code()) == []


async def test_one_address_does_not_guess_at_everybodys_codes(storefront: Storefront) -> None:
    for n in range(30):
        refused = await storefront.redeem("000000", f"buyer{n}@example.com")
        assert codes_of(refused) == ["CODE_REFUSED"]

    refused = await storefront.redeem("000000", "another@example.com")
    assert codes_of(refused) == ["TOO_MANY_ATTEMPTS"]


async def test_control_without_the_limit_one_guesses_at_everybodys(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRY_FROM_ADDRESS", replace(limits.TRY_FROM_ADDRESS, free=1_000))
    for n in range(31):
        refused = await storefront.redeem("000000", f"buyer{n}@example.com")
        assert codes_of(refused) == ["CODE_REFUSED"]


def test_who_keeps_asking_does_not_keep_the_staff_out(storefront: Storefront) -> None:
    source = Source(address="127.0.0.1")

    of_customers = {key.stored for key in limits.code_keys(EMAIL, source)}

    assert of_customers.isdisjoint(key.stored for key in mail_keys(EMAIL, source))


# Using a code twice


async def test_a_code_counts_once(storefront: Storefront) -> None:
    code = await storefront.code()
    await storefront.redeem(code)

    assert codes_of(await storefront.redeem(code)) == ["CODE_REFUSED"]
    assert await CustomerGrant.all().count() == 1


async def test_of_many_who_redeem_at_once_one_is_in(storefront: Storefront) -> None:
    code = await storefront.code()

    answers = await asyncio.gather(*(storefront.redeem(code) for _ in range(MANY)))

    assert sorted(map(codes_of, answers)) == [[], *[["CODE_REFUSED"]] * (MANY - 1)]
    assert await CustomerGrant.all().count() == 1


async def test_control_without_the_lock_all_are_in(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_them_all_look_first(monkeypatch, MANY)
    code = await storefront.code()

    await asyncio.gather(*(storefront.redeem(code) for _ in range(MANY)))

    assert await CustomerGrant.all().count() == MANY


# Finding out who is a customer


async def test_asking_costs_the_same_whether_there_is_an_account_or_not(
    storefront: Storefront,
) -> None:
    await storefront.sign_in()
    known, unknown = await asked(storefront, EMAIL), await asked(storefront, "bob@example.com")

    assert known == unknown


async def test_control_who_looks_at_once_shows_it(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = codes.make_code

    async def look_and_make(shop_id: object, address: str, **more: object) -> object:
        if await Customer.exists(email=address):
            await Customer.get(email=address)
        return await make(shop_id, address, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(codes, "make_code", look_and_make)
    await storefront.sign_in()

    assert await asked(storefront, EMAIL) != await asked(storefront, "bob@example.com")


async def asked(storefront: Storefront, email: str) -> tuple[object, list[str]]:
    """Return the answer to asking for a code, and the statements it took."""
    async with counted_statements() as sent:
        return await storefront.ask_for_code(email), list(sent)


# Tokens in the wrong place


async def test_a_customers_token_opens_nothing_of_a_merchants(storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]

    reply = await storefront.api.ask(VIEWER, bearer=token)

    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    with pytest.raises(identity.Unauthenticated, match="audience"):
        await bearer.read_bearer(f"Bearer {token}")


async def test_a_merchants_token_is_no_customer(storefront: Storefront) -> None:
    owner = await sign_in(storefront.shop)

    assert "errors" not in (await storefront.api.ask(VIEWER, bearer=owner.token)).body
    reply = await storefront.me(owner.token)
    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])


async def test_what_a_token_says_does_not_count_for_another_audience(
    storefront: Storefront,
) -> None:
    # Given a token that says all that one of the staff says, for storefronts
    token = await staff_token(storefront, customers.storefront_audience())

    # Then it opens nothing, here or at the routes beside GraphQL
    reply = await storefront.api.ask(VIEWER, bearer=token)
    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    with pytest.raises(identity.Unauthenticated, match="audience"):
        await bearer.read_bearer(f"Bearer {token}")


async def test_control_the_audience_is_all_that_keeps_it_out(storefront: Storefront) -> None:
    token = await staff_token(storefront, identity.issuer())

    assert "errors" not in (await storefront.api.ask(VIEWER, bearer=token)).body
    assert await bearer.read_bearer(f"Bearer {token}") is not None


async def staff_token(storefront: Storefront, audience: str) -> str:
    """Return a token of a merchant's owner for any audience, signed with our key."""
    owner = await sign_in(storefront.shop)
    said = await bearer.read_bearer(f"Bearer {owner.token}")
    assert said is not None
    return sign_access_token(
        await signing_key(),
        issuer=identity.issuer(),
        audience=audience,
        subject=said.subject,
        client_id=said.client_id,
        grant_id=said.grant_id,
        merchant_id=said.merchant_id,
        scopes=said.scopes,
        lifetime=timedelta(minutes=10),
    ).token


@pytest.mark.parametrize("is_for_storefronts", [False, True], ids=["attack", "control"])
async def test_what_a_customers_token_says_does_not_count_for_merchants(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch, is_for_storefronts: bool
) -> None:
    # Given a token that says all that one of a customer says, for merchants' fields
    audience = customers.storefront_audience() if is_for_storefronts else identity.issuer()
    monkeypatch.setattr(access_tokens, "storefront_audience", lambda: audience)
    token = (await storefront.sign_in())["accessToken"]
    monkeypatch.undo()

    # Then it opens nothing, on either side; its audience is all that is wrong with it
    viewer = await storefront.api.ask(VIEWER, bearer=token)
    assert (viewer.status, viewer.error_codes) == (401, ["UNAUTHENTICATED"])
    me = await storefront.me(token)
    assert ("errors" not in me.body) is is_for_storefronts


async def test_a_token_counts_in_its_own_shop_alone(storefront: Storefront, api: Api) -> None:
    # Given somebody who is a customer of two shops
    elsewhere = Storefront(api, await make_shop("other-shop"))
    here, there = await storefront.sign_in(), await elsewhere.sign_in()

    # When a token's parts are put together anew, the sign-in of one shop under the other's name
    claims = await customers.read_any_bearer(f"Bearer {here['accessToken']}")
    assert isinstance(claims, customers.CustomerClaims)
    forged = replace(claims, shop_id=elsewhere.shop.id)

    # Then nobody is there
    assert await customers.find_customer_principal(claims) is not None
    assert await customers.find_customer_principal(forged) is None
    other = await customers.read_any_bearer(f"Bearer {there['accessToken']}")
    assert isinstance(other, customers.CustomerClaims)
    stolen = replace(claims, customer_id=other.customer_id, shop_id=other.shop_id)
    assert await customers.find_customer_principal(stolen) is None
    # Nor does he who asks for an order by the same statement get any further.
    assert await find_order_signed_in(claims, ids.new_id()) is not None
    assert await find_order_signed_in(forged, ids.new_id()) is None
    assert await find_order_signed_in(stolen, ids.new_id()) is None


async def test_control_without_the_shop_a_sign_in_counts_in_every_one(
    storefront: Storefront, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a look at a sign-in that does not compare the shop
    blind = sessions.SIGNED_IN.replace("c.shop_id = $3", "$3::uuid IS NOT NULL")
    assert blind != sessions.SIGNED_IN
    monkeypatch.setattr(sessions, "SIGNED_IN", blind)
    monkeypatch.setattr(own, "SIGNED_IN", blind)
    elsewhere = Storefront(api, await make_shop("other-shop"))
    here = await storefront.sign_in()
    claims = await customers.read_any_bearer(f"Bearer {here['accessToken']}")
    assert isinstance(claims, customers.CustomerClaims)

    forged = replace(claims, shop_id=elsewhere.shop.id)

    assert await customers.find_customer_principal(forged) is not None
    assert await find_order_signed_in(forged, ids.new_id()) is not None


async def test_a_code_of_one_shop_is_none_of_another(storefront: Storefront, api: Api) -> None:
    elsewhere = Storefront(api, await make_shop("other-shop"))
    code = await storefront.code()
    await elsewhere.code()
    if code == await mailed_code(elsewhere.shop):
        code = other_than(code)  # one in a million

    assert codes_of(await elsewhere.redeem(code)) == ["CODE_REFUSED"]


async def test_a_letter_that_folds_does_not_lead_into_anothers_account(
    storefront: Storefront,
) -> None:
    assert codes_of(await storefront.ask_for_code("straße@example.com")) == ["INVALID_INPUT"]


def test_control_both_would_be_one_customer(storefront: Storefront) -> None:
    shop_id = storefront.shop.id
    folded = ids.customer_id_of(shop_id, "straße@example.com")
    assert folded == ids.customer_id_of(shop_id, "strasse@example.com")


# Stolen refresh tokens


async def test_a_refresh_token_that_was_used_ends_the_sign_in(
    storefront: Storefront, clock: ManualClock
) -> None:
    stolen = (await storefront.sign_in())["refreshToken"]
    second = await storefront.refresh(stolen)
    clock.advance(timedelta(seconds=31))

    assert codes_of(await storefront.refresh(stolen)) == ["SESSION_ENDED"]

    assert codes_of(await storefront.refresh(second["refreshToken"])) == ["SESSION_ENDED"]
    assert (await storefront.me(second["accessToken"])).error_codes == ["UNAUTHENTICATED"]
    assert (await CustomerGrant.get()).revoked_reason == "refresh_token_replayed"


async def test_an_answer_that_was_lost_is_given_again(
    storefront: Storefront, clock: ManualClock
) -> None:
    first = (await storefront.sign_in())["refreshToken"]
    await storefront.refresh(first)
    clock.advance(timedelta(seconds=30))

    again = await storefront.refresh(first)

    assert codes_of(again) == []
    assert codes_of(await storefront.refresh(again["refreshToken"])) == []


async def test_control_an_endless_grace_lets_the_thief_in(
    storefront: Storefront, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "LOST_ANSWER_GRACE", timedelta(days=1))
    stolen = (await storefront.sign_in())["refreshToken"]
    await storefront.refresh(stolen)
    clock.advance(timedelta(hours=1))

    assert codes_of(await storefront.refresh(stolen)) == []
