"""Refunds: owed from the moment they are decided, asked for until the gateway confirms."""

from uuid import UUID

import structlog

from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments.events import RefundFailed, RefundRequested, RefundSucceeded
from headless_presale.payments.gateways import GatewayError, GatewayRefund, RefundRequest
from headless_presale.payments.gateways.port import GatewayRefundStatus, find_gateway
from headless_presale.payments.ledger import Account, book
from headless_presale.payments.models import Payment, Refund
from headless_presale.payments.states import REFUND_LIFECYCLE, PaymentStatus, RefundStatus

log = structlog.get_logger(__name__)


async def request_refund(
    work: UnitOfWork, payment: Payment, amount: Money, *, reason: str
) -> Refund | None:
    """Owe money back and ask the gateway for it after the commit; once per payment and reason.

    Returns:
        The refund; None where there is nothing left to refund.

    Raises:
        ValueError: the payment is not captured, or the currency differs.
    """
    locked = await Payment.filter(id=payment.id).select_for_update().get()
    if locked.status is not PaymentStatus.CAPTURED:
        raise ValueError(f"payment {payment.id} is {locked.status}, not captured")
    if amount.currency != locked.currency:
        raise ValueError(f"{amount.currency} does not refund {locked.currency}")
    refunds = await Refund.filter(payment_id=payment.id)
    existing = next((refund for refund in refunds if refund.reason == reason), None)
    if existing is not None:
        return existing
    left = locked.amount_minor - sum(refund.amount_minor for refund in refunds)
    amount_minor = min(amount.amount_minor, left)
    if amount_minor <= 0:
        return None
    refund = await Refund.create(
        id=new_id(),
        payment_id=payment.id,
        status=RefundStatus.REQUESTED,
        amount_minor=amount_minor,
        currency=locked.currency,
        reason=reason,
        created_at=clock.now(),
    )
    await book(
        work,
        shop_id=locked.shop_id,
        order_id=locked.order_id,
        kind="refund_owed",
        source=f"refund_owed:{refund.id}",
        debit=Account.CUSTOMER_FUNDS,
        credit=Account.REFUNDS_PAYABLE,
        amount=Money(amount_minor, locked.currency),
    )
    work.emit(
        RefundRequested(
            order_id=locked.order_id,
            payment_id=locked.id,
            amount_minor=amount_minor,
            currency=locked.currency,
            refund_id=refund.id,
            reason=reason,
        )
    )
    await defer("payments:submit_refund", refund_id=str(refund.id))
    return refund


async def submit_refund(refund_id: UUID) -> RefundStatus:
    """Ask the gateway for the refund. Safe to repeat: each attempt has one idempotency key.

    Raises:
        GatewayError: the gateway does not answer; the job is run again.
    """
    refund = await Refund.filter(id=refund_id).prefetch_related("payment").get()
    if refund.status not in (RefundStatus.REQUESTED, RefundStatus.FAILED):
        return refund.status
    refund = await _begin_attempt(refund_id)
    payment = await Payment.get(id=refund.payment_id)
    gateway = find_gateway(payment.gateway)
    if gateway is None or payment.intent_id is None:
        raise GatewayError(f"no gateway {payment.gateway} to refund with", is_final=False)
    answer = await gateway.refund(
        RefundRequest(
            idempotency_key=f"{refund.id}-{refund.attempts}",
            reference=str(refund.id),
            intent_id=payment.intent_id,
            amount=Money(refund.amount_minor, refund.currency),
        )
    )
    await note_refund(answer)
    return (await Refund.get(id=refund_id)).status


@shielded
async def _begin_attempt(refund_id: UUID) -> Refund:
    """A failed refund is asked for under a new key; one that broke off keeps its key."""
    async with unit_of_work():
        refund = await Refund.filter(id=refund_id).select_for_update().get()
        if refund.status is RefundStatus.FAILED:
            refund.status = RefundStatus.REQUESTED
            refund.attempts += 1
            await refund.save()
    return refund


@shielded
async def note_refund(answer: GatewayRefund) -> str:
    """Apply what the gateway says of a refund."""
    async with unit_of_work() as work:
        return await settle_refund(work, answer)


async def settle_refund(work: UnitOfWork, answer: GatewayRefund) -> str:
    """Apply what the gateway says of a refund; each outcome once, in any order."""
    try:
        refund_id = UUID(answer.reference)
    except ValueError:
        return "unknown"
    refund = await Refund.filter(id=refund_id).select_for_update().first()
    if refund is None:
        log.warning("payments.unknown_refund", reference=answer.reference)
        return "unknown"
    payment = await Payment.get(id=refund.payment_id)
    refund.gateway_refund_id = answer.id
    target = {
        GatewayRefundStatus.PENDING: RefundStatus.SUBMITTED,
        GatewayRefundStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
        GatewayRefundStatus.FAILED: RefundStatus.FAILED,
    }[answer.status]
    if not REFUND_LIFECYCLE.allows(refund.status, target):
        return "repeat"
    refund.status = target
    if target is RefundStatus.SUCCEEDED:
        refund.settled_at = clock.now()
        await book(
            work,
            shop_id=payment.shop_id,
            order_id=payment.order_id,
            kind="refund_paid",
            source=f"refund_paid:{refund.id}",
            debit=Account.REFUNDS_PAYABLE,
            credit=Account.GATEWAY,
            amount=Money(refund.amount_minor, refund.currency),
        )
    await refund.save()
    event = {RefundStatus.SUCCEEDED: RefundSucceeded, RefundStatus.FAILED: RefundFailed}.get(target)
    if event is not None:
        work.emit(
            event(
                order_id=payment.order_id,
                payment_id=payment.id,
                amount_minor=refund.amount_minor,
                currency=refund.currency,
                refund_id=refund.id,
            )
        )
    return "refunded" if target is RefundStatus.SUCCEEDED else str(target).lower()
