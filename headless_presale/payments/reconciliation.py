"""Reconciliation: asks the gateway about what it has not told us.

Webhooks get lost. A payment that stays pending and a refund that stays open are asked about, and
the answer is applied as if it had been delivered: the same functions, so still one effect.
"""

from datetime import timedelta
from uuid import UUID

import structlog

from headless_presale.kernel import clock
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.payments.gateways import GatewayError, GatewayIntent, find_gateway
from headless_presale.payments.gateways.port import IntentStatus
from headless_presale.payments.models import Payment, Refund
from headless_presale.payments.refunds import note_refund
from headless_presale.payments.service import settle_capture
from headless_presale.payments.states import PaymentStatus, RefundStatus

log = structlog.get_logger(__name__)

ASK_AFTER = timedelta(seconds=60)
GIVE_UP_AFTER = timedelta(days=30)
BATCH = 100


async def reconcile_payments() -> int:
    """Ask about pending payments; return how many turned out captured."""
    at = clock.now()
    pending = (
        await Payment.filter(
            status=PaymentStatus.PENDING,
            intent_id__isnull=False,
            created_at__lt=at - ASK_AFTER,
            created_at__gt=at - GIVE_UP_AFTER,
        )
        .order_by("-created_at")
        .limit(BATCH)
    )
    captured = 0
    for payment in pending:
        gateway = find_gateway(payment.gateway)
        if gateway is None or payment.intent_id is None:
            continue
        try:
            intent = await gateway.get_intent(payment.intent_id)
        except GatewayError as error:
            log.info("payments.ask_failed", payment_id=str(payment.id), error=str(error))
            break
        if intent.status is IntentStatus.CAPTURED:
            captured += await _settle(payment.id, intent) == "captured"
    return captured


@shielded
async def _settle(payment_id: UUID, intent: GatewayIntent) -> str:
    async with unit_of_work() as work:
        return await settle_capture(work, await Payment.get(id=payment_id), intent)


async def cancel_intent(payment_id: UUID) -> None:
    """Call a payment off at the gateway; money that came first is settled as captured.

    Raises:
        GatewayError: the gateway does not answer; the job is run again.
    """
    payment = await Payment.get(id=payment_id)
    gateway = find_gateway(payment.gateway)
    if payment.status is not PaymentStatus.CANCELLED or gateway is None or not payment.intent_id:
        return
    intent = await gateway.cancel_intent(payment.intent_id)
    if intent.status is IntentStatus.CAPTURED:
        await _settle(payment_id, intent)


async def reconcile_refunds() -> int:
    """Ask about open refunds and ask again for failed ones; return how many were settled."""
    at = clock.now()
    waiting = await (
        Refund.filter(
            status__in=[RefundStatus.REQUESTED, RefundStatus.SUBMITTED, RefundStatus.FAILED],
            created_at__lt=at - ASK_AFTER,
        )
        .order_by("created_at")
        .limit(BATCH)
    )
    settled = 0
    for refund in waiting:
        if refund.status is not RefundStatus.SUBMITTED:
            await _ask_again(refund.id)
            continue
        payment = await Payment.get(id=refund.payment_id)
        gateway = find_gateway(payment.gateway)
        if gateway is None or payment.intent_id is None:
            continue
        try:
            answers = await gateway.find_refunds(payment.intent_id)
        except GatewayError as error:
            log.info("payments.ask_failed", refund_id=str(refund.id), error=str(error))
            break
        for answer in answers:
            if answer.reference == str(refund.id):
                settled += await note_refund(answer) == "refunded"
    return settled


@shielded
async def _ask_again(refund_id: UUID) -> None:
    async with unit_of_work():
        await defer(
            "payments:submit_refund",
            queueing_lock=f"payments:submit_refund:{refund_id}",
            refund_id=str(refund_id),
        )
