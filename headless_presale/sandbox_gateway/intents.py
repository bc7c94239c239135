"""Payment intents: one amount that somebody is asked to pay, and what became of it."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import orjson

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.database import Transaction, new_id
from headless_presale.sandbox_gateway.errors import GatewayError, conflict, not_found
from headless_presale.sandbox_gateway.events import EventType, record_event
from headless_presale.sandbox_gateway.inputs import FailureCode, PaymentIntentCreate


class IntentStatus(StrEnum):
    REQUIRES_PAYMENT = "requires_payment"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


INTENT_LIFECYCLE: dict[IntentStatus, set[IntentStatus]] = {
    IntentStatus.REQUIRES_PAYMENT: {
        IntentStatus.SUCCEEDED,
        IntentStatus.FAILED,
        IntentStatus.CANCELLED,
    },
    # A declined attempt is not the end: the payer may try again until the intent is cancelled.
    IntentStatus.FAILED: {IntentStatus.SUCCEEDED, IntentStatus.FAILED, IntentStatus.CANCELLED},
    IntentStatus.SUCCEEDED: set(),
    IntentStatus.CANCELLED: set(),
}

EVENT_TYPES: dict[IntentStatus, EventType] = {
    IntentStatus.SUCCEEDED: "payment_intent.succeeded",
    IntentStatus.FAILED: "payment_intent.payment_failed",
    IntentStatus.CANCELLED: "payment_intent.cancelled",
}

CancellationReason = Literal["requested", "expired"]


def create_intent(tx: Transaction, wanted: PaymentIntentCreate) -> dict[str, Any]:
    """Raises:
    GatewayError: ``invalid_field``: ``expires_at`` has passed.
    """
    if wanted.expires_at is not None and wanted.expires_at <= tx.now:
        # Not a check of the body's form: a repeated request still gets its first answer.
        raise GatewayError(422, "invalid_field", "Must be in the future.", field="expires_at")
    intent_id = new_id("pi")
    tx.execute(
        "INSERT INTO payment_intent (id, status, amount_minor, currency, reference, description,"
        " return_url, metadata, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        intent_id,
        IntentStatus.REQUIRES_PAYMENT,
        wanted.amount,
        wanted.currency,
        wanted.reference,
        wanted.description,
        None if wanted.return_url is None else str(wanted.return_url),
        orjson.dumps(wanted.metadata).decode(),
        tx.now_text,
        None if wanted.expires_at is None else timestamps.to_text(wanted.expires_at),
    )
    return represent_intent(tx, get_intent(tx, intent_id))


def get_intent(tx: Transaction, intent_id: str, *, field: str | None = None) -> sqlite3.Row:
    """Return the intent's row as of now: one past its time is already cancelled.

    Raises:
        GatewayError: ``not_found``, naming ``field`` when the id came in a body.
    """
    expire_due_intents(tx)
    row = tx.find("SELECT * FROM payment_intent WHERE id = ?", intent_id)
    if row is None:
        raise not_found("payment intent", intent_id, field=field)
    return row


def list_intents(
    tx: Transaction,
    *,
    reference: str | None,
    created_after: datetime | None,
    starting_after: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], bool]:
    """Return intents oldest first, and whether there are more than ``limit``.

    Args:
        created_after: Only those created strictly later.
        starting_after: Only those that follow this intent.

    Raises:
        GatewayError: ``not_found``: there is no intent ``starting_after``.
    """
    expire_due_intents(tx)
    after_seq = 0
    if starting_after is not None:
        after_seq = get_intent(tx, starting_after, field="starting_after")["seq"]
    rows = tx.list(
        "SELECT * FROM payment_intent WHERE seq > ?1 AND (?2 IS NULL OR reference = ?2)"
        " AND (?3 IS NULL OR created_at > ?3) ORDER BY seq LIMIT ?4",
        after_seq,
        reference,
        None if created_after is None else timestamps.to_text(created_after),
        limit + 1,
    )
    return [represent_intent(tx, row) for row in rows[:limit]], len(rows) > limit


def pay_intent(tx: Transaction, intent_id: str) -> dict[str, Any]:
    """Take the money. Of any number of attempts at the same time one succeeds.

    Raises:
        GatewayError: ``not_found``; ``not_payable``: it is paid or cancelled.
    """
    _record_attempt(tx, intent_id, "pay")
    return _move_to(
        tx,
        intent_id,
        IntentStatus.SUCCEEDED,
        refusal="not_payable",
        changes={"captured_at": tx.now_text, "failure_code": None},
    )


def decline_intent(tx: Transaction, intent_id: str, failure_code: FailureCode) -> dict[str, Any]:
    """Let an attempt fail; the intent stays payable.

    Raises:
        GatewayError: ``not_found``; ``not_payable``: it is paid or cancelled.
    """
    _record_attempt(tx, intent_id, "fail")
    return _move_to(
        tx,
        intent_id,
        IntentStatus.FAILED,
        refusal="not_payable",
        changes={"failure_code": failure_code},
    )


def cancel_intent(
    tx: Transaction, intent_id: str, reason: CancellationReason = "requested"
) -> dict[str, Any]:
    """Raises:
    GatewayError: ``not_found``; ``not_cancellable``: it is paid or cancelled already.
    """
    get_intent(tx, intent_id)
    return _move_to(
        tx,
        intent_id,
        IntentStatus.CANCELLED,
        refusal="not_cancellable",
        changes={"cancellation_reason": reason},
    )


def expire_due_intents(tx: Transaction) -> None:
    """Cancel what is unpaid past its time. Cheap when there is nothing: a partial index."""
    due = tx.list(
        "SELECT id FROM payment_intent WHERE expires_at IS NOT NULL AND expires_at <= ?"
        " AND status IN ('requires_payment', 'failed') ORDER BY expires_at",
        tx.now_text,
    )
    for row in due:
        _move_to(
            tx,
            row["id"],
            IntentStatus.CANCELLED,
            refusal="not_cancellable",
            changes={"cancellation_reason": "expired"},
        )


def is_payable(row: sqlite3.Row) -> bool:
    return IntentStatus.SUCCEEDED in INTENT_LIFECYCLE[IntentStatus(row["status"])]


def represent_intent(tx: Transaction, row: sqlite3.Row) -> dict[str, Any]:
    """Return the intent as clients see it; ``amount_refunded`` counts refunds that succeeded."""
    return {
        "id": row["id"],
        "object": "payment_intent",
        "status": row["status"],
        "amount": row["amount_minor"],
        "amount_refunded": row["refunded_minor"],
        "currency": row["currency"],
        "reference": row["reference"],
        "description": row["description"],
        "return_url": row["return_url"],
        "page_url": f"{tx.base_url}/pay/{row['id']}",
        "metadata": orjson.loads(row["metadata"]),
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "captured_at": row["captured_at"],
        "failure_code": row["failure_code"],
        "cancellation_reason": row["cancellation_reason"],
    }


def _record_attempt(tx: Transaction, intent_id: str, action: Literal["pay", "fail"]) -> None:
    tx.execute(
        "INSERT INTO payment_attempt (payment_intent_id, number, action, created_at)"
        " VALUES (?, ?, ?, ?)",
        intent_id,
        get_intent(tx, intent_id)["attempts"],
        action,
        tx.now_text,
    )
    tx.execute("UPDATE payment_intent SET attempts = attempts + 1 WHERE id = ?", intent_id)


def _move_to(
    tx: Transaction,
    intent_id: str,
    status: IntentStatus,
    *,
    refusal: str,
    changes: Mapping[str, str | None],
) -> dict[str, Any]:
    """Change the status if the lifecycle allows it, and record the event that tells of it."""
    sources = [source for source, targets in INTENT_LIFECYCLE.items() if status in targets]
    assignments = "".join(f", {column} = ?" for column in changes)
    moved = tx.execute(
        f"UPDATE payment_intent SET status = ?{assignments}"
        f" WHERE id = ? AND status IN ({', '.join('?' * len(sources))})",
        status,
        *changes.values(),
        intent_id,
        *sources,
    )
    row = tx.find("SELECT * FROM payment_intent WHERE id = ?", intent_id)
    if row is None:
        raise not_found("payment intent", intent_id)
    if moved == 0:
        raise conflict(refusal, f"Payment intent {intent_id} is {row['status']}.")
    intent = represent_intent(tx, row)
    record_event(tx, EVENT_TYPES[status], payment_intent_id=intent_id, subject=intent)
    return intent
