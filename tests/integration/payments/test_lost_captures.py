"""Captures that no webhook told of: asked about, found, and counted once."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView
from headless_presale.payments import (
    Payment,
    PaymentLeg,
    reconcile_payments,
)
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    place,
    read,
    start,
)
from tests.support.shop import make_shop, open_sale

pytestmark = pytest.mark.usefixtures("clock")

MINUTE = timedelta(minutes=1)


async def test_a_capture_nobody_told_of_is_found_once(
    sandbox: SandboxRun,
    order: OrderView,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
) -> None:
    await sandbox.set_webhooks(paused=True)
    payment = await start(order, PaymentLeg.FULL)
    await sandbox.pay(payment)
    assert await reconcile_payments() == 0  # too early: the webhook may be on its way

    clock.advance(2 * MINUTE)
    found = await asyncio.gather(*(reconcile_payments() for _ in range(4)))

    assert sum(found) == 1
    assert await books_of(order.id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}
    captured = (await history_of(database_admin, order.id))[2]
    assert captured[:2] == ("payment.captured", "system")
    await sandbox.flush()
    assert await books_of(order.id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}


async def test_one_the_gateway_has_forgotten_does_not_hold_up_the_others(
    sandbox: SandboxRun, order: OrderView, clock: ManualClock
) -> None:
    await sandbox.set_webhooks(paused=True)
    payment = await start(order, PaymentLeg.FULL)
    await sandbox.pay(payment)
    shop = await make_shop("second-shop")
    other = await place(await open_sale(shop=shop, capacity=1))
    forgotten = await start(other, PaymentLeg.FULL)
    await Payment.filter(id=forgotten.id).update(intent_id="pi_from_before_the_fire")
    clock.advance(2 * MINUTE)

    assert await reconcile_payments() == 1

    assert (await read(order.id)).status is OrderStatus.PAID
    assert (await read(other.id)).status is OrderStatus.AWAITING_PAYMENT


async def test_an_outage_is_waited_out(
    sandbox: SandboxRun, order: OrderView, clock: ManualClock
) -> None:
    await sandbox.set_webhooks(paused=True)
    payment = await start(order, PaymentLeg.FULL)
    await sandbox.pay(payment)
    clock.advance(2 * MINUTE)
    await sandbox.set_outage("error_500", 1)

    assert await reconcile_payments() == 0
    assert await reconcile_payments() == 1
