"""Reconciliation: asks the gateway about what it has not told us.

Webhooks get lost. A payment that stays pending and a refund that stays open are asked about, and
the answer is applied as if it had been delivered: the same functions, so still one effect.
"""

from datetime import timedelta
from uuid import UUID

import structlog

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.payments.gateways import (
    GatewayError,
    GatewayIntent,
    GatewayRefund,
    find_gateway,
)
from headless_presale.payments.models import Payment, Refund
from headless_presale.payments.refunds import note_refund, reference_of
from headless_presale.payments.settlement import settle_intent
from headless_presale.payments.states import PaymentStatus, RefundStatus

log = structlog.get_logger(__name__)

ASK_AFTER = timedelta(seconds=60)
GIVE_UP_AFTER = timedelta(days=30)
BATCH = 100
"""How many are asked about in one run, drawn by lot: none can stand in the way of the others."""


async def reconcile_payments() -> int:
    """Ask about pending payments; return how many turned out captured."""
    captured = 0
    silent: set[str] = set()
    for payment in await _draw_pending():
        gateway = find_gateway(payment.gateway)
        if gateway is None or payment.intent_id is None or payment.gateway in silent:
            continue
        try:
            intent = await gateway.get_intent(payment.intent_id)
        except GatewayError as error:
            metrics.GATEWAY_FAILURES.labels(payment.gateway, "get_intent").inc()
            log.info("payments.ask_failed", payment_id=str(payment.id), error=str(error))
            if not error.is_final:
                silent.add(payment.gateway)
            continue
        captured += await _settle(payment.id, intent) == "captured"
    return captured


@shielded
async def _draw_pending() -> list[Payment]:
    at = clock.now()
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT id FROM payment WHERE status = 'PENDING' AND intent_id IS NOT NULL "
            "AND created_at < $1 AND created_at > $2 ORDER BY random() LIMIT $3",
            at - ASK_AFTER,
            at - GIVE_UP_AFTER,
            BATCH,
        )
        return await Payment.filter(id__in=[row["id"] for row in rows])


@shielded
async def _settle(payment_id: UUID, intent: GatewayIntent) -> str:
    async with unit_of_work() as work:
        return await settle_intent(work, await Payment.get(id=payment_id), intent)


async def cancel_intent(payment_id: UUID) -> None:
    """Call a payment off at the gateway; money that came first is settled as captured.

    Raises:
        GatewayError: the gateway does not answer; the job is run again.
    """
    payment = await Payment.get(id=payment_id)
    gateway = find_gateway(payment.gateway)
    if payment.status is not PaymentStatus.CANCELLED or gateway is None or not payment.intent_id:
        return
    failures = metrics.GATEWAY_FAILURES.labels(payment.gateway, "cancel_intent")
    with failures.count_exceptions(GatewayError):
        intent = await gateway.cancel_intent(payment.intent_id)
    reach("payments.intent_cancelled")
    await _settle(payment_id, intent)


async def reconcile_refunds() -> int:
    """Ask about open refunds and ask again for failed ones; return how many were settled."""
    settled = 0
    silent: set[str] = set()
    for refund in await _draw_open_refunds():
        if refund.status is not RefundStatus.SUBMITTED:
            await _ask_again(refund.id)
            continue
        payment: Payment = refund.payment
        gateway = find_gateway(payment.gateway)
        if gateway is None or payment.intent_id is None or payment.gateway in silent:
            continue
        try:
            answers = await gateway.find_refunds(payment.intent_id)
        except GatewayError as error:
            metrics.GATEWAY_FAILURES.labels(payment.gateway, "find_refunds").inc()
            log.info("payments.ask_failed", refund_id=str(refund.id), error=str(error))
            if not error.is_final:
                silent.add(payment.gateway)
            continue
        mine: list[GatewayRefund] = [a for a in answers if a.reference == reference_of(refund)]
        for answer in mine:
            settled += await note_refund(payment.gateway, answer) == "refunded"
    return settled


@shielded
async def _draw_open_refunds() -> list[Refund]:
    at = clock.now()
    async with unit_of_work() as work:
        # The pause doubles with each attempt that failed: 1 minute, 2, 4...
        rows = await work.fetch(
            "SELECT id FROM refund WHERE status IN ('REQUESTED', 'SUBMITTED', 'FAILED') "
            "AND created_at + $2::interval * (CASE WHEN status = 'FAILED' "
            "  THEN 2 ^ least(attempts, 30) ELSE 1 END) < $1 ORDER BY random() LIMIT $3",
            at,
            ASK_AFTER,
            BATCH,
        )
        return await Refund.filter(id__in=[row["id"] for row in rows]).prefetch_related("payment")


@shielded
async def _ask_again(refund_id: UUID) -> None:
    async with unit_of_work():
        await defer(
            "payments:submit_refund",
            queueing_lock=f"payments:submit_refund:{refund_id}",
            refund_id=str(refund_id),
        )
