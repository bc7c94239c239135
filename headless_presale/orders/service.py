"""Orders: written once, moved by what happens to them. Every move is one conditional step."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, current_work, shielded, unit_of_work
from headless_presale.orders.access import OrderAccess
from headless_presale.orders.errors import CancelNotAllowed, OrderNotFound
from headless_presale.orders.events import BalanceOpened, OrderCancelled, OrderPlaced
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
from headless_presale.orders.view import OrderView
from headless_presale.payments import (
    call_off_payments,
    forfeit,
    list_held,
    request_refund,
)
from headless_presale.slots import release

# The lock is the foreign key's own, taken before the version is compared: no order can slip in
# behind whoever calls the campaign off. Nor behind whoever ends the sign-in it is placed with, to
# erase the customer or to give his orders over: that one waits, or this order is none.
_PLACED = """
WITH placed AS (
    INSERT INTO sales_order (
        id, shop_id, campaign_id, customer_id, status, currency, total_minor, deposit_minor,
        balance_minor, terms_version, payment_plan, cancel_policy, buyer, shipping_address, locale,
        request_hash, hold_expires_at, balance_opens_at, balance_remind_at, balance_due_at,
        placed_at, updated_at, closed_reason, number, quantity)
    SELECT $1, $2, c.id, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12::jsonb, $13::jsonb,
           $14::jsonb, $15, $16, $17, $18, $19, $20, $21, $21, '', $32, $33
    FROM campaign c WHERE c.id = $3 AND c.version = $22 AND ($34::uuid IS NULL OR EXISTS (
        SELECT FROM customer_grant g WHERE g.id = $34 AND g.revoked_at IS NULL FOR SHARE))
    FOR KEY SHARE
    ON CONFLICT (id) DO NOTHING RETURNING id
), lines AS (
    INSERT INTO order_line (id, order_id, position, item_id, pool_id, quantity, numbers,
                            unit_price_minor, price_reason, title, ships_by)
    SELECT l.id, placed.id, l.position - 1, l.item_id, l.pool_id, l.quantity, l.numbers::jsonb,
           l.unit_price_minor, l.price_reason::jsonb, l.title, l.ships_by
    FROM placed, unnest($23::uuid[], $24::uuid[], $25::uuid[], $26::int[], $27::text[],
                        $28::bigint[], $29::text[], $30::text[], $31::date[])
         WITH ORDINALITY AS l(id, item_id, pool_id, quantity, numbers, unit_price_minor,
                              price_reason, title, ships_by, position)
)"""
_INSERT = f"{_PLACED} SELECT id FROM placed"
FIRST_RIDER_ARGUMENT = 35


@dataclass(frozen=True, slots=True)
class Rider:
    """What is changed by the statement that writes an order: with it, or not at all.

    Attributes:
        sql: CTEs behind ``placed``, whose arguments are numbered from ``FIRST_RIDER_ARGUMENT``.
        args: those arguments.
        counted: the CTE whose rows are counted.
        check: raises a DomainError, and nothing is written, unless their number is right.
    """

    sql: str
    args: tuple[object, ...]
    counted: str
    check: Callable[[int], None]


async def write_order(
    work: UnitOfWork,
    order: OrderView,
    *,
    campaign_version: int,
    sign_in_id: UUID | None = None,
    rider: Rider | None = None,
) -> bool:
    """Write an order with its lines and its first event, in two statements.

    Args:
        campaign_version: what the order was priced from.
        sign_in_id: of the customer who places it; None for a guest's.
        rider: what else belongs into the first of them.

    Returns:
        False, and nothing is written, if the id exists already, the campaign is no longer of the
        version the order was priced from, or the sign-in has ended.
    """
    insert = _INSERT
    if rider is not None:
        counted = f"(SELECT count(*) FROM {rider.counted}) AS counted"
        insert = f"{_PLACED}, {rider.sql} SELECT id, {counted} FROM placed"
    row = await work.fetchrow(
        insert,
        order.id,
        order.shop_id,
        order.campaign_id,
        order.customer_id,
        order.status,
        order.total.currency,
        order.total.amount_minor,
        order.deposit.amount_minor,
        order.balance.amount_minor,
        order.terms_version,
        to_jsonb(order.payment_plan),
        to_jsonb(order.cancel_policy),
        to_jsonb(order.buyer),
        to_jsonb(order.shipping_address),
        order.locale,
        order.request_hash,
        order.hold_expires_at,
        order.balance_opens_at,
        order.balance_remind_at,
        order.balance_due_at,
        order.placed_at,
        campaign_version,
        [line.id for line in order.lines],
        [line.item_id for line in order.lines],
        [line.pool_id for line in order.lines],
        [line.quantity for line in order.lines],
        [to_jsonb(list(line.numbers)) for line in order.lines],
        [line.unit_price.amount_minor for line in order.lines],
        [to_jsonb(line.price_reason) for line in order.lines],
        [line.title for line in order.lines],
        [line.ships_by for line in order.lines],
        order.number,
        order.quantity,
        sign_in_id,
        *(rider.args if rider is not None else ()),
    )
    if row is None:
        return False
    if rider is not None:
        rider.check(row["counted"])
    reach("orders.written")
    work.emit(
        OrderPlaced(
            order_id=order.id,
            campaign_id=order.campaign_id,
            target=order.status,
            total_minor=order.total.amount_minor,
            currency=order.total.currency,
            hold_expires_at=order.hold_expires_at,
        )
    )
    work.wake(f"availability:{order.campaign_id}")
    return True


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
