"""How the sandbox is told to behave: kept in the data file, so a restart rehearses on."""

from typing import Literal, TypeVar

from pydantic import BaseModel, Field

from headless_presale.sandbox_gateway.database import Transaction

MAX_DELAY_SECONDS = 86_400.0


class WebhookBehaviour(BaseModel, extra="forbid", strict=True):
    """How webhooks are delivered.

    ``delay_seconds`` applies to events recorded from now on. ``copies`` are sent at the same
    time, with the same ``webhook-id``. ``reversed`` sends what is due together newest first;
    with ``paused`` and a flush that is everything, in exactly that order.
    """

    delay_seconds: float = Field(default=0.0, ge=0, le=MAX_DELAY_SECONDS)
    copies: int = Field(default=1, ge=1, le=20)
    order: Literal["normal", "reversed"] = "normal"
    paused: bool = False


class RefundBehaviour(BaseModel, extra="forbid", strict=True):
    """What becomes of refunds made from now on, and of those that hang.

    A refund that hangs stays pending until another outcome is set; it then takes that one.
    """

    outcome: Literal["succeed", "fail", "hang"] = "succeed"
    delay_seconds: float = Field(default=0.0, ge=0, le=MAX_DELAY_SECONDS)


B = TypeVar("B", WebhookBehaviour, RefundBehaviour)


def get_behaviour(tx: Transaction, kind: type[B]) -> B:
    row = tx.find("SELECT value FROM setting WHERE name = ?", kind.__name__)
    return kind() if row is None else kind.model_validate_json(row["value"])


def set_behaviour(tx: Transaction, behaviour: WebhookBehaviour | RefundBehaviour) -> None:
    tx.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        type(behaviour).__name__,
        behaviour.model_dump_json(),
    )
