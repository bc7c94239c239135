"""What time does to orders: holds expire, balances open, are reminded of, and are missed.

Due dates are columns with partial indexes. Each sweep looks for what is due, in batches, and is
safe to run anywhere at any time: a move is conditional on the state it leaves.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from headless_presale.campaigns import MissedBalance, PaymentPlan
from headless_presale.kernel import clock
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import current_work, shielded, unit_of_work
from headless_presale.orders.events import (
    BalanceReminded,
    OrderExpired,
    OrderForfeited,
)
from headless_presale.orders.models import Order
from headless_presale.orders.refund_rules import FULL_REFUND
from headless_presale.orders.rules import due_after_reminder, is_balance_in_time
from headless_presale.orders.service import (
    call_off,
    free_slots,
    keep,
    lock_order,
    move,
    open_balance,
)
from headless_presale.orders.states import HOLDING, OrderStatus
from headless_presale.payments import (
    PaymentLeg,
    call_off_payments,
    has_pending_payment,
    list_held,
)

log = structlog.get_logger(__name__)

HOLD_RAN_OUT = "the hold ran out"
BALANCE_MISSED = "the balance was not paid in time"

BATCH = 200
CAPTURE_GRACE = timedelta(minutes=15)
"""A balance whose payment was under way at the due moment is waited for this long."""


async def sweep_orders() -> int:
    """Do all that is due by now; return how many orders moved."""
    return (
        await _sweep(
            "hold_expires_at", "status IN ('AWAITING_PAYMENT', 'AWAITING_DEPOSIT')", _expire
        )
        + await _sweep("balance_opens_at", "status = 'DEPOSIT_PAID'", _open_balance)
        + await _sweep(
            "balance_remind_at", "status = 'AWAITING_BALANCE' AND reminded_at IS NULL", _remind
        )
        + await _sweep("balance_due_at", "status = 'AWAITING_BALANCE'", _miss_balance)
    )


async def _sweep(column: str, condition: str, step: Callable[[UUID], Awaitable[bool]]) -> int:
    """Take each order that is due once, in the order of their dates.

    One that stays where it is, or cannot be moved, does not hold up those behind it.
    """
    moved, last = 0, (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    while due := await _find_due(column, condition, last):
        for due_at, order_id in due:
            moved += await _try(step, order_id)
            last = (due_at, order_id)
    return moved


async def _try(step: Callable[[UUID], Awaitable[bool]], order_id: UUID) -> bool:
    try:
        return await step(order_id)
    except Unavailable:
        raise
    except Exception:
        log.exception("orders.sweep_failed", order_id=str(order_id))
        return False


@shielded
async def _find_due(
    column: str, condition: str, after: tuple[datetime, UUID]
) -> list[tuple[datetime, UUID]]:
    async with unit_of_work() as work:
        rows = await work.fetch(
            f"SELECT {column} AS due_at, id FROM sales_order WHERE {condition} "
            f"AND {column} <= $1 AND ({column}, id) > ($2, $3) ORDER BY {column}, id LIMIT {BATCH}",
            clock.now(),
            *after,
        )
    return [(row["due_at"], row["id"]) for row in rows]


@shielded
async def _expire(order_id: UUID) -> bool:
    async with unit_of_work() as work:
        order = await lock_order(order_id)
        if order.status not in HOLDING or order.hold_expires_at > clock.now():
            return False
        source = await move(order, OrderStatus.EXPIRED, reason=HOLD_RAN_OUT)
        await call_off_payments(work, order.id)
        await free_slots(order)
        work.emit(
            OrderExpired(
                order_id=order.id,
                campaign_id=order.campaign_id,
                source=source,
                target=OrderStatus.EXPIRED,
                reason=HOLD_RAN_OUT,
            )
        )
    return True


@shielded
async def _open_balance(order_id: UUID) -> bool:
    async with unit_of_work():
        order = await lock_order(order_id)
        if order.status is not OrderStatus.DEPOSIT_PAID:
            return False
        await open_balance(order)
    return True


@shielded
async def _remind(order_id: UUID) -> bool:
    """Remind, and put the end off if the reminder is so late that too little time is left."""
    async with unit_of_work() as work:
        order = await lock_order(order_id)
        if order.status is not OrderStatus.AWAITING_BALANCE or order.reminded_at is not None:
            return False
        assert order.balance_due_at is not None
        assert order.balance_remind_at is not None
        order.reminded_at = clock.now()
        order.balance_due_at = due_after_reminder(
            due_at=order.balance_due_at,
            remind_at=order.balance_remind_at,
            reminded_at=order.reminded_at,
        )
        order.version += 1
        await order.save(update_fields=["reminded_at", "balance_due_at", "version"])
        reach("orders.reminder_noted")
        work.emit(
            BalanceReminded(
                order_id=order.id, campaign_id=order.campaign_id, due_at=order.balance_due_at
            )
        )
    return True


@shielded
async def _miss_balance(order_id: UUID) -> bool:
    async with unit_of_work():
        order = await lock_order(order_id)
        if order.status is not OrderStatus.AWAITING_BALANCE or order.balance_due_at is None:
            return False
        # It may have been found before its reminder put the end off.
        if is_balance_in_time(
            due_at=order.balance_due_at, reminded_at=order.reminded_at, at=clock.now()
        ):
            return False
        is_paying = await has_pending_payment(order.id, PaymentLeg.BALANCE)
        if is_paying and clock.now() < order.balance_due_at + CAPTURE_GRACE:
            return False
        if PaymentPlan.from_json(order.payment_plan).missed_balance is MissedBalance.REFUND:
            await call_off(order, FULL_REFUND, reason=BALANCE_MISSED)
        else:
            await _forfeit(order)
    return True


async def _forfeit(order: Order) -> None:
    work = current_work()
    source = await move(order, OrderStatus.FORFEITED, reason=BALANCE_MISSED)
    await call_off_payments(work, order.id)
    for payment in await list_held(order.id):
        await keep(order, payment.payment_id, payment.held)
    await free_slots(order)
    work.emit(
        OrderForfeited(
            order_id=order.id,
            campaign_id=order.campaign_id,
            source=source,
            target=OrderStatus.FORFEITED,
            reason=BALANCE_MISSED,
        )
    )
