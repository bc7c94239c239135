"""Settlement: what gateways prove, applied once, whenever and however often it is told."""

from uuid import UUID

import structlog
from tortoise.expressions import Q

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments.events import (
    PaymentCancelled,
    PaymentCaptured,
    PaymentFailed,
    PaymentMismatched,
    PaymentSurplus,
)
from headless_presale.payments.gateways import GatewayIntent, GatewayNotice
from headless_presale.payments.gateways.port import IntentStatus
from headless_presale.payments.ledger import Account, book
from headless_presale.payments.models import GatewayEvent, Payment
from headless_presale.payments.refunds import request_refund, settle_refund
from headless_presale.payments.service import call_off_payment
from headless_presale.payments.states import PAYMENT_LIFECYCLE, PaymentStatus

log = structlog.get_logger(__name__)


@shielded
async def record_notice(gateway: str, notice: GatewayNotice) -> str:
    """Apply a verified notification. Delivered twice, late or out of order: one effect.

    Returns:
        What it did: ``captured``, ``surplus``, ``failed``, ``cancelled``, ``mismatched``,
        ``refunded``, ``submitted``, ``duplicate``, ``repeat``, ``ignored`` or ``unknown``.
    """
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "INSERT INTO gateway_event (id, gateway, event_id, type, outcome, payload, received_at)"
            " VALUES ($1, $2, $3, $4, '', $5::jsonb, $6) "
            "ON CONFLICT (gateway, event_id) DO NOTHING RETURNING id",
            new_id(),
            gateway,
            notice.event_id,
            notice.type[:60],
            to_jsonb(notice.payload),
            clock.now(),
        )
        if row is None:
            outcome = "duplicate"
        else:
            reach("payments.notice_stored")
            outcome = await _apply(work, gateway, notice)
            await GatewayEvent.filter(id=row["id"]).update(outcome=outcome)
            reach("payments.notice_judged")
    metrics.PAYMENT_EVENTS.labels(gateway, outcome).inc()
    return outcome


async def _apply(work: UnitOfWork, gateway: str, notice: GatewayNotice) -> str:
    if notice.refund is not None:
        return await settle_refund(work, gateway, notice.refund)
    if notice.intent is None:
        return "ignored"
    payment = await _find_by_intent(gateway, notice.intent)
    if payment is None:
        log.warning("payments.unknown_intent", gateway=gateway, intent_id=notice.intent.id)
        return "unknown"
    if notice.type.endswith("payment_failed"):
        return await _note_failure(work, payment, notice.failure_code)
    return await settle_intent(work, payment, notice.intent)


async def _find_by_intent(gateway: str, intent: GatewayIntent) -> Payment | None:
    matches = Q(intent_id=intent.id)
    try:
        # The notification may overtake the answer that tells us the intent's id.
        matches |= Q(id=UUID(intent.reference), intent_id__isnull=True)
    except ValueError:
        log.info("payments.foreign_reference", gateway=gateway, intent_id=intent.id)
    # One statement, so that no answer can come between two looks; a known intent comes first.
    return await Payment.filter(matches, gateway=gateway).order_by("intent_id").first()


async def settle_intent(work: UnitOfWork, payment: Payment, intent: GatewayIntent) -> str:
    """Apply how an intent stands at its gateway; return what that did."""
    if intent.status is IntentStatus.CAPTURED:
        return await _settle_capture(work, payment, intent)
    if intent.status is IntentStatus.CANCELLED:
        return await _note_cancellation(work, payment)
    return "ignored"


async def _settle_capture(work: UnitOfWork, payment: Payment, intent: GatewayIntent) -> str:
    """Count captured money as paid, once, if it is what was asked for and is still owed."""
    await work.lock("order", payment.order_id)
    payment = await Payment.filter(id=payment.id).select_for_update().get()
    if payment.intent_id not in (None, intent.id):
        log.error("payments.second_intent", payment_id=str(payment.id), intent_id=intent.id)
        return "unknown"
    if not PAYMENT_LIFECYCLE.allows(payment.status, PaymentStatus.CAPTURED):
        return "repeat"
    payment.intent_id = intent.id
    payment.failure_code = ""
    asked = Money(payment.amount_minor, payment.currency)
    if intent.amount != asked or intent.reference != str(payment.id):
        return await _keep_mismatch(work, payment, intent)
    rival = (
        await Payment.filter(
            order_id=payment.order_id,
            leg=payment.leg,
            status__in=[PaymentStatus.PENDING, PaymentStatus.CAPTURED],
        )
        .exclude(id=payment.id)
        .first()
    )
    if rival is not None and rival.status is PaymentStatus.CAPTURED:
        return await _give_surplus_back(work, payment, asked)
    if rival is not None:
        # The buyer changed gateways and then paid at the first one after all.
        await call_off_payment(work, rival.id)
    await _keep_capture(work, payment, PaymentStatus.CAPTURED)
    work.emit(
        PaymentCaptured(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            leg=payment.leg,
        )
    )
    return "captured"


async def _keep_capture(work: UnitOfWork, payment: Payment, status: PaymentStatus) -> None:
    payment.status = status
    payment.captured_at = clock.now()
    await payment.save(update_fields=["status", "intent_id", "failure_code", "captured_at"])
    reach("payments.captured")
    await book(
        work,
        shop_id=payment.shop_id,
        order_id=payment.order_id,
        kind="capture",
        source=f"capture:{payment.id}",
        debit=Account.GATEWAY,
        credit=Account.CUSTOMER_FUNDS,
        amount=Money(payment.amount_minor, payment.currency),
    )


async def _give_surplus_back(work: UnitOfWork, payment: Payment, amount: Money) -> str:
    await _keep_capture(work, payment, PaymentStatus.MISMATCHED)
    work.emit(
        PaymentSurplus(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            leg=payment.leg,
        )
    )
    await request_refund(work, payment.id, amount, reason="paid_twice")
    return "surplus"


async def _keep_mismatch(work: UnitOfWork, payment: Payment, intent: GatewayIntent) -> str:
    payment.status = PaymentStatus.MISMATCHED
    await payment.save(update_fields=["status", "intent_id", "failure_code"])
    reach("payments.mismatch_kept")
    work.emit(
        PaymentMismatched(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            captured_minor=intent.amount.amount_minor,
            captured_currency=intent.amount.currency,
        )
    )
    log.error("payments.mismatched", payment_id=str(payment.id), captured=str(intent.amount))
    return "mismatched"


async def _note_failure(work: UnitOfWork, payment: Payment, failure_code: str) -> str:
    await work.lock("order", payment.order_id)
    noted = await Payment.filter(id=payment.id, status=PaymentStatus.PENDING).update(
        failure_code=failure_code[:60]
    )
    reach("payments.failure_noted")
    if not noted:
        return "repeat"
    work.emit(
        PaymentFailed(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            failure_code=failure_code[:60],
        )
    )
    return "failed"


async def _note_cancellation(work: UnitOfWork, payment: Payment) -> str:
    """An intent that ended at the gateway ends here, so that the buyer can start another one."""
    await work.lock("order", payment.order_id)
    ended = await Payment.filter(id=payment.id, status=PaymentStatus.PENDING).update(
        status=PaymentStatus.CANCELLED
    )
    reach("payments.cancellation_noted")
    if not ended:
        return "repeat"
    work.emit(
        PaymentCancelled(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
        )
    )
    return "cancelled"
