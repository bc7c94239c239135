"""Placing an order through the schema: what comes back, and every "no" that changes nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tortoise.connection import get_connection

from headless_presale.campaigns import ShopRef, cancel_campaign, create_campaign, publish_campaign
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api, footprint
from tests.support.shop import (
    Sale,
    deposit_plan,
    draft,
    make_shop,
    make_variant,
    open_sale,
)
from tests.support.statements import counted_statements

PLACE = """
mutation ($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order {
      id number status total { amount minor } deposit { minor } balance { minor }
      lines { title quantity slotNumbers unitPrice { minor } total { minor } priceReason tier gift
              shipsBy }
      dueNow { leg amount { minor } opensAt dueAt } dueLater { leg amount { minor } opensAt dueAt }
      holdExpiresAt
    }
    orderToken
    userErrors {
      __typename code message field
      ... on SlotsSoldOutError { remaining }
      ... on PurchaseLimitError { limit taken }
      ... on TermsOutdatedError { currentVersion }
      ... on PriceChangedError { total { amount } }
      ... on CampaignNotOpenError { campaignStatus: status opensAt }
    }
  }
}
"""

Change = Callable[[dict[str, Any]], None]


def order_input(sale: Sale, **changes: Any) -> dict[str, Any]:
    """Return a valid input for one unit of the sale's first item."""
    return {
        "shop": sale.shop.slug,
        "lines": [{"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"},
        "acceptedTermsVersion": 1,
        "idempotencyKey": "a-wish",
        **changes,
    }


def line(sale: Sale, quantity: int) -> dict[str, Any]:
    return {"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": quantity}


async def place(api: Api, body: dict[str, Any], language: str = "en") -> Any:
    return (await api.ask(PLACE, input=body, language=language)).data["orderPlace"]


async def test_an_order_with_its_numbers_and_what_is_due_when(api: Api, clock: ManualClock) -> None:
    # Given a deposit campaign where the first two slots come at 80 % with a gift
    tiers = {
        "quantity_tiers": [{"name": "First 2", "up_to": 2, "price_bps": 8_000, "gift": "Card"}]
    }
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(item=tiers, payment_plan=deposit_plan(closes_at))

    # When three are bought for the total that was shown
    body = order_input(sale, lines=[line(sale, 3)], expectedTotalMinor=26_000)
    payload = await place(api, body)

    # Then two lines: 2 x 80.00 + 1 x 100.00 = 260.00, 20 % of it now
    order = payload["order"]
    assert payload["userErrors"] == []
    assert len(payload["orderToken"]) == 32
    assert len(order["number"]) == 9
    assert order["lines"] == [
        {
            "title": "Nebula Fox",
            "quantity": 2,
            "slotNumbers": [1, 2],
            "unitPrice": {"minor": 8_000},
            "total": {"minor": 16_000},
            "priceReason": "QUANTITY_TIER",
            "tier": "First 2",
            "gift": "Card",
            "shipsBy": "2026-06-30",
        },
        {
            "title": "Nebula Fox",
            "quantity": 1,
            "slotNumbers": [3],
            "unitPrice": {"minor": 10_000},
            "total": {"minor": 10_000},
            "priceReason": "LIST",
            "tier": None,
            "gift": None,
            "shipsBy": "2026-06-30",
        },
    ]
    assert order["total"] == {"amount": "260.00", "minor": 26_000}
    assert (order["deposit"], order["balance"]) == ({"minor": 5_200}, {"minor": 20_800})
    assert order["status"] == "AWAITING_DEPOSIT"
    assert order["holdExpiresAt"] == "2026-03-01T12:15:00Z"
    assert order["dueNow"] == [
        {
            "leg": "DEPOSIT",
            "amount": {"minor": 5_200},
            "opensAt": None,
            "dueAt": "2026-03-01T12:15:00Z",
        }
    ]
    assert order["dueLater"] == [
        {
            "leg": "BALANCE",
            "amount": {"minor": 20_800},
            "opensAt": "2026-03-09T12:00:00Z",
            "dueAt": "2026-03-16T12:00:00Z",
        }
    ]


async def test_full_payment_is_due_at_once(api: Api, clock: ManualClock) -> None:
    payload = await place(api, order_input(await open_sale()))
    assert payload["order"]["status"] == "AWAITING_PAYMENT"
    assert (payload["order"]["deposit"], payload["order"]["balance"]) == (
        {"minor": 0},
        {"minor": 10_000},
    )
    assert [due["leg"] for due in payload["order"]["dueNow"]] == ["FULL"]
    assert payload["order"]["dueLater"] == []


async def test_a_repeated_request_is_the_same_order(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given five requests under one key at once, and one more in another language
    sale = await open_sale()
    body = order_input(sale)
    replies = await asyncio.gather(*(place(api, body) for _ in range(5)))
    again = await place(api, body, language="zh-CN")

    # Then all of them answer the same order and token, and there is one
    assert len({reply["order"]["id"] for reply in [*replies, again]}) == 1
    assert len({reply["orderToken"] for reply in [*replies, again]}) == 1
    found = await footprint(database_admin)
    assert (found.orders, found.owned_slots) == (1, 1)

    # And another request under the key is refused
    other = await place(api, order_input(sale, lines=[line(sale, 2)]))
    assert other["order"] is None
    assert other["orderToken"] is None
    (error,) = other["userErrors"]
    assert error["__typename"] == "IdempotencyMismatchError"
    assert error["field"] == ["idempotencyKey"]
    assert await footprint(database_admin) == found


async def test_who_acted_is_recorded(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    await place(api, order_input(await open_sale()))
    rows = await database_admin.fetch("SELECT type, actor FROM event WHERE topic LIKE 'order:%'")
    assert [tuple(row) for row in rows] == [("order.placed", "buyer")]


def _set(*path: str | int, to: Any) -> Change:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = to

    return change


REFUSED: dict[str, tuple[Change, str, str, list[str] | None]] = {
    "unknown shop": (_set("shop", to="nobody"), "NotFoundError", "SHOP_NOT_FOUND", ["shop"]),
    "hostile shop": (_set("shop", to="\x00'--"), "NotFoundError", "SHOP_NOT_FOUND", ["shop"]),
    "no lines": (_set("lines", to=[]), "InvalidInputError", "INVALID_INPUT", ["lines"]),
    "quantity 0": (
        _set("lines", 0, "quantity", to=0),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "quantity below 0": (
        _set("lines", 0, "quantity", to=-5),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "quantity huge": (
        _set("lines", 0, "quantity", to=2**31 - 1),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "malformed item": (
        _set("lines", 0, "campaignItemId", to="nonsense"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "campaignItemId"],
    ),
    "id of something else": (
        _set("lines", 0, "campaignItemId", to=seal("Product", uuid4())),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "campaignItemId"],
    ),
    "unknown item": (
        _set("lines", 0, "campaignItemId", to=seal("CampaignItem", uuid4())),
        "NotFoundError",
        "CAMPAIGN_ITEM_NOT_FOUND",
        ["lines", "0", "campaignItemId"],
    ),
    "no e-mail address": (
        _set("buyer", "email", to="lin"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["buyer", "email"],
    ),
    "NUL in the name": (
        _set("buyer", "name", to="Lin\x00"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["buyer", "name"],
    ),
    "country by name": (
        _set("shippingAddress", "country", to="China"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["shippingAddress", "country"],
    ),
    "endless post code": (
        _set("shippingAddress", "postalCode", to="1" * 301),
        "InvalidInputError",
        "INVALID_INPUT",
        ["shippingAddress", "postalCode"],
    ),
    "stale terms": (
        _set("acceptedTermsVersion", to=0),
        "TermsOutdatedError",
        "TERMS_OUTDATED",
        ["acceptedTermsVersion"],
    ),
    "no key": (
        _set("idempotencyKey", to=" "),
        "InvalidInputError",
        "INVALID_INPUT",
        ["idempotencyKey"],
    ),
    "no language": (_set("locale", to="!"), "InvalidInputError", "INVALID_INPUT", ["locale"]),
    "another total": (
        _set("expectedTotalMinor", to=9_999),
        "PriceChangedError",
        "PRICE_CHANGED",
        ["expectedTotalMinor"],
    ),
    "more than there are": (
        _set("lines", 0, "quantity", to=51),
        "SlotsSoldOutError",
        "SLOTS_SOLD_OUT",
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_order_is_refused_by_name_and_changes_nothing(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection, name: str
) -> None:
    # Given a sale of 50, and an order with one thing wrong
    change, typename, code, field = REFUSED[name]
    sale = await open_sale()
    before = await footprint(database_admin)
    body = order_input(sale)
    change(body)

    # When it is placed
    payload = await place(api, body)

    # Then the answer says what and where, and nothing has changed
    assert (payload["order"], payload["orderToken"]) == (None, None)
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["code"], error["field"]) == (typename, code, field)
    assert await footprint(database_admin) == before

    # And the same buyer can buy all that was there
    rest = await place(api, order_input(sale, idempotencyKey="next", lines=[line(sale, 50)]))
    assert rest["userErrors"] == []


async def test_refusals_carry_what_a_client_needs(api: Api, clock: ManualClock) -> None:
    # Given 2 slots, at most 2 of them for one buyer, one of them bought
    sale = await open_sale(capacity=2, limit=2)
    await place(api, order_input(sale))

    async def refusal(**changes: Any) -> Any:
        payload = await place(api, order_input(sale, idempotencyKey=str(uuid4()), **changes))
        (error,) = payload["userErrors"]
        return error

    # Then each refusal has its numbers
    limited = await refusal(lines=[line(sale, 2)])
    assert (limited["__typename"], limited["limit"], limited["taken"]) == (
        "PurchaseLimitError",
        2,
        1,
    )
    sold_out = await refusal(
        lines=[line(sale, 2)], buyer={"email": "mei@example.com", "name": "Mei"}
    )
    assert (sold_out["__typename"], sold_out["remaining"]) == ("SlotsSoldOutError", 1)
    assert (await refusal(acceptedTermsVersion=7))["currentVersion"] == 1
    assert (await refusal(expectedTotalMinor=1))["total"] == {"amount": "100.00"}


async def test_messages_follow_accept_language(api: Api, clock: ManualClock) -> None:
    sale = await open_sale(capacity=1)
    body = order_input(sale, lines=[line(sale, 2)])
    assert (await place(api, body))["userErrors"][0]["message"] == "Not enough slots are left: 1."
    chinese = await place(api, body, language="zh-CN")
    assert chinese["userErrors"][0]["message"] == "剩余名额不足，仅剩 1 个。"


@pytest.mark.parametrize(
    ("moved", "status", "opens_at", "message"),
    [
        (
            timedelta(0),
            "SCHEDULED",
            "2026-03-01T13:00:00Z",
            "The campaign takes no orders now: it has not opened yet.",
        ),
        (
            timedelta(hours=1, days=7),
            "CLOSED",
            None,
            "The campaign takes no orders now: it has ended.",
        ),
    ],
)
async def test_outside_its_window_a_campaign_says_when(
    api: Api,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    moved: timedelta,
    status: str,
    opens_at: str | None,
    message: str,
) -> None:
    # Given a campaign that opens in an hour, for a week
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    made = await create_campaign(ref, draft(opens_at=clock.now() + timedelta(hours=1)))
    await publish_campaign(made.id, default_locale="en")
    item_id = await database_admin.fetchval("SELECT id FROM campaign_item")
    clock.advance(moved)

    # When an order comes too early or too late
    body = {
        "shop": shop.slug,
        "lines": [{"campaignItemId": seal("CampaignItem", item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"},
        "acceptedTermsVersion": 1,
        "idempotencyKey": "a-wish",
    }
    (error,) = (await place(api, body))["userErrors"]

    # Then it is told so, and when to come back
    assert error["__typename"] == "CampaignNotOpenError"
    assert (error["campaignStatus"], error["opensAt"]) == (status, opens_at)
    assert error["message"] == message
    assert (await footprint(database_admin)).orders == 0


async def test_a_cancelled_campaign_sells_nothing(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await cancel_campaign(sale.campaign.id, reason="the mould broke")
    (error,) = (await place(api, order_input(sale)))["userErrors"]
    assert (error["__typename"], error["campaignStatus"]) == ("CampaignNotOpenError", "CANCELLED")
    assert (await footprint(database_admin)).orders == 0


async def _second_sale(shop: Shop, currency: str | None = None) -> Sale:
    if currency is not None:
        shop = Shop(
            id=shop.id, slug=shop.slug, currency=currency, default_locale=shop.default_locale
        )
    return await open_sale(shop=shop, handle="second", skus=("OWL-1",))


@pytest.mark.parametrize(
    ("currency", "typename"),
    [(None, "CampaignMismatchError"), ("JPY", "CurrencyMismatchError")],
)
async def test_lines_of_two_campaigns_do_not_mix(
    api: Api,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    currency: str | None,
    typename: str,
) -> None:
    first = await open_sale()
    second = await _second_sale(first.shop, currency)
    body = order_input(first, lines=[line(first, 1), line(second, 1)])
    (error,) = (await place(api, body))["userErrors"]
    assert (error["__typename"], error["field"]) == (typename, ["lines"])
    assert (await footprint(database_admin)).orders == 0


async def test_another_shops_item_is_not_found(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await make_shop("other-forge")
    (error,) = (await place(api, order_input(sale, shop="other-forge")))["userErrors"]
    assert error["code"] == "CAMPAIGN_ITEM_NOT_FOUND"
    assert (await footprint(database_admin)).orders == 0


@pytest.mark.parametrize(
    "change",
    [
        _set("lines", 0, "quantity", to=2**31),
        _set("lines", 0, "quantity", to="one"),
        _set("expectedTotalMinor", to=2**53),
        _set("expectedTotalMinor", to=1.5),
        _set("expectedTotalMinor", to=True),
        _set("buyer", to=None),
        _set("surprise", to=1),
    ],
)
async def test_variables_that_do_not_fit_never_reach_a_resolver(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection, change: Change
) -> None:
    sale = await open_sale()
    body = order_input(sale)
    change(body)
    reply = await api.ask(PLACE, input=body)
    assert reply.error_codes == ["VARIABLES_INVALID"]
    assert (await footprint(database_admin)).orders == 0


async def test_sold_out_asks_the_database_nothing(api: Api, clock: ManualClock) -> None:
    # Given a sale whose last slot went a moment ago
    sale = await open_sale(capacity=1)
    await place(api, order_input(sale))
    async with counted_statements() as statements:
        reply = await place(api, order_input(sale, idempotencyKey=str(new_id())))
    assert [error["code"] for error in reply["userErrors"]] == ["SLOTS_SOLD_OUT"]
    assert [s for s in statements if "slot" in s] == []


async def test_an_engine_that_is_away_is_a_503_to_be_repeated(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that cannot be reached
    sale = await open_sale()
    client = get_connection("default")
    await client.close()
    monkeypatch.setattr(client, "host", "/nowhere")

    # When an order is placed and a page is read
    reply = await api.ask(PLACE, input=order_input(sale))
    page = await api.ask('{ shop(slug: "moonlit-forge") { name } }')

    # Then both say when to come again, and nothing of what is behind
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.error_codes == page.error_codes == ["UNAVAILABLE"]
    assert "nowhere" not in str(reply.body)
    await client.close()
