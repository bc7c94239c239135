"""Every kind of call to a gateway that fails is counted, also those that the worker makes."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.payments import (
    PaymentLeg,
    Refund,
    RefundStatus,
    reconcile_payments,
    reconcile_refunds,
    request_refund,
)
from headless_presale.payments.gateways import GatewayError
from headless_presale.payments.models import Payment
from headless_presale.payments.reconciliation import cancel_intent
from headless_presale.payments.refunds import submit_refund
from headless_presale.payments.service import call_off_payment
from tests.support.gateway import SandboxRun, sandbox, shop_url
from tests.support.money import pay, place, start
from tests.support.shop import open_sale

__all__ = ["sandbox", "shop_url"]

pytestmark = pytest.mark.usefixtures("clock")


def failures(operation: str) -> float:
    """Return how often this kind of call has failed in this process."""
    labels = {"gateway": "sandbox", "operation": operation}
    return REGISTRY.get_sample_value("presale_gateway_failures_total", labels) or 0.0


@shielded
async def owe(payment: Payment) -> Refund:
    async with unit_of_work() as work:
        refund = await request_refund(
            work, payment.id, Money(4_000, payment.currency), reason="damaged"
        )
    assert refund is not None
    return refund


@shielded
async def call_off(payment: Payment) -> None:
    async with unit_of_work() as work:
        await call_off_payment(work, payment.id)


async def test_a_refund_that_is_asked_for(sandbox: SandboxRun) -> None:
    order = await place(await open_sale(capacity=10))
    refund = await owe(await pay(sandbox, order, PaymentLeg.FULL))
    before = failures("refund")
    await sandbox.set_outage("error_500", 1)

    with pytest.raises(GatewayError):
        await submit_refund(refund.id)

    assert failures("refund") == before + 1
    assert (await Refund.get(id=refund.id)).status is RefundStatus.REQUESTED
    assert await submit_refund(refund.id) is not RefundStatus.REQUESTED
    assert failures("refund") == before + 1


async def test_a_payment_that_is_called_off(sandbox: SandboxRun) -> None:
    payment = await start(await place(await open_sale(capacity=10)), PaymentLeg.FULL)
    await call_off(payment)
    before = failures("cancel_intent")
    await sandbox.set_outage("error_500", 1)

    with pytest.raises(GatewayError):
        await cancel_intent(payment.id)

    assert failures("cancel_intent") == before + 1
    (intent,) = await sandbox.intents()
    assert intent["status"] == "requires_payment"
    await cancel_intent(payment.id)
    (intent,) = await sandbox.intents()
    assert intent["status"] == "cancelled"
    assert failures("cancel_intent") == before + 1


async def test_a_payment_that_is_asked_about(sandbox: SandboxRun, clock: ManualClock) -> None:
    await sandbox.set_webhooks(paused=True)
    payment = await start(await place(await open_sale(capacity=10)), PaymentLeg.FULL)
    await sandbox.pay(payment)
    clock.advance(timedelta(minutes=2))
    before = failures("get_intent")
    await sandbox.set_outage("error_500", 1)

    assert await reconcile_payments() == 0

    assert failures("get_intent") == before + 1
    assert await reconcile_payments() == 1
    assert failures("get_intent") == before + 1


async def test_refunds_that_are_asked_about(sandbox: SandboxRun, clock: ManualClock) -> None:
    order = await place(await open_sale(capacity=10))
    paid = await pay(sandbox, order, PaymentLeg.FULL)
    await sandbox.set_webhooks(paused=True)
    refund = await owe(paid)
    await submit_refund(refund.id)
    await Refund.filter(id=refund.id).update(status=RefundStatus.SUBMITTED)
    clock.advance(timedelta(minutes=2))
    before = failures("find_refunds")
    await sandbox.set_outage("error_500", 1)

    assert await reconcile_refunds() == 0

    assert failures("find_refunds") == before + 1
