"""Payments: opened for an order's leg, settled by what the gateway proves, each effect once."""

from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog
from tortoise.expressions import Q

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.ids import new_id, reservation_id_of
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments.errors import (
    GatewayUnavailable,
    GatewayUnknown,
    IdempotencyMismatch,
)
from headless_presale.payments.events import (
    PaymentCaptured,
    PaymentFailed,
    PaymentMismatched,
    PaymentStarted,
)
from headless_presale.payments.gateways import (
    GatewayError,
    GatewayIntent,
    GatewayNotice,
    IntentRequest,
    PaymentGateway,
    find_gateway,
)
from headless_presale.payments.gateways.port import IntentStatus
from headless_presale.payments.ledger import Account, book
from headless_presale.payments.models import GatewayEvent, Payment, PaymentKey
from headless_presale.payments.refunds import settle_refund
from headless_presale.payments.states import PAYMENT_LIFECYCLE, PaymentLeg, PaymentStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayment:
    """What a payment is opened with. ``request_hash`` tells a retry from another request."""

    shop_id: UUID
    order_id: UUID
    leg: PaymentLeg
    gateway: str
    amount: Money
    description: str
    return_url: str | None
    idempotency_key: str
    request_hash: str


def get_gateway(name: str) -> PaymentGateway:
    """Return a gateway by name.

    Raises:
        GatewayUnknown: there is none.
    """
    gateway = find_gateway(name)
    if gateway is None:
        raise GatewayUnknown(gateway=name, field=("gateway",))
    return gateway


async def find_started(order_id: UUID, idempotency_key: str, request_hash: str) -> Payment | None:
    """Return the payment an earlier request under this key opened.

    Raises:
        IdempotencyMismatch: the key was used for another request.
    """
    key = await PaymentKey.filter(id=reservation_id_of(order_id, idempotency_key)).first()
    if key is None:
        return None
    if key.request_hash != request_hash:
        raise IdempotencyMismatch(field=("idempotencyKey",))
    return await Payment.get(id=key.payment_id)


async def open_payment(work: UnitOfWork, command: OpenPayment) -> Payment:
    """Write the payment of a leg, or return the one that is open: one per leg, whoever asks.

    Part of the caller's transaction, which holds the order's lock.
    """
    get_gateway(command.gateway)
    payment = await Payment.filter(
        order_id=command.order_id, leg=command.leg, status=PaymentStatus.PENDING
    ).first()
    if payment is not None and payment.gateway != command.gateway:
        # Another gateway was chosen: the first one's page must not take money as well.
        await _call_off(work, payment)
        payment = None
    if payment is None:
        payment = await Payment.create(
            id=new_id(),
            shop_id=command.shop_id,
            order_id=command.order_id,
            leg=command.leg,
            gateway=command.gateway,
            status=PaymentStatus.PENDING,
            amount_minor=command.amount.amount_minor,
            currency=command.amount.currency,
            client_action={
                "return_url": command.return_url,
                "description": command.description,
            },
            created_at=clock.now(),
        )
        work.emit(
            PaymentStarted(
                order_id=payment.order_id,
                payment_id=payment.id,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                leg=payment.leg,
                gateway=payment.gateway,
            )
        )
    await PaymentKey.create(
        id=reservation_id_of(command.order_id, command.idempotency_key),
        request_hash=command.request_hash,
        payment_id=payment.id,
        created_at=clock.now(),
    )
    return payment


async def ensure_intent(payment: Payment) -> Payment:
    """Make sure the gateway knows the payment; outside any transaction, for it waits on HTTP.

    The payment's id is the gateway's idempotency key: asking again after a broken connection
    finds the same intent.

    Raises:
        GatewayUnavailable: it does not answer. The payment stays and can be started again.
    """
    if payment.intent_id is not None:
        return payment
    gateway = get_gateway(payment.gateway)
    wanted = payment.client_action or {}
    try:
        intent = await gateway.create_intent(
            IntentRequest(
                reference=str(payment.id),
                amount=Money(payment.amount_minor, payment.currency),
                description=wanted.get("description", ""),
                return_url=wanted.get("return_url"),
                metadata={"order_id": str(payment.order_id), "leg": str(payment.leg)},
            )
        )
    except GatewayError as error:
        log.warning("payments.gateway_failed", payment_id=str(payment.id), error=str(error))
        raise GatewayUnavailable(gateway=payment.gateway, field=("gateway",)) from error
    return await _keep_intent(payment.id, intent)


@shielded
async def _keep_intent(payment_id: UUID, intent: GatewayIntent) -> Payment:
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE payment SET intent_id = $2, client_action = client_action || $3::jsonb "
            "WHERE id = $1 AND intent_id IS NULL",
            payment_id,
            intent.id,
            _json(intent.client_action),
        )
        payment = await Payment.get(id=payment_id)
        if payment.status is PaymentStatus.CANCELLED:
            # The order went while we were asking: nobody must pay this intent.
            await defer("payments:cancel_intent", payment_id=str(payment_id))
    return payment


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


