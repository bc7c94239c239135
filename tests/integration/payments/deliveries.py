"""Notifications as a gateway would deliver them, and what must or must not come of them."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson
from standardwebhooks import Webhook

from headless_presale.orders import OrderStatus
from headless_presale.payments import Payment, PaymentStatus
from tests.support.gateway import WEBHOOK_PATH, WEBHOOK_SECRET
from tests.support.money import (
    books_of,
    history_of,
    read,
)

Answer = tuple[int, str | None]


def event_about(payment: Payment, kind: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """Return a notification of the gateway's about an intent."""
    status = {"succeeded": "succeeded", "payment_failed": "failed"}.get(kind, kind)
    subject = {
        "id": payment.intent_id,
        "object": "payment_intent",
        "status": status,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "reference": str(payment.id),
        "page_url": "http://gateway.test/pay",
        "captured_at": "2026-03-01T12:00:00+00:00" if kind == "succeeded" else None,
        "failure_code": "card_declined" if kind == "payment_failed" else None,
        **changes,
    }
    return {
        "id": f"evt_{uuid4().hex}",
        "type": f"payment_intent.{kind}",
        "created_at": "2026-03-01T12:00:00+00:00",
        "data": {"object": subject},
    }


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, at: float | None = None) -> dict[str, str]:
    """Return the headers of a delivery, as Standard Webhooks signs it."""
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body.decode()),
    }


async def deliver(
    shop: httpx.AsyncClient, body: bytes, headers: dict[str, str] | None = None
) -> Answer:
    """Deliver a notification; return the status and what it did."""
    response = await shop.post(
        WEBHOOK_PATH, content=body, headers=signed(body) if headers is None else headers
    )
    return response.status_code, response.json().get("outcome")


async def tell(shop: httpx.AsyncClient, event: dict[str, Any]) -> Answer:
    """Deliver an event with the signature that it needs."""
    return await deliver(shop, orjson.dumps(event))


async def assert_untouched(connection: asyncpg.Connection, payment: Payment) -> None:
    """Assert that nothing at all has come of it."""
    assert (await Payment.get(id=payment.id)).status is PaymentStatus.PENDING
    assert (await read(payment.order_id)).status is OrderStatus.AWAITING_PAYMENT
    assert await connection.fetchval("SELECT count(*) FROM gateway_event") == 0
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 0


async def assert_paid_once(connection: asyncpg.Connection, payment: Payment) -> None:
    """Assert that the order is paid and that the money is in the books once."""
    assert (await Payment.get(id=payment.id)).status is PaymentStatus.CAPTURED
    assert (await read(payment.order_id)).status is OrderStatus.PAID
    assert await books_of(payment.order_id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 1
    assert await connection.fetchval("SELECT count(*) FROM ledger_entry") == 2
    types = [event[0] for event in await history_of(connection, payment.order_id)]
    assert types == [
        "order.placed",
        "payment.started",
        "payment.captured",
        "order.confirmed",
        "order.paid",
    ]
