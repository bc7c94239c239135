"""Paying the legs of an order at a real gateway."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import sweep_orders
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import Placed, pay, read, start, start_input
from tests.integration.sandbox_gateway.parties import (
    Shop,
)


async def test_deposit_and_balance_are_paid_when_they_are_due(
    api: Api, clock: ManualClock, placed: Placed, gateway: Shop
) -> None:
    # Given the deposit paid
    await pay(api, gateway, placed)
    order = await read(api, placed)
    assert order["status"] == "DEPOSIT_PAID"
    assert order["dueNow"] == []
    assert order["dueLater"] == [{"leg": "BALANCE", "opensAt": "2026-03-09T12:00:00Z"}]
    assert order["cancellation"] == {"isAllowed": True, "refund": {"minor": 2_000}}
    assert order["payments"] == [
        {
            "leg": "DEPOSIT",
            "status": "CAPTURED",
            "amount": {"minor": 2_000},
            "gateway": "sandbox",
            "capturedAt": "2026-03-01T12:00:00Z",
            "action": None,
            "refunds": [],
        }
    ]
    # The balance cannot be paid before its window opens.
    early = await start(api, start_input(placed, leg="BALANCE", idempotencyKey="early"))
    assert [(e["__typename"], e["field"]) for e in early["userErrors"]] == [
        ("PaymentNotDueError", ["leg"])
    ]

    # When the window opens and it is paid
    clock.advance(timedelta(days=8))
    assert await sweep_orders() == 1
    due = (await read(api, placed))["dueNow"]
    assert due == [{"leg": "BALANCE", "amount": {"minor": 8_000}, "dueAt": "2026-03-16T12:00:00Z"}]
    await pay(api, gateway, placed, leg="BALANCE")

    # Then nothing is due, and the history tells who did what
    order = await read(api, placed)
    assert (order["status"], order["dueNow"], order["dueLater"]) == ("PAID", [], [])
    assert [(n["type"], n["actor"], n["leg"]) for n in order["history"]["nodes"]] == [
        ("order.placed", "buyer", None),
        ("payment.started", "buyer", "DEPOSIT"),
        ("payment.captured", "gateway:sandbox", "DEPOSIT"),
        ("order.confirmed", "gateway:sandbox", None),
        ("order.balance_opened", "system", None),
        ("payment.started", "buyer", "BALANCE"),
        ("payment.captured", "gateway:sandbox", "BALANCE"),
        ("order.paid", "gateway:sandbox", None),
    ]
    # By the policy's default a paid order gives the balance back and keeps the deposit.
    assert order["cancellation"] == {"isAllowed": True, "refund": {"minor": 8_000}}


async def test_a_late_reminder_moves_what_the_order_says_is_due(
    api: Api, placed: Placed, gateway: Shop, clock: ManualClock
) -> None:
    # Given a deposit that was paid, and a worker that was down from the 9th of March, when the
    # balance opened, until a day after the 16th, when it was due
    await pay(api, gateway, placed)
    balance = {"leg": "BALANCE", "amount": {"minor": 8_000}}
    clock.advance(timedelta(days=8))
    assert await sweep_orders() == 1
    clock.advance(timedelta(days=8))

    # Then the buyer can still pay
    assert (await read(api, placed))["dueNow"] == [{**balance, "dueAt": "2026-03-16T12:00:00Z"}]

    # When the reminder goes out
    assert await sweep_orders() == 1

    # Then half a day is left, half of what the plan gives
    assert (await read(api, placed))["dueNow"] == [{**balance, "dueAt": "2026-03-18T00:00:00Z"}]
    clock.advance(timedelta(hours=12))
    assert (await read(api, placed))["dueNow"] == []
    late = await start(api, start_input(placed, leg="BALANCE", idempotencyKey="late"))
    assert [e["__typename"] for e in late["userErrors"]] == ["PaymentNotDueError"]


async def test_a_payment_is_started_once_however_often_it_is_asked_for(
    api: Api, placed: Placed, gateway: Shop, database_admin: asyncpg.Connection
) -> None:
    # Given a payment that was started
    first = await start(api, start_input(placed))
    assert first["payment"]["action"]["type"] == "REDIRECT"
    assert first["payment"]["action"]["url"].startswith(gateway.settings.base_url)
    assert first["payment"]["amount"] == {"minor": 2_000}
    assert first["payment"]["refunds"] == []

    # When it is asked for again, under the same key and under another
    again = await start(api, start_input(placed))
    other = await start(api, start_input(placed, idempotencyKey="pay-2"))

    # Then it is the same one; the key with another request is refused
    assert first == again == other
    clash = await start(api, start_input(placed, returnUrl=None))
    assert [e["__typename"] for e in clash["userErrors"]] == ["IdempotencyMismatchError"]
    assert (await footprint(database_admin)).payments == 1


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"leg": "FULL"}, "PAYMENT_NOT_DUE", ["leg"]),
        ({"leg": "BALANCE"}, "PAYMENT_NOT_DUE", ["leg"]),
        ({"gateway": "paypel"}, "GATEWAY_UNKNOWN", ["gateway"]),
        ({"gateway": "x" * 5_000}, "GATEWAY_UNKNOWN", ["gateway"]),
        ({"idempotencyKey": ""}, "INVALID_INPUT", ["idempotencyKey"]),
        ({"idempotencyKey": "k" * 201}, "INVALID_INPUT", ["idempotencyKey"]),
        ({"returnUrl": "/thanks"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "javascript:alert(1)"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://[::1"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example:99999/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example@evil.example/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example\\@evil.example/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example/ a"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example/\x00"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://a.example/" + "a" * 2_031}, "INVALID_INPUT", ["returnUrl"]),
    ],
)
async def test_a_bad_payment_is_refused_by_name_and_changes_nothing(
    api: Api,
    placed: Placed,
    gateway: Shop,
    database_admin: asyncpg.Connection,
    changes: dict[str, Any],
    code: str,
    field: list[str],
) -> None:
    before = await footprint(database_admin)
    payload = await start(api, start_input(placed, **changes))
    assert payload["payment"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == (code, field)
    assert len(error["message"]) < 300
    assert await footprint(database_admin) == before


async def test_the_longest_return_address_is_taken(api: Api, placed: Placed, gateway: Shop) -> None:
    url = "https://a.example/" + "a" * 2_030
    assert len(url) == 2_048
    payload = await start(api, start_input(placed, returnUrl=url))
    assert payload["userErrors"] == []


async def test_a_gateway_that_is_away_keeps_the_order(
    api: Api, placed: Placed, gateway: Shop
) -> None:
    # Given a gateway that answers nothing but errors
    await gateway.set_outage("error_500", 10)
    payload = await start(api, start_input(placed))
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["field"]) == ("GatewayUnavailableError", ["gateway"])
    assert (await read(api, placed))["status"] == "AWAITING_DEPOSIT"

    # When it is back, then the same request goes on
    await gateway.set_outage("none", 0)
    assert (await start(api, start_input(placed)))["payment"]["action"]["type"] == "REDIRECT"


async def test_an_expired_hold_asks_for_nothing(
    api: Api, clock: ManualClock, placed: Placed, gateway: Shop
) -> None:
    # Given a hold that ran out and no worker that wrote it down
    clock.advance(timedelta(minutes=15))
    order = await read(api, placed)
    assert (order["dueNow"], order["dueLater"]) == ([], [])
    late = await start(api, start_input(placed))
    assert [e["code"] for e in late["userErrors"]] == ["PAYMENT_NOT_DUE"]
