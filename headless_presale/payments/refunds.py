"""Refunds: owed from the moment they are decided, asked for until the gateway confirms."""

from uuid import UUID

import structlog

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments.events import RefundFailed, RefundRequested, RefundSucceeded
from headless_presale.payments.gateways import (
    GatewayError,
    GatewayRefund,
    PaymentGateway,
    RefundRequest,
)
from headless_presale.payments.gateways.port import GatewayRefundStatus, find_gateway
from headless_presale.payments.ledger import Account, book
from headless_presale.payments.models import Payment, Refund
from headless_presale.payments.states import REFUND_LIFECYCLE, RefundStatus

log = structlog.get_logger(__name__)

_OUTCOMES = {
    GatewayRefundStatus.PENDING: RefundStatus.SUBMITTED,
    GatewayRefundStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
    GatewayRefundStatus.FAILED: RefundStatus.FAILED,
}


def reference_of(refund: Refund) -> str:
    """Return what names one attempt at a refund to the gateway, and is its idempotency key.

    The attempt is part of it: news of one that failed must not be taken for news of the next.
    """
    return f"{refund.id}-{refund.attempts}"


def _read_reference(reference: str) -> tuple[UUID, int] | None:
    refund_id, _, attempt = reference.rpartition("-")
    try:
        return UUID(refund_id), int(attempt)
    except ValueError:
        return None


async def request_refund(
    work: UnitOfWork, payment_id: UUID, amount: Money, *, reason: str
) -> Refund | None:
    """Owe money back and ask the gateway for it after the commit; once per payment and reason.

    Returns:
        The refund; None where there is nothing left to refund.

    Raises:
        ValueError: the payment is not captured, or the currency differs.
    """
    locked = await Payment.filter(id=payment_id).select_for_update().get()
    if locked.captured_at is None:
        raise ValueError(f"payment {payment_id} is {locked.status}, not captured")
    if amount.currency != locked.currency:
        raise ValueError(f"{amount.currency} does not refund {locked.currency}")
    refunds = await Refund.filter(payment_id=payment_id)
    existing = next((refund for refund in refunds if refund.reason == reason), None)
    if existing is not None:
        return existing
    left = locked.amount_minor - sum(refund.amount_minor for refund in refunds)
    amount_minor = min(amount.amount_minor, left)
    if amount_minor <= 0:
        return None
    refund = await Refund.create(
        id=new_id(),
        payment_id=payment_id,
        status=RefundStatus.REQUESTED,
        amount_minor=amount_minor,
        currency=locked.currency,
        reason=reason,
        created_at=clock.now(),
    )
    reach("refunds.written")
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

    A refusal ends the attempt; the reconciler makes the next one, after a growing pause.

    Raises:
        GatewayError: the gateway does not answer; the job is run again.
    """
    refund = await _begin_attempt(refund_id)
    if refund.status is not RefundStatus.REQUESTED:
        return refund.status
    payment = await Payment.get(id=refund.payment_id)
    gateway = find_gateway(payment.gateway)
    if gateway is None or payment.intent_id is None:
        raise GatewayError(f"no gateway {payment.gateway} to refund with", is_final=False)
    answer: GatewayRefund | None
    try:
        answer = await gateway.refund(
            RefundRequest(
                idempotency_key=reference_of(refund),
                reference=reference_of(refund),
                intent_id=payment.intent_id,
                amount=Money(refund.amount_minor, refund.currency),
            )
        )
    except GatewayError as error:
        metrics.GATEWAY_FAILURES.labels(payment.gateway, "refund").inc()
        if not error.is_final:
            raise
        # "Refunded already" is a refusal too: the first answer may have been lost on its way.
        answer = next(iter(await find_answers(gateway, payment.intent_id, refund)), None)
        if answer is None:
            log.error("payments.refund_refused", refund_id=str(refund_id), error=str(error))
            await _note_refusal(refund)
    if answer is not None:
        reach("refunds.asked")
        await note_refund(payment.gateway, answer)
    return (await Refund.get(id=refund_id)).status


async def find_answers(
    gateway: PaymentGateway, intent_id: str, refund: Refund
) -> list[GatewayRefund]:
    """Return what the gateway has of this attempt at a refund; empty if it never heard of it.

    Raises:
        GatewayError: the gateway does not answer.
    """
    reference = reference_of(refund)
    return [a for a in await gateway.find_refunds(intent_id) if a.reference == reference]


@shielded
async def _begin_attempt(refund_id: UUID) -> Refund:
    """A failed refund is asked for under a new key; one that broke off keeps its key."""
    async with unit_of_work():
        refund = await Refund.filter(id=refund_id).select_for_update().get()
        if refund.status is RefundStatus.FAILED:
            refund.status = RefundStatus.REQUESTED
            refund.attempts += 1
            await refund.save(update_fields=["status", "attempts"])
            reach("refunds.begun_again")
    return refund


@shielded
async def _note_refusal(refused: Refund) -> None:
    async with unit_of_work() as work:
        payment, refund = await _lock_refund(work, refused)
        if refund.status is RefundStatus.REQUESTED and refund.attempts == refused.attempts:
            await _move(work, payment, refund, RefundStatus.FAILED)


@shielded
async def note_refund(gateway: str, answer: GatewayRefund) -> str:
    """Apply what the gateway says of a refund."""
    async with unit_of_work() as work:
        return await settle_refund(work, gateway, answer)


async def settle_refund(work: UnitOfWork, gateway: str, answer: GatewayRefund) -> str:
    """Apply what the gateway says of a refund; each outcome once, in any order."""
    named = _read_reference(answer.reference)
    found = await Refund.filter(id=named[0], payment__gateway=gateway).first() if named else None
    if named is None or found is None:
        log.warning("payments.unknown_refund", gateway=gateway, reference=answer.reference)
        return "unknown"
    payment, refund = await _lock_refund(work, found)
    target = _OUTCOMES[answer.status]
    if named[1] != refund.attempts or not REFUND_LIFECYCLE.allows(refund.status, target):
        return "repeat"
    if answer.amount != Money(refund.amount_minor, refund.currency):
        log.error("payments.refund_mismatched", refund_id=str(refund.id), amount=str(answer.amount))
        return "mismatched"
    refund.gateway_refund_id = answer.id
    await _move(work, payment, refund, target)
    return "refunded" if target is RefundStatus.SUCCEEDED else str(target).lower()


async def _lock_refund(work: UnitOfWork, refund: Refund) -> tuple[Payment, Refund]:
    payment = await Payment.get(id=refund.payment_id)
    # With the order's lock its history gets its rows in the order in which they are committed.
    await work.lock("order", payment.order_id)
    return payment, await Refund.filter(id=refund.id).select_for_update().get()


async def _move(work: UnitOfWork, payment: Payment, refund: Refund, target: RefundStatus) -> None:
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
    await refund.save(update_fields=["status", "settled_at", "gateway_refund_id"])
    reach("refunds.moved")
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
