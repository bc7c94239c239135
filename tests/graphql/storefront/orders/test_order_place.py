"""Placing an order through the schema: what comes back, and who is told what."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tortoise.connection import get_connection

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import (
    PLACE,
    line,
    order_input,
    place,
)
from tests.support.shop import (
    deposit_plan,
    open_sale,
)
from tests.support.statements import counted_statements


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
