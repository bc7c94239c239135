"""Carts: filled by whoever holds them, priced at each look, told what has changed since."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from headless_presale.campaigns import (
    cancel_campaign,
    close_campaign,
    forget_all,
    snapshot,
)
from headless_presale.carts import (
    Cart,
    CartKey,
    StoredCart,
    find_cart,
    put_line,
    quote_cart,
    service,
)
from headless_presale.carts.forgetting import forget_ended
from headless_presale.checkout import place_order
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders import cancel_order
from resolvers.global_ids import seal
from tests.graphql.carts import Holder, create, quantities
from tests.graphql.customers import codes_of
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, open_sale, order_for
from tests.support.state import stored_rows
from tests.support.statements import counted_statements

TIERS: dict[str, Any] = {
    "time_tiers": [{"name": "Early", "lasts": timedelta(days=2), "price_bps": 9_000}],
    "quantity_tiers": [{"name": "First 3", "up_to": 3, "price_bps": 8_000, "gift": "Card"}],
}
pytestmark = pytest.mark.usefixtures("clock")


async def test_a_cart_is_made_filled_and_read(api: Api) -> None:
    sale = await open_sale(item=TIERS)
    cart = await create(api, sale)
    assert await cart.read() == {
        "id": cart.id,
        "itemCount": 0,
        "expiresAt": "2026-03-31T12:00:00Z",
        "total": {"minor": 0},
        "lines": [],
    }

    payload = await cart.put(4)

    # Three are among the first three, the fourth is early: 3 x 80.00 + 90.00.
    assert payload["userErrors"] == []
    assert payload["cart"]["total"] == {"minor": 3 * 8_000 + 9_000}
    assert payload["cart"]["itemCount"] == 4
    (line,) = payload["cart"]["lines"]
    assert line == {
        **cart.item(),
        "quantity": 4,
        "unitPrice": {"minor": 8_000},
        "lineTotal": {"minor": 33_000},
        "isAvailable": True,
        "unavailableReason": None,
        "campaignItem": {"title": "Nebula Fox"},
        "units": [
            {
                "quantity": 3,
                "unitPrice": {"minor": 8_000},
                "priceReason": "QUANTITY_TIER",
                "tier": "First 3",
                "gift": "Card",
            },
            {
                "quantity": 1,
                "unitPrice": {"minor": 9_000},
                "priceReason": "TIME_TIER",
                "tier": "Early",
                "gift": None,
            },
        ],
        "priceChange": None,
    }
    assert await cart.read() == payload["cart"]


async def test_each_change_may_be_repeated_and_the_last_word_counts(api: Api) -> None:
    cart = await create(api, await open_sale(skus=("FOX-1", "FOX-2")))

    for _ in range(2):
        payload = await cart.put(2)
        assert quantities(payload["cart"]) == [2]
    await cart.put(1, item=1)
    for _ in range(2):
        payload = await cart.do("cartLineUpdate", **cart.line(5))
        assert quantities(payload["cart"]) == [5, 1]
    for _ in range(2):
        payload = await cart.do("cartLineRemove", **cart.item())
        assert payload["userErrors"] == []
        assert quantities(payload["cart"]) == [1]
        assert await cart.read() == payload["cart"]


async def test_what_costs_more_since_it_was_shown_is_told_until_it_is_accepted(
    api: Api, clock: ManualClock
) -> None:
    sale = await open_sale(item={"time_tiers": TIERS["time_tiers"]})
    cart = await create(api, sale)
    await cart.put(2)
    clock.advance(timedelta(days=2))

    change = (await cart.read())["lines"][0]["priceChange"]
    assert change == {
        "before": {"minor": 2 * 9_000},
        "after": {"minor": 2 * 10_000},
        "reason": "TIER_BY_TIME_ENDED",
        "tierBefore": "Early",
        "tierAfter": None,
    }
    # Not by adding one more either: that one alone was never shown at another price.
    added = (await cart.do("cartLineUpdate", **cart.line(3)))["cart"]["lines"][0]
    assert added["priceChange"]["before"] == {"minor": 2 * 9_000 + 10_000}

    refused = await cart.do("cartPricesAccept", expectedTotalMinor=27_000)
    assert codes_of(refused) == ["PRICE_CHANGED"]
    assert (await cart.read())["lines"][0]["priceChange"] is not None
    accepted = await cart.do("cartPricesAccept", expectedTotalMinor=30_000)

    assert accepted["cart"]["lines"][0]["priceChange"] is None
    assert await cart.read() == accepted["cart"]


async def test_a_tier_that_others_bought_and_gave_back_is_told(api: Api) -> None:
    sale = await open_sale(item={"quantity_tiers": TIERS["quantity_tiers"]})
    cart = await create(api, sale)
    await cart.put(3)

    order = await place_order(order_for(sale, quantity=3))
    sold = (await cart.read())["lines"][0]["priceChange"]
    await cart.do("cartPricesAccept")
    await cancel_order(order.id, reason="changed my mind")
    returned = (await cart.read())["lines"][0]["priceChange"]

    assert (sold["before"], sold["after"]) == ({"minor": 24_000}, {"minor": 30_000})
    assert (sold["reason"], sold["tierBefore"]) == ("TIER_BY_QUANTITY_SOLD", "First 3")
    assert (returned["before"], returned["after"]) == ({"minor": 30_000}, {"minor": 24_000})
    assert (returned["reason"], returned["tierAfter"]) == ("TIER_BY_QUANTITY_RETURNED", "First 3")


async def test_another_price_of_the_campaign_s_is_told_as_such(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    cart = await create(api, sale)
    await cart.put()
    await database_admin.execute("UPDATE campaign_item SET price_minor = 9500")
    forget_all()

    change = (await cart.read())["lines"][0]["priceChange"]

    assert (change["after"], change["reason"]) == ({"minor": 9_500}, "CAMPAIGN_CHANGED")


async def test_what_can_no_longer_be_had_stays_and_says_why(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(skus=("FOX-1", "FOX-2"), capacity=2)
    cart = await create(api, sale)
    await cart.put(2)
    await cart.put(1, item=1)

    async def reasons() -> list[Any]:
        read = await cart.read()
        for line in read["lines"]:
            assert line["isAvailable"] == (line["unavailableReason"] is None)
        return [line["unavailableReason"] for line in read["lines"]]

    await place_order(order_for(sale, email="a@example.com"))
    assert await reasons() == ["TOO_FEW_LEFT", None]
    assert (await cart.read())["total"] == {"minor": 10_000}
    await place_order(order_for(sale, email="b@example.com"))
    assert await reasons() == ["SOLD_OUT", None]
    assert (await cart.read())["lines"][0]["lineTotal"] is None

    await close_campaign(sale.campaign.id, reason="enough")
    assert await reasons() == ["CLOSED", "CLOSED"]
    assert (await cart.read())["total"] == {"minor": 0}
    await cancel_campaign(sale.campaign.id, reason="the kiln broke")
    assert await reasons() == ["CANCELLED", "CANCELLED"]
    assert codes_of(await cart.put(2, item=1)) == ["CAMPAIGN_NOT_OPEN"]
    await database_admin.execute("UPDATE campaign SET published_at = NULL")
    forget_all()
    assert await reasons() == ["WITHDRAWN", "WITHDRAWN"]
    assert (await cart.read())["lines"][0]["campaignItem"] is None
    assert quantities((await cart.do("cartLineRemove", **cart.item()))["cart"]) == [1]


async def test_what_opens_later_may_lie_in_a_cart(api: Api, clock: ManualClock) -> None:
    opens_at = clock.now() + timedelta(days=1)
    cart = await create(api, await open_sale(item=TIERS, opens_at=opens_at))

    line = (await cart.put(1))["cart"]["lines"][0]

    assert (line["isAvailable"], line["unavailableReason"]) == (False, "NOT_OPEN")
    assert line["unitPrice"] == {"minor": 8_000}
    clock.advance(timedelta(days=1))
    assert (await cart.read())["lines"][0]["isAvailable"] is True


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"quantity": 0}, "INVALID_INPUT"),
        ({"quantity": -1}, "INVALID_INPUT"),
        ({"quantity": 101}, "INVALID_INPUT"),
        ({"campaignItemId": "nonsense"}, "INVALID_INPUT"),
        ({"campaignItemId": seal("CampaignItem", uuid4())}, "CAMPAIGN_ITEM_NOT_FOUND"),
        ({"cartId": "nonsense"}, "INVALID_INPUT"),
        ({"cartId": seal("Cart", uuid4())}, "CART_NOT_FOUND"),
        ({"token": ""}, "CART_NOT_FOUND"),
        ({"token": "A" * 32}, "CART_NOT_FOUND"),
        ({"token": "漢"}, "CART_NOT_FOUND"),
        ({"token": None}, "CART_NOT_FOUND"),
    ],
)
async def test_a_bad_wish_changes_nothing(
    api: Api, given: dict[str, Any], code: str, database_admin: asyncpg.Connection
) -> None:
    cart = await create(api, await open_sale())
    before = await stored_rows(database_admin)

    payload = await cart.do("cartLineAdd", **{**cart.line(2), **given})

    assert codes_of(payload) == [code]
    assert payload["cart"] is None
    assert await stored_rows(database_admin) == before


async def test_a_cart_has_no_more_lines_than_an_order(api: Api) -> None:
    skus = tuple(f"FOX-{number}" for number in range(21))
    cart = await create(api, await open_sale(skus=skus, capacity=1))
    for item in range(20):
        assert codes_of(await cart.put(1, item=item)) == []

    assert codes_of(await cart.put(1, item=20)) == ["INVALID_INPUT"]

    # One that is in it may still be changed.
    assert codes_of(await cart.put(2, item=19)) == []
    assert (await cart.read())["itemCount"] == 21


async def test_a_cart_takes_no_item_of_another_shop(api: Api) -> None:
    cart = await create(api, await open_sale())
    elsewhere = await open_sale(shop=await make_shop("other-shop"))

    payload = await Holder(api, elsewhere, cart.id, cart.token).put()

    assert codes_of(payload) == ["CAMPAIGN_ITEM_NOT_FOUND"]
    assert (await cart.read())["lines"] == []


async def test_a_line_that_is_not_there_is_not_changed(api: Api) -> None:
    cart = await create(api, await open_sale())

    assert codes_of(await cart.do("cartLineUpdate", **cart.line(2))) == ["CART_LINE_NOT_FOUND"]
    assert (await cart.read())["lines"] == []


async def test_an_unknown_shop_has_no_carts(api: Api) -> None:
    reply = await api.ask(
        'mutation { cartCreate(input: {shop: "nowhere"}) { cart { id } userErrors { code } } }'
    )
    assert codes_of(reply.data["cartCreate"]) == ["SHOP_NOT_FOUND"]


async def test_a_cart_lives_thirty_days_from_its_last_change(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(days=100)
    cart, other = await create(api, sale), await create(api, sale)
    clock.advance(timedelta(days=29))
    await cart.put()
    clock.advance(timedelta(days=1))

    # The other one has ended, swept or not.
    assert await other.read() is None
    assert codes_of(await other.put()) == ["CART_NOT_FOUND"]
    assert quantities(await cart.read()) == [1]
    assert await forget_ended() == 1
    assert [row.id for row in await Cart.all()] == [cart.uuid]
    clock.advance(timedelta(days=29))
    assert await forget_ended() == 1
    assert await database_admin.fetchval("SELECT count(*) FROM cart_line") == 0


async def test_a_cart_is_one_statement_to_read_and_five_to_change(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 3_600)
    cart = await create(api, await open_sale(skus=("FOX-1", "FOX-2")))
    async with counted_statements() as sent:
        await cart.put()
        await cart.put(1, item=1)
        del sent[:]
        stored = await find_cart(cart.uuid, customer_id=None)
        assert stored is not None
        quoted = await quote_cart(stored, at=kernel_clock.now())
        assert len(sent) == 1
        await put_line(CartKey(cart.uuid), cart.sale.item_id, 3, must_exist=True)
        firsts = [statement.split()[0].rstrip(";") for statement in sent[1:]]

    assert quoted.total.amount_minor == 20_000
    assert firsts == ["BEGIN", "UPDATE", "SELECT", "INSERT", "COMMIT"]


async def test_what_is_read_is_kept_by_nobody(api: Api) -> None:
    cart = await create(api, await open_sale())

    assert (await cart.ask_to_read()).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])
async def test_many_at_once_put_in_no_more_lines_than_fit(
    api: Api, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection, is_locked: bool
) -> None:
    skus = tuple(f"FOX-{number}" for number in range(24))
    cart = await create(api, await open_sale(skus=skus, capacity=1))
    for item in range(19):
        await cart.put(1, item=item)
    there, everybody = 0, asyncio.Event()

    async def read_and_wait(work: UnitOfWork, cart_id: UUID) -> StoredCart:
        nonlocal there
        stored = await service.read_in(work, cart_id)
        there += 1
        if there == 4:
            everybody.set()
        await everybody.wait()
        return stored

    async def not_locked(work: UnitOfWork, key: CartKey) -> StoredCart:
        return await read_and_wait(work, key.cart_id)

    if not is_locked:
        monkeypatch.setattr(service, "touch", not_locked)
    payloads = await asyncio.gather(*(cart.put(1, item=item) for item in range(20, 24)))

    taken = [payload for payload in payloads if not payload["userErrors"]]
    lines = await database_admin.fetchval("SELECT count(*) FROM cart_line")
    assert (len(taken), lines) == ((1, 20) if is_locked else (4, 23))
