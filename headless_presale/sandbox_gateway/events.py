"""Events: recorded with the change they report, and at once due for delivery."""

import sqlite3
from datetime import timedelta
from typing import Any, Literal

import orjson

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.behaviour import WebhookBehaviour, get_behaviour
from headless_presale.sandbox_gateway.database import Transaction, new_id
from headless_presale.sandbox_gateway.errors import not_found

EventType = Literal[
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.cancelled",
    "refund.succeeded",
    "refund.failed",
]


def record_event(
    tx: Transaction, event_type: EventType, *, payment_intent_id: str, subject: dict[str, Any]
) -> None:
    """Write the event and its delivery into the transaction of the change itself."""
    event_id = new_id("evt")
    body = orjson.dumps(
        {
            "id": event_id,
            "type": event_type,
            "created_at": tx.now_text,
            "data": {"object": subject},
        }
    ).decode()
    tx.execute(
        "INSERT INTO event (id, type, payment_intent_id, body, created_at) VALUES (?, ?, ?, ?, ?)",
        event_id,
        event_type,
        payment_intent_id,
        body,
        tx.now_text,
    )
    if tx.sends_webhooks:
        delay = timedelta(seconds=get_behaviour(tx, WebhookBehaviour).delay_seconds)
        tx.execute(
            "INSERT INTO delivery (event_seq, status, next_attempt_at)"
            " SELECT seq, 'pending', ? FROM event WHERE id = ?",
            timestamps.to_text(tx.now + delay),
            event_id,
        )


def list_events(
    tx: Transaction, *, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return events oldest first, following the event ``after``, and whether there are more.

    Each is the webhook's body plus ``delivery``: status (pending, delivered, failed), attempts,
    last_http_status, last_error, next_attempt_at; null if it has no webhook.

    Raises:
        GatewayError: ``not_found``: there is no event ``after``.
    """
    after_seq = 0
    if after is not None:
        row = tx.find("SELECT seq FROM event WHERE id = ?", after)
        if row is None:
            raise not_found("event", after, field="after")
        after_seq = row["seq"]
    rows = tx.list(
        "SELECT event.body, delivery.* FROM event"
        " LEFT JOIN delivery ON delivery.event_seq = event.seq"
        " WHERE event.seq > ? ORDER BY event.seq LIMIT ?",
        after_seq,
        limit + 1,
    )
    return [_represent(row) for row in rows[:limit]], len(rows) > limit


def _represent(row: sqlite3.Row) -> dict[str, Any]:
    event: dict[str, Any] = orjson.loads(row["body"])
    pending = row["status"] == "pending"
    event["delivery"] = row["status"] and {
        "status": row["status"],
        "attempts": row["attempts"],
        "last_http_status": row["last_http_status"],
        "last_error": row["last_error"],
        "next_attempt_at": row["next_attempt_at"] if pending else None,
    }
    return event
