"""Holds that run out, and buyers who pay all the same."""

import asyncpg

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView, sweep_orders
from headless_presale.payments import Payment, PaymentStatus, Refund
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    owned_numbers,
    read,
    work_off,
)
from tests.support.servers import until
from tests.support.shop import Sale


async def expire(order: OrderView, clock: ManualClock) -> None:
    """Let an order's hold run out."""
    clock.move_to(order.hold_expires_at)
    assert await sweep_orders() == 1
    assert (await read(order.id)).status is OrderStatus.EXPIRED


async def pay_late(sandbox: SandboxRun, payment: Payment) -> None:
    """Pay on the page that was open all the time, and wait until the shop knows."""
    await sandbox.pay(payment)

    async def is_captured() -> bool:
        return (await Payment.get(id=payment.id)).status is PaymentStatus.CAPTURED

    await until(is_captured)


async def assert_refunded_in_full(
    sandbox: SandboxRun, connection: asyncpg.Connection, order: OrderView, amount_minor: int
) -> None:
    """Assert that what came too late goes back whole, and that the order owns nothing."""
    refund = await Refund.get(payment__order_id=order.id)
    assert (refund.amount_minor, refund.reason) == (amount_minor, "late_payment")
    assert await owned_numbers(connection, order.id) == []
    types = [event[0] for event in await history_of(connection, order.id)]
    assert types[-2:] == ["refund.requested", "order.late_payment_refused"]
    await work_off(connection, "payments")
    await until_refunded(refund)
    assert await books_of(order.id) == {}
    assert [refund["amount"] for refund in await sandbox.refunds()] == [amount_minor]


async def until_refunded(refund: Refund) -> None:
    """Wait until the gateway has told that the money is back."""

    async def is_settled() -> bool:
        return (await Refund.get(id=refund.id)).settled_at is not None

    await until(is_settled)


async def free_slots_of(connection: asyncpg.Connection, sale: Sale) -> int:
    """Return how many slots of the sale's first pool nobody owns."""
    free: int = await connection.fetchval(
        "SELECT count(*) FROM slot WHERE pool_id = $1 AND order_id IS NULL", sale.pool_id
    )
    return free
