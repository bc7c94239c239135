"""Idempotency keys: a repeated POST gets the first one's answer and does nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.database import Transaction
from headless_presale.sandbox_gateway.errors import GatewayError, conflict

KEPT_FOR: Final = timedelta(days=7)
MAX_KEY_CHARACTERS: Final = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    replayed: bool = False


def check_key(key: str | None) -> str | None:
    """Raises:
    GatewayError: ``invalid_idempotency_key``: empty, too long, or not printable ASCII.
    """
    if key is None or (0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        return key
    raise GatewayError(
        400,
        "invalid_idempotency_key",
        f"An idempotency key has 1 to {MAX_KEY_CHARACTERS} printable ASCII characters.",
        field="Idempotency-Key",
    )


def fingerprint(method: str, path: str, body: dict[str, Any]) -> str:
    """Return what makes two requests the same: spelling and order of the JSON do not count."""
    canonical = orjson.dumps([method, path, body], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def find_answer(tx: Transaction, key: str, request: str) -> Answer | None:
    """Return the stored answer to this key.

    Raises:
        GatewayError: ``idempotency_mismatch``: the key belongs to another request.
    """
    row = tx.find("SELECT fingerprint, status, body FROM idempotency_key WHERE key = ?", key)
    if row is None:
        return None
    if row["fingerprint"] != request:
        raise conflict(
            "idempotency_mismatch",
            "This idempotency key was used for another request.",
            field="Idempotency-Key",
        )
    return Answer(row["status"], orjson.loads(row["body"]), replayed=True)


def remember_answer(tx: Transaction, key: str, request: str, answer: Answer) -> None:
    tx.execute(
        "INSERT INTO idempotency_key (key, fingerprint, status, body, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        key,
        request,
        answer.status,
        orjson.dumps(answer.body).decode(),
        tx.now_text,
    )


def answer_once(
    tx: Transaction, key: str | None, request: str, operation: Callable[[Transaction], Answer]
) -> Answer:
    """Run ``operation`` unless its key has an answer; keep the answer, a refusal as well.

    Answer and effect are one transaction: after a crash a retry finds both or neither.
    """
    if key is None:
        return operation(tx)
    stored = find_answer(tx, key, request)
    if stored is not None:
        return stored
    tx.execute("SAVEPOINT operation")
    try:
        answer = operation(tx)
    except GatewayError as refusal:
        tx.execute("ROLLBACK TO operation")
        answer = Answer(refusal.status, refusal.body())
    tx.execute("RELEASE operation")
    remember_answer(tx, key, request, answer)
    return answer


def forget_old_answers(tx: Transaction) -> None:
    tx.execute(
        "DELETE FROM idempotency_key WHERE created_at < ?", timestamps.to_text(tx.now - KEPT_FOR)
    )
