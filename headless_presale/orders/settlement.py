"""What money does to an order: confirmed, paid in full, or refunded because it came too late."""

from collections.abc import Sequence
from functools import partial

from headless_presale.campaigns import (
    CampaignSnapshot,
    CampaignStatus,
    find_snapshot,
)
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, current_work
from headless_presale.orders.events import LatePaymentRefused, OrderConfirmed, OrderPaidInFull
from headless_presale.orders.models import Order, OrderLine
from headless_presale.orders.rules import leg_due
from headless_presale.orders.service import lock_order, move
from headless_presale.orders.states import OrderStatus
from headless_presale.payments import (
    PaymentCaptured,
    PaymentLeg,
    request_refund,
)
from headless_presale.slots import (
    PoolOrder,
    PurchaseLimitReached,
    SlotConflict,
    SlotsSoldOut,
    claim,
    pick_free,
    resync,
    take_quota,
)

_PAID_STATUS = {
    PaymentLeg.DEPOSIT: OrderStatus.DEPOSIT_PAID,
    PaymentLeg.BALANCE: OrderStatus.PAID,
    PaymentLeg.FULL: OrderStatus.PAID,
}


async def settle_payment(event: PaymentCaptured) -> None:
    """Move the order by a captured payment; part of the transaction that captured it.

    A payment for a hold that ran out takes its slots again while there are some under the same
    promise; otherwise, and for an order that is over or of nobody, all of it is refunded.

    Raises:
        Unavailable: the slots cannot be judged at the moment; nothing is kept, tell it again.
    """
    order = await lock_order(event.order_id)
    if leg_due(order.status) is event.leg:
        await _advance(order, event.leg, is_late=False)
    elif order.status is OrderStatus.EXPIRED and not order.is_erased and await _claim_again(order):
        await _advance(order, event.leg, is_late=True)
    else:
        await _refuse(order, event)


async def _advance(order: Order, leg: PaymentLeg, *, is_late: bool) -> None:
    work = current_work()
    source = await move(order, _PAID_STATUS[leg])
    if leg is not PaymentLeg.BALANCE:
        work.emit(
            OrderConfirmed(
                order_id=order.id,
                campaign_id=order.campaign_id,
                source=source,
                target=order.status,
                is_late=is_late,
            )
        )
    if order.status is OrderStatus.PAID:
        work.emit(
            OrderPaidInFull(
                order_id=order.id,
                campaign_id=order.campaign_id,
                source=source,
                target=OrderStatus.PAID,
            )
        )


async def _refuse(order: Order, event: PaymentCaptured) -> None:
    work = current_work()
    await request_refund(
        work, event.payment_id, Money(event.amount_minor, event.currency), reason="late_payment"
    )
    work.emit(
        LatePaymentRefused(
            order_id=order.id,
            campaign_id=order.campaign_id,
            status=order.status,
            amount_minor=event.amount_minor,
            currency=event.currency,
        )
    )


async def _claim_again(order: Order) -> bool:
    campaign = await find_snapshot(order.campaign_id, fresh=True)
    if campaign is None or campaign.recorded_status is CampaignStatus.CANCELLED:
        return False
    work = current_work()
    lines = await OrderLine.filter(order_id=order.id).order_by("position")
    try:
        # A savepoint: what was taken of the first pool goes back if the second has none.
        async with work.connection.transaction():
            await _claim_lines(work, order, lines, campaign)
    except (SlotsSoldOut, PurchaseLimitReached):
        return False
    except SlotConflict as error:
        # Enough are free, but orders under way hold them at this moment: to be told again.
        raise Unavailable("slots") from error
    for pool_id in {line.pool_id for line in lines}:
        # Redis still offers the numbers that were just taken from the database.
        work.after_commit(partial(resync, pool_id))
    work.wake(f"availability:{order.campaign_id}")
    return True


async def _claim_lines(
    work: UnitOfWork, order: Order, lines: Sequence[OrderLine], campaign: CampaignSnapshot
) -> None:
    for line in lines:
        item = campaign.item(line.item_id)
        if item is None:
            raise SlotsSoldOut(remaining=0)
        numbers = await _still_free(work, line)
        if len(numbers) != line.quantity:
            numbers = list(await pick_free(work, line.pool_id, line.quantity))
        promised = item.ships_by(numbers)
        if line.ships_by is not None and (promised is None or promised > line.ships_by):
            # Only later batches are left: that is not what the buyer paid for.
            raise SlotsSoldOut(remaining=0)
        wanted = PoolOrder(line.pool_id, tuple(numbers), item.limit_per_customer)
        await take_quota(work, order.customer_id, [wanted])
        await claim(work, order.id, [wanted])
        line.numbers = sorted(numbers)
        await line.save(update_fields=["numbers"])
        reach("orders.numbers_exchanged")


async def _still_free(work: UnitOfWork, line: OrderLine) -> list[int]:
    rows = await work.fetch(
        "SELECT number FROM slot WHERE pool_id = $1 AND number = ANY($2::int[]) "
        "AND order_id IS NULL ORDER BY number FOR UPDATE SKIP LOCKED",
        line.pool_id,
        line.numbers,
    )
    return [row["number"] for row in rows]
