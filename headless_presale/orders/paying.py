"""Starting a payment: which leg is due, how much, with which gateway."""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.idempotency import hash_request
from headless_presale.kernel.ids import display_number
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders.access import OrderAccess
from headless_presale.orders.models import Order
from headless_presale.orders.rules import is_balance_in_time, leg_due
from headless_presale.orders.service import lock_order, open_balance
from headless_presale.orders.states import HOLDING, OrderStatus
from headless_presale.payments import (
    OpenPayment,
    Payment,
    PaymentLeg,
    PaymentNotDue,
    ensure_intent,
    find_started,
    open_payment,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPayment:
    """A buyer's wish to pay one leg of an order with one gateway.

    ``access`` is by what he gets at it; who he is was asked before if it is None.
    """

    order_id: UUID
    leg: PaymentLeg
    gateway: str
    return_url: str | None
    idempotency_key: str
    access: OrderAccess | None = None

    def request_hash(self) -> str:
        """Return what tells a retry from another request under the same key."""
        return hash_request([self.leg, self.gateway, self.return_url])


async def start_payment(command: StartPayment) -> Payment:
    """Open the payment of a leg and tell the gateway; repeating returns the same payment.

    Two steps: the payment is committed first, then the gateway is asked. Killed in between, the
    buyer's next attempt goes on with the same payment.

    Raises:
        OrderNotFound: there is no such order, or not for him.
        PaymentNotDue: this leg cannot be paid now.
        GatewayUnknown, GatewayUnavailable: the order is kept; start again.
        IdempotencyMismatch: the key was used for another request.
    """
    return await ensure_intent(await _open(command))


@shielded
async def _open(command: StartPayment) -> Payment:
    request_hash = command.request_hash()
    async with unit_of_work() as work:
        order = await lock_order(command.order_id, access=command.access)
        started = await find_started(order.id, command.idempotency_key, request_hash)
        if started is not None:
            return started
        if _is_balance_open(order):
            # The clock opens it; the sweep, which may be a moment late, only writes it down.
            await open_balance(order)
        _check_due(order, command.leg)
        return await open_payment(
            work,
            OpenPayment(
                shop_id=order.shop_id,
                order_id=order.id,
                leg=command.leg,
                gateway=command.gateway,
                amount=amount_of(order, command.leg),
                description=_description(order),
                return_url=command.return_url,
                idempotency_key=command.idempotency_key,
                request_hash=request_hash,
            ),
        )


def _description(order: Order) -> str:
    """Say on the gateway's page what is paid, in the buyer's language."""
    word = "订单" if order.locale.startswith("zh") else "Order"
    return f"{word} {display_number(order.id)}"


def amount_of(order: Order, leg: PaymentLeg) -> Money:
    """Return what a leg of an order costs."""
    minor = {
        PaymentLeg.DEPOSIT: order.deposit_minor,
        PaymentLeg.BALANCE: order.balance_minor,
        PaymentLeg.FULL: order.total_minor,
    }[leg]
    return Money(minor, order.currency)


def _is_balance_open(order: Order) -> bool:
    return (
        order.status is OrderStatus.DEPOSIT_PAID
        and order.balance_opens_at is not None
        and order.balance_opens_at <= clock.now()
    )


def _check_due(order: Order, leg: PaymentLeg) -> None:
    due = leg_due(order.status)
    if due is not leg:
        raise PaymentNotDue(
            reason="this part of the order is not what is due", field=("leg",), due=due, leg=leg
        )
    if order.status in HOLDING and order.hold_expires_at <= clock.now():
        raise PaymentNotDue(reason="the hold on the slots has run out", field=("orderId",))
    if leg is PaymentLeg.BALANCE and not is_balance_in_time(
        due_at=order.balance_due_at, reminded_at=order.reminded_at, at=clock.now()
    ):
        raise PaymentNotDue(reason="the balance was due earlier", field=("leg",))
