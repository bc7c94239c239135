"""Orders, moved by what happens to them. Every move is one conditional step."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import current_work, shielded, unit_of_work
from headless_presale.orders.access import OrderAccess
from headless_presale.orders.errors import CancelNotAllowed, OrderNotFound
from headless_presale.orders.events import BalanceOpened, OrderCancelled
from headless_presale.orders.models import Order
from headless_presale.orders.refund_rules import FULL_REFUND, CancelPlan, split_cancellation
from headless_presale.orders.rules import cancel_rule
from headless_presale.orders.states import (
    CLAIMING,
    HOLDING,
    ORDER_LIFECYCLE,
    RELEASED,
    OrderStatus,
)
from headless_presale.payments import (
    call_off_payments,
    forfeit,
    list_held,
    request_refund,
)
from headless_presale.slots import release


async def lock_order(
    order_id: UUID,
    *,
    shop_ids: Collection[UUID] | None = None,
    access: OrderAccess | None = None,
) -> Order:
    """Return the order, locked with all that belongs to it until the transaction ends.

    Args:
        shop_ids: those it may be of; None for any.
        access: of the buyer who asks; None where it is not a buyer.

    Raises:
        OrderNotFound: there is none, or not for him; whoever asks names it by ``orderId``.
    """
    await current_work().lock("order", order_id)
    found = Order.filter(id=order_id).select_for_update()
    order = await (found if shop_ids is None else found.filter(shop_id__in=list(shop_ids))).first()
    if order is None or (access is not None and not access.opens(order)):
        raise OrderNotFound(field=("orderId",))
    return order


async def move(order: Order, target: OrderStatus, *, reason: str = "") -> OrderStatus:
    """Move a locked order along its lifecycle; return where it was.

    Raises:
        TransitionNotAllowed: the lifecycle does not lead there.
    """
    source = order.status
    ORDER_LIFECYCLE.check(source, target)
    order.status = target
    order.updated_at = clock.now()
    order.closed_reason = reason[:200]
    order.version += 1
    if target in CLAIMING and source not in CLAIMING:
        order.sold_at, order.released_at = order.updated_at, None
    elif target in RELEASED:
        order.released_at = order.updated_at
    await order.save(
        update_fields=[
            "status",
            "updated_at",
            "closed_reason",
            "version",
            "sold_at",
            "released_at",
        ]
    )
    reach("orders.moved")
    return source


@shielded
async def cancel_order(order_id: UUID, *, reason: str, access: OrderAccess | None = None) -> Order:
    """Cancel for the buyer, as far as the policy of the order allows. Repeating changes nothing.

    Raises:
        OrderNotFound: there is none that this access opens.
        CancelNotAllowed: the stage does not allow it.
    """
    async with unit_of_work():
        order = await lock_order(order_id, access=access)
        if order.status is OrderStatus.CANCELLED:
            return order
        rule = cancel_rule(CancelPolicy.from_json(order.cancel_policy), order.status)
        if rule is None or not rule.is_allowed:
            raise CancelNotAllowed(status=str(order.status))
        await call_off(order, rule, reason=reason)
        return order


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A merchant's own: the id of his request, and what tells it from another under its key."""

    id: UUID
    request_hash: str


async def call_off(
    order: Order, rule: CancelRule, *, reason: str, by: Cancellation | None = None
) -> CancelPlan:
    """End a locked order: refund by the rule, keep the rest as forfeited, free the slots.

    Args:
        by: where the merchant cancels this one order.
    """
    work = current_work()
    was_holding = order.status in HOLDING
    source = await move(order, OrderStatus.CANCELLED, reason=reason)
    await call_off_payments(work, order.id)
    held = [] if was_holding else await list_held(order.id)
    plan = split_cancellation(rule, held, currency=order.currency)
    for part in plan.parts:
        payment_id = part.payment.payment_id
        if part.refund.amount_minor > 0:
            await request_refund(work, payment_id, part.refund, reason="order_cancelled")
        await keep(order, payment_id, part.kept)
    await free_slots(order)
    work.emit(
        OrderCancelled(
            order_id=order.id,
            campaign_id=order.campaign_id,
            source=source,
            target=OrderStatus.CANCELLED,
            reason=reason,
            refunded_minor=plan.refund.amount_minor,
            refunded_before_minor=plan.refunded_before.amount_minor,
            currency=order.currency,
            cancellation_id=by.id if by is not None else None,
            request_hash=by.request_hash if by is not None else "",
        )
    )
    return plan


async def keep(order: Order, payment_id: UUID, amount: Money) -> None:
    """Book what is held of a payment as the shop's own."""
    await forfeit(
        current_work(),
        shop_id=order.shop_id,
        order_id=order.id,
        payment_id=payment_id,
        amount=amount,
    )


async def open_balance(order: Order) -> None:
    """Let the balance of a locked order be paid."""
    work = current_work()
    source = await move(order, OrderStatus.AWAITING_BALANCE)
    work.emit(
        BalanceOpened(
            order_id=order.id,
            campaign_id=order.campaign_id,
            source=source,
            target=OrderStatus.AWAITING_BALANCE,
            reason="the balance window opened",
        )
    )


async def free_slots(order: Order) -> None:
    """Give the order's numbers back to their pools."""
    work = current_work()
    await release(work, order.id, order.customer_id)
    work.wake(f"availability:{order.campaign_id}")


CAMPAIGN_BATCH = 50


@shielded
async def cancel_orders_of_campaign(campaign_id: UUID, *, reason: str) -> int:
    """Cancel some of a cancelled campaign's orders with a full refund; return how many.

    Call again until it returns 0. Each order is its own transaction: killed half way, the next
    run goes on with those that are left.
    """
    open_orders = await _list_open_orders(campaign_id)
    for order_id in open_orders:
        await _cancel_by_merchant(order_id, reason)
    return len(open_orders)


@shielded
async def _list_open_orders(campaign_id: UUID) -> list[UUID]:
    still_open = ORDER_LIFECYCLE.sources_of(OrderStatus.CANCELLED)
    async with unit_of_work():
        rows = (
            await Order.filter(campaign_id=campaign_id, status__in=still_open)
            .order_by("id")
            .limit(CAMPAIGN_BATCH)
            .values_list("id", flat=True)
        )
    return [UUID(str(row)) for row in rows]


async def _cancel_by_merchant(order_id: UUID, reason: str) -> None:
    async with unit_of_work():
        order = await lock_order(order_id)
        if ORDER_LIFECYCLE.allows(order.status, OrderStatus.CANCELLED):
            await call_off(order, FULL_REFUND, reason=reason)
