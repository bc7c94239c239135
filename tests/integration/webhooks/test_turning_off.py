"""Who does not want any more, or never answers, is turned off, and people are told."""

from datetime import timedelta

import pytest

from headless_presale.checkout import place_order
from headless_presale.identity import Role
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import AccountMailKind, Message
from headless_presale.webhooks import (
    DeliveryStatus,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
    deliver_due,
    sweep_deliveries,
)
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import open_sale, order_for
from tests.support.staff import sign_in

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_410_turns_it_off_at_once_and_owners_and_administrators_are_told(
    receiver: Receiver,
) -> None:
    sale = await open_sale(capacity=50)
    for role in (Role.OWNER, Role.ADMIN, Role.SUPPORT):
        await sign_in(sale.shop, role)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.default = 410
    await place_order(order_for(sale))

    await deliver_due(made.endpoint.id)

    endpoint = await WebhookEndpoint.get(id=made.endpoint.id)
    assert endpoint.disabled_reason is DisabledReason.GONE
    assert endpoint.version == 2
    mails = await Message.filter(kind=AccountMailKind.WEBHOOK_DISABLED).order_by("recipient")
    assert [mail.recipient for mail in mails] == [
        "admin@moonlit-forge.example.com",
        "owner@moonlit-forge.example.com",
    ]
    entry = await AuditEntry.get(action="webhook_endpoint.disable")
    assert (entry.actor, entry.after) == ("system", {"isEnabled": False, "reason": "GONE"})
    # What happens from now on is not for it, and what waits is not tried.
    await place_order(order_for(sale, email="next@example.com"))
    assert await WebhookDelivery.all().count() == 1
    assert await sweep_deliveries() == 0
    assert await deliver_due(endpoint.id) == 0


async def test_five_days_without_success_turn_it_off_and_one_success_begins_anew(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50, days=14)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.default = 503

    async def fail(email: str) -> WebhookEndpoint:
        await place_order(order_for(sale, email=email))
        await deliver_due(made.endpoint.id)
        return await WebhookEndpoint.get(id=made.endpoint.id)

    began = clock.now()
    assert (await fail("1@example.com")).failing_since == began
    clock.advance(timedelta(days=4, hours=23))
    assert (await fail("2@example.com")).disabled_at is None

    # One that is taken is enough to be well again.
    receiver.default = 200
    clock.advance(timedelta(minutes=10))
    well = await fail("3@example.com")
    assert (well.failing_since, well.failure_count) == (None, 0)

    receiver.default = 503
    assert (await fail("4@example.com")).disabled_at is None
    clock.advance(timedelta(days=1))
    assert (await fail("5@example.com")).disabled_at is None
    clock.advance(timedelta(days=4))
    off = await fail("6@example.com")
    assert off.disabled_reason is DisabledReason.FAILING


async def test_one_that_keeps_failing_is_given_a_rest(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.default = 500
    for number in range(20):
        await place_order(order_for(sale, email=f"{number}@example.com"))

    # Ten in a row fail, in threes and fours, and it is left alone.
    assert await deliver_due(made.endpoint.id) == 12
    endpoint = await WebhookEndpoint.get(id=made.endpoint.id)
    assert endpoint.paused_until is not None
    assert endpoint.paused_until > clock.now()
    assert await sweep_deliveries() == 0
    assert await deliver_due(made.endpoint.id) == 0

    # After the rest it goes on, and with a success nothing holds it back.
    receiver.default = 200
    clock.advance(timedelta(seconds=6))
    assert await sweep_deliveries() == 1
    assert await deliver_due(made.endpoint.id) == 20
    assert await WebhookDelivery.filter(status=DeliveryStatus.DELIVERED).count() == 20
