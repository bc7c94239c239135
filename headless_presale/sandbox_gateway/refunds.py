"""Refunds: promised at once within what was captured, settled a little later."""

import sqlite3
from datetime import timedelta
from typing import Any, Literal

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.behaviour import (
    RefundBehaviour,
    get_behaviour,
    set_behaviour,
)
from headless_presale.sandbox_gateway.database import Transaction, new_id
from headless_presale.sandbox_gateway.errors import conflict, not_found
from headless_presale.sandbox_gateway.events import EventType, record_event
from headless_presale.sandbox_gateway.inputs import RefundCreate
from headless_presale.sandbox_gateway.intents import IntentStatus, get_intent


def create_refund(tx: Transaction, wanted: RefundCreate) -> dict[str, Any]:
    """Set the amount aside and promise it; a refund that fails later sets it free again.

    Raises:
        GatewayError: ``not_found``; ``not_refundable``: nothing was captured;
            ``amount_too_large``: more than is captured and not refunded or being refunded.
    """
    intent = get_intent(tx, wanted.payment_intent, field="payment_intent")
    if intent["status"] != IntentStatus.SUCCEEDED:
        raise conflict(
            "not_refundable",
            f"Payment intent {intent['id']} is {intent['status']}: nothing was captured.",
            field="payment_intent",
        )
    refundable_minor = get_refundable_minor(intent)
    if wanted.amount > refundable_minor:
        raise conflict(
            "amount_too_large",
            f"At most {refundable_minor} can be refunded, not {wanted.amount}.",
            field="amount",
        )
    tx.execute(
        "UPDATE payment_intent SET refunding_minor = refunding_minor + ? WHERE id = ?",
        wanted.amount,
        intent["id"],
    )
    behaviour = get_behaviour(tx, RefundBehaviour)
    refund_id = new_id("re")
    tx.execute(
        "INSERT INTO refund (id, payment_intent_id, status, amount_minor, currency, reference,"
        " outcome, settles_at, created_at) VALUES (?, ?, 'pending', ?, ?, ?, ?, ?, ?)",
        refund_id,
        intent["id"],
        wanted.amount,
        intent["currency"],
        wanted.reference,
        behaviour.outcome,
        _settles_at(tx, behaviour),
        tx.now_text,
    )
    return represent_refund(get_refund(tx, refund_id))


def get_refundable_minor(intent: sqlite3.Row) -> int:
    """Return what is left of a captured amount; the data file checks the same on its own."""
    refundable: int = intent["amount_minor"] - intent["refunded_minor"] - intent["refunding_minor"]
    return refundable


def get_refund(tx: Transaction, refund_id: str) -> sqlite3.Row:
    """Raises:
    GatewayError: ``not_found``.
    """
    row = tx.find("SELECT * FROM refund WHERE id = ?", refund_id)
    if row is None:
        raise not_found("refund", refund_id)
    return row


def list_refunds(
    tx: Transaction,
    *,
    payment_intent: str | None,
    reference: str | None,
    starting_after: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], bool]:
    """Return refunds oldest first, and whether there are more than ``limit``."""
    after_seq = 0
    if starting_after is not None:
        after = tx.find("SELECT seq FROM refund WHERE id = ?", starting_after)
        if after is None:
            raise not_found("refund", starting_after, field="starting_after")
        after_seq = after["seq"]
    rows = tx.list(
        "SELECT * FROM refund WHERE seq > ?1 AND (?2 IS NULL OR payment_intent_id = ?2)"
        " AND (?3 IS NULL OR reference = ?3) ORDER BY seq LIMIT ?4",
        after_seq,
        payment_intent,
        reference,
        limit + 1,
    )
    return [represent_refund(row) for row in rows[:limit]], len(rows) > limit


def change_refund_behaviour(tx: Transaction, behaviour: RefundBehaviour) -> None:
    """Set what becomes of refunds from now on, and let those that hang take it as well."""
    set_behaviour(tx, behaviour)
    tx.execute(
        "UPDATE refund SET outcome = ?, settles_at = ?"
        " WHERE status = 'pending' AND outcome = 'hang'",
        behaviour.outcome,
        _settles_at(tx, behaviour),
    )


def settle_due_refunds(tx: Transaction, *, limit: int = 100) -> None:
    """Settle up to ``limit`` refunds whose time has come, oldest first."""
    due = tx.list(
        "SELECT id, payment_intent_id, amount_minor, outcome FROM refund"
        " WHERE status = 'pending' AND settles_at <= ? ORDER BY settles_at, seq LIMIT ?",
        tx.now_text,
        limit,
    )
    for row in due:
        succeeds = row["outcome"] == "succeed"
        tx.execute(
            "UPDATE payment_intent SET refunding_minor = refunding_minor - ?1,"
            " refunded_minor = refunded_minor + ?2 WHERE id = ?3",
            row["amount_minor"],
            row["amount_minor"] if succeeds else 0,
            row["payment_intent_id"],
        )
        status: Literal["succeeded", "failed"] = "succeeded" if succeeds else "failed"
        tx.execute(
            "UPDATE refund SET status = ?, failure_code = ?, settled_at = ? WHERE id = ?",
            status,
            None if succeeds else "refund_declined",
            tx.now_text,
            row["id"],
        )
        event_type: EventType = "refund.succeeded" if succeeds else "refund.failed"
        record_event(
            tx,
            event_type,
            payment_intent_id=row["payment_intent_id"],
            subject=represent_refund(get_refund(tx, row["id"])),
        )


def represent_refund(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "refund",
        "status": row["status"],
        "amount": row["amount_minor"],
        "currency": row["currency"],
        "payment_intent": row["payment_intent_id"],
        "reference": row["reference"],
        "failure_code": row["failure_code"],
        "created_at": row["created_at"],
        "settled_at": row["settled_at"],
    }


def _settles_at(tx: Transaction, behaviour: RefundBehaviour) -> str | None:
    if behaviour.outcome == "hang":
        return None
    return timestamps.to_text(tx.now + timedelta(seconds=behaviour.delay_seconds))
