"""An order from its placing to its last payment, with a gateway that really takes the money."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, sweep_orders
from headless_presale.payments import PaymentLeg, PaymentNotDue, PaymentStatus
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    open_deposit_sale,
    owned_numbers,
    pay,
    place,
    read,
    start,
)
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("clock")

DAY = timedelta(days=1)


async def test_a_deposit_order_is_paid_in_two_parts(
    sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # given: two at 100.00; 20 % now, the balance from day 8 to day 15, a reminder a day before
    sale = await open_deposit_sale(capacity=10)
    order = await place(sale, quantity=2)
    assert order.status is OrderStatus.AWAITING_DEPOSIT

    # when: the deposit is paid
    deposit = await pay(sandbox, order, PaymentLeg.DEPOSIT)

    # then
    assert (deposit.status, deposit.amount_minor) == (PaymentStatus.CAPTURED, 4_000)
    assert (await read(order.id)).status is OrderStatus.DEPOSIT_PAID
    assert await books_of(order.id) == {"GATEWAY": 4_000, "CUSTOMER_FUNDS": -4_000}
    with pytest.raises(PaymentNotDue):
        await start(order, PaymentLeg.BALANCE)

    # when: the window opens, and later the reminder is due
    clock.advance(8 * DAY)
    assert await sweep_orders() == 1
    assert (await read(order.id)).status is OrderStatus.AWAITING_BALANCE
    clock.advance(6 * DAY)
    assert await sweep_orders() == 1
    assert await sweep_orders() == 0

    # and: the balance is paid
    balance = await pay(sandbox, order, PaymentLeg.BALANCE)

    # then
    assert (balance.status, balance.amount_minor) == (PaymentStatus.CAPTURED, 16_000)
    assert (await read(order.id)).status is OrderStatus.PAID
    assert await books_of(order.id) == {"GATEWAY": 20_000, "CUSTOMER_FUNDS": -20_000}
    assert await owned_numbers(database_admin, order.id) == [1, 2]
    clock.advance(30 * DAY)
    assert await sweep_orders() == 0
    assert await history_of(database_admin, order.id) == [
        ("order.placed", "buyer", "AWAITING_DEPOSIT", ""),
        ("payment.started", "buyer", "", ""),
        ("payment.captured", "gateway:sandbox", "", ""),
        ("order.confirmed", "gateway:sandbox", "DEPOSIT_PAID", ""),
        ("order.balance_opened", "system", "AWAITING_BALANCE", "the balance window opened"),
        ("order.balance_reminded", "system", "", ""),
        ("payment.started", "buyer", "", ""),
        ("payment.captured", "gateway:sandbox", "", ""),
        ("order.paid", "gateway:sandbox", "PAID", ""),
    ]
    times = await database_admin.fetch(
        "SELECT created_at FROM event WHERE topic = $1 ORDER BY id", f"order:{order.id}"
    )
    placed_at = order.placed_at
    assert [row["created_at"] - placed_at for row in times] == [
        0 * DAY, 0 * DAY, 0 * DAY, 0 * DAY, 8 * DAY, 14 * DAY, 14 * DAY, 14 * DAY, 14 * DAY,
    ]  # fmt: skip


async def test_a_full_payment_order_is_paid_at_once(
    sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)
    order = await place(sale, quantity=3)

    payment = await pay(sandbox, order, PaymentLeg.FULL)

    assert (payment.status, payment.amount_minor) == (PaymentStatus.CAPTURED, 3 * 10_000)
    assert payment.captured_at == clock.now()
    assert (await read(order.id)).status is OrderStatus.PAID
    assert await books_of(order.id) == {"GATEWAY": 30_000, "CUSTOMER_FUNDS": -30_000}
    clock.advance(30 * DAY)
    assert await sweep_orders() == 0
    assert await history_of(database_admin, order.id) == [
        ("order.placed", "buyer", "AWAITING_PAYMENT", ""),
        ("payment.started", "buyer", "", ""),
        ("payment.captured", "gateway:sandbox", "", ""),
        ("order.confirmed", "gateway:sandbox", "PAID", ""),
        ("order.paid", "gateway:sandbox", "PAID", ""),
    ]


async def test_the_balance_can_be_paid_the_moment_it_opens_though_no_sweep_has_come(
    sandbox: SandboxRun, clock: ManualClock
) -> None:
    sale = await open_deposit_sale(capacity=10)
    order = await place(sale)
    await pay(sandbox, order, PaymentLeg.DEPOSIT)
    clock.advance(8 * DAY)

    payment = await start(order, PaymentLeg.BALANCE)

    assert (payment.leg, payment.amount_minor) == (PaymentLeg.BALANCE, 8_000)
    assert (await read(order.id)).status is OrderStatus.AWAITING_BALANCE
