"""Payments: opened for an order's leg, made known to the gateway, called off again."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id, reservation_id_of
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments.errors import (
    GatewayUnavailable,
    GatewayUnknown,
    IdempotencyMismatch,
    PaymentNotDue,
)
from headless_presale.payments.events import PaymentStarted
from headless_presale.payments.gateways import (
    GatewayError,
    GatewayIntent,
    IntentRequest,
    PaymentGateway,
    find_gateway,
)
from headless_presale.payments.ledger import Account, book
from headless_presale.payments.models import Payment, PaymentKey
from headless_presale.payments.states import PaymentLeg, PaymentStatus

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
        await call_off_payment(work, payment.id)
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
        reach("payments.opened")
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
    reach("payments.key_kept")
    return payment


async def ensure_intent(payment: Payment) -> Payment:
    """Make sure the gateway knows the payment; outside any transaction, for it waits on HTTP.

    The payment's id is the gateway's idempotency key: asking again after a broken connection
    finds the same intent.

    Raises:
        PaymentNotDue: the payment was called off; another one can be started under a new key.
        GatewayUnavailable: the gateway does not answer, and the payment stays and can be started
            again; or it refuses, and the next start opens another payment.
    """
    _check_open(payment)
    if payment.intent_id is not None or payment.status is not PaymentStatus.PENDING:
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
        metrics.GATEWAY_FAILURES.labels(payment.gateway, "create_intent").inc()
        log.warning("payments.gateway_failed", payment_id=str(payment.id), error=str(error))
        if error.is_final:
            # The same request gets the same refusal, so this payment must not stay in the way.
            await _give_up(payment.id)
        raise GatewayUnavailable(gateway=payment.gateway, field=("gateway",)) from error
    reach("payments.intent_created")
    payment = await _keep_intent(payment.id, intent)
    _check_open(payment)
    return payment


def _check_open(payment: Payment) -> None:
    if payment.status is PaymentStatus.CANCELLED:
        raise PaymentNotDue(
            reason="this payment was called off; start another one under a new key",
            field=("idempotencyKey",),
        )


@shielded
async def _give_up(payment_id: UUID) -> None:
    async with unit_of_work() as work:
        await call_off_payment(work, payment_id)


@shielded
async def _keep_intent(payment_id: UUID, intent: GatewayIntent) -> Payment:
    async with unit_of_work() as work:
        # A notification that overtook this answer has written the intent's id, not its action.
        await work.execute(
            "UPDATE payment SET intent_id = $2, client_action = client_action || $3::jsonb "
            "WHERE id = $1 AND (intent_id IS NULL OR intent_id = $2)",
            payment_id,
            intent.id,
            to_jsonb(intent.client_action),
        )
        reach("payments.intent_kept")
        payment = await Payment.get(id=payment_id)
        if payment.status is PaymentStatus.CANCELLED:
            # The order went while we were asking: nobody must pay this intent.
            await defer("payments:cancel_intent", payment_id=str(payment_id))
    return payment


async def call_off_payments(work: UnitOfWork, order_id: UUID) -> None:
    """Call off what is still open of an order, here and at the gateway."""
    for payment in await Payment.filter(order_id=order_id, status=PaymentStatus.PENDING):
        await call_off_payment(work, payment.id)


async def call_off_payment(work: UnitOfWork, payment_id: UUID) -> bool:
    """Call one payment off unless something has become of it; return whether it was open."""
    # The intent's id as of now: the gateway's answer may have come since the caller looked.
    row = await work.fetchrow(
        "UPDATE payment SET status = 'CANCELLED' WHERE id = $1 AND status = 'PENDING' "
        "RETURNING intent_id",
        payment_id,
    )
    if row is None:
        return False
    reach("payments.called_off")
    if row["intent_id"] is not None:
        await defer("payments:cancel_intent", payment_id=str(payment_id))
    return True


async def has_pending_payment(order_id: UUID, leg: PaymentLeg) -> bool:
    """Tell whether a buyer may be paying this leg right now."""
    return await Payment.filter(
        order_id=order_id, leg=leg, status=PaymentStatus.PENDING, intent_id__isnull=False
    ).exists()


async def forfeit(
    work: UnitOfWork, *, shop_id: UUID, order_id: UUID, payment_id: UUID, amount: Money
) -> None:
    """Book what is held of a payment as ours: what the policy does not give back."""
    if amount.amount_minor <= 0:
        return
    await book(
        work,
        shop_id=shop_id,
        order_id=order_id,
        kind="forfeit",
        source=f"forfeit:{payment_id}",
        debit=Account.CUSTOMER_FUNDS,
        credit=Account.FORFEITED_DEPOSITS,
        amount=amount,
    )
