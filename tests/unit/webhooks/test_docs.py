"""docs/webhooks.md says what the code does: its tables and bodies are compared."""

import re
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from headless_presale.kernel.events import Event
from headless_presale.orders import OrderPlaced, OrderStatus
from headless_presale.payments import PaymentCaptured, PaymentLeg
from headless_presale.webhooks import EVENT_TYPES, body_of
from headless_presale.webhooks.rules import MAX_ATTEMPTS, RETRY_AFTER
from tests.conftest import NOON
from tools.print_webhook_events import render

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"
ID = UUID("018f2f3e-0000-7000-8000-000000000001")


def retry_table() -> str:
    """Return the table of attempts as the page has it."""
    rows = ["| 1 | at once: within about two seconds |"]
    for attempt, wait in enumerate(RETRY_AFTER, start=2):
        seconds = int(wait.total_seconds())
        text = (
            f"{seconds} seconds"
            if seconds < 60
            else f"{seconds // 60} minutes"
            if seconds < 3_600
            else f"{seconds // 3_600} hours"
        )
        rows.append(f"| {attempt} | {text} after the one before |")
    return "\n".join(["| Attempt | When |", "| --- | --- |", *rows])


PLACED = OrderPlaced(
    order_id=ID,
    campaign_id=ID,
    target=OrderStatus.AWAITING_DEPOSIT,
    total_minor=20_000,
    currency="CNY",
    hold_expires_at=NOON,
)
CAPTURED = PaymentCaptured(
    order_id=ID, payment_id=ID, amount_minor=4_000, currency="CNY", leg=PaymentLeg.DEPOSIT
)


def example(event: Event) -> str:
    """Return a body as the page has it."""
    body = orjson.loads(body_of(event.type, NOON, event.payload(), shop_id=ID))
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def test_the_page_lists_every_event() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page, "run: python -m tools.print_webhook_events"
    assert all(f"| `{name}` |" in page for name in EVENT_TYPES)


def test_the_page_has_the_waits_that_are_kept_to() -> None:
    assert retry_table() in PAGE.read_text(encoding="utf-8")
    assert MAX_ATTEMPTS == 10


@pytest.mark.parametrize("event", [PLACED, CAPTURED])
def test_the_bodies_on_the_page_are_those_that_are_sent(event: Event) -> None:
    bodies = re.findall(r"```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example(event) in bodies