@shielded
async def record_notice(gateway: str, notice: GatewayNotice) -> str:
    """Apply a verified notification. Delivered twice, late or out of order: one effect.

    Returns:
        What it did: ``captured``, ``failed``, ``mismatched``, ``refunded``, ``duplicate``,
        ``repeat``, ``ignored`` or ``unknown``.
    """
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "INSERT INTO gateway_event (id, gateway, event_id, type, outcome, payload, received_at)"
            " VALUES ($1, $2, $3, $4, '', $5::jsonb, $6) "
            "ON CONFLICT (gateway, event_id) DO NOTHING RETURNING id",
            new_id(),
            gateway,
            notice.event_id,
            notice.type,
            _json(notice.payload),
            clock.now(),
        )
        if row is None:
            outcome = "duplicate"
        else:
            outcome = await _apply(work, gateway, notice)
            await GatewayEvent.filter(id=row["id"]).update(outcome=outcome)
    metrics.PAYMENT_EVENTS.labels(gateway, outcome).inc()
    return outcome


async def _apply(work: UnitOfWork, gateway: str, notice: GatewayNotice) -> str:
    if notice.refund is not None:
        return await settle_refund(work, notice.refund)
    if notice.intent is None:
        return "ignored"
    payment = await _find_by_intent(gateway, notice.intent)
    if payment is None:
        log.warning("payments.unknown_intent", gateway=gateway, intent_id=notice.intent.id)
        return "unknown"
    if notice.intent.status is IntentStatus.CAPTURED:
        return await settle_capture(work, payment, notice.intent)
    if notice.type.endswith("payment_failed"):
        return await _note_failure(work, payment, notice.failure_code)
    return "ignored"


async def _find_by_intent(gateway: str, intent: GatewayIntent) -> Payment | None:
    matches = Q(intent_id=intent.id)
    try:
        # The notification may overtake the answer that tells us the intent's id.
        matches |= Q(id=UUID(intent.reference))
    except ValueError:
        log.info("payments.foreign_reference", gateway=gateway, intent_id=intent.id)
    return await Payment.filter(matches, gateway=gateway).first()


async def settle_capture(work: UnitOfWork, payment: Payment, intent: GatewayIntent) -> str:
    """Count captured money as paid, once, if it is what was asked for."""
    await work.lock("order", payment.order_id)
    payment = await Payment.filter(id=payment.id).select_for_update().get()
    if not PAYMENT_LIFECYCLE.allows(payment.status, PaymentStatus.CAPTURED):
        return "repeat"
    asked = Money(payment.amount_minor, payment.currency)
    payment.intent_id = intent.id
    if intent.amount != asked or intent.reference != str(payment.id):
        payment.status = PaymentStatus.MISMATCHED
        await payment.save()
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
    payment.status = PaymentStatus.CAPTURED
    payment.captured_at = clock.now()
    await payment.save()
    await book(
        work,
        shop_id=payment.shop_id,
        order_id=payment.order_id,
        kind="capture",
        source=f"capture:{payment.id}",
        debit=Account.GATEWAY,
        credit=Account.CUSTOMER_FUNDS,
        amount=asked,
    )
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


async def _note_failure(work: UnitOfWork, payment: Payment, failure_code: str) -> str:
    if payment.status is not PaymentStatus.PENDING:
        return "repeat"
    await Payment.filter(id=payment.id).update(failure_code=failure_code[:60])
    work.emit(
        PaymentFailed(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            failure_code=failure_code,
        )
    )
    return "failed"


async def call_off_payments(work: UnitOfWork, order_id: UUID) -> None:
    """Call off what is still open of an order, here and at the gateway."""
    for payment in await Payment.filter(order_id=order_id, status=PaymentStatus.PENDING):
        await _call_off(work, payment)


async def _call_off(work: UnitOfWork, payment: Payment) -> None:
    moved = await work.execute(
        "UPDATE payment SET status = 'CANCELLED' WHERE id = $1 AND status = 'PENDING'", payment.id
    )
    if moved and payment.intent_id is not None:
        await defer("payments:cancel_intent", payment_id=str(payment.id))


async def list_captured(order_id: UUID) -> list[Payment]:
    """Return the captured payments of an order, oldest first."""
    return await Payment.filter(order_id=order_id, status=PaymentStatus.CAPTURED).order_by(
        "created_at"
    )


async def has_pending_payment(order_id: UUID, leg: PaymentLeg) -> bool:
    """Tell whether a buyer may be paying this leg right now."""
    return await Payment.filter(
        order_id=order_id, leg=leg, status=PaymentStatus.PENDING, intent_id__isnull=False
    ).exists()


async def forfeit(work: UnitOfWork, payment: Payment, amount: Money) -> None:
    """Book a captured amount as ours: what the policy does not give back."""
    if amount.amount_minor <= 0:
        return
    await book(
        work,
        shop_id=payment.shop_id,
        order_id=payment.order_id,
        kind="forfeit",
        source=f"forfeit:{payment.id}",
        debit=Account.CUSTOMER_FUNDS,
        credit=Account.FORFEITED_DEPOSITS,
        amount=amount,
    )
