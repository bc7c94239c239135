"""A worker that was down reminds late: the buyer has the notice all the same.

Noon on 1 March: the balance is open from the 9th to the 16th, the reminder on the 15th.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from headless_presale.campaigns import MissedBalance
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView, sweep_orders, sweeps
from headless_presale.payments import Payment, PaymentLeg, PaymentNotDue
from tests.support.gateway import SandboxRun
from tests.support.money import books_of, open_deposit_sale, owned_numbers, pay, place, read, start

pytestmark = pytest.mark.usefixtures("clock")

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OPENS = datetime(2026, 3, 9, 12, tzinfo=UTC)
REMINDER = datetime(2026, 3, 15, 12, tzinfo=UTC)
DUE = datetime(2026, 3, 16, 12, tzinfo=UTC)
NOTICE = 12 * HOUR
"""Half of the day that the plan leaves between the reminder and the end."""


async def _pay_deposit(sandbox: SandboxRun, **plan: Any) -> OrderView:
    order = await place(await open_deposit_sale(capacity=10, plan=plan))
    await pay(sandbox, order, PaymentLeg.DEPOSIT)
    assert (order.balance_opens_at, order.balance_due_at) == (OPENS, DUE)
    return order


async def _sweep_at(clock: ManualClock, at: datetime, order: OrderView) -> OrderView:
    clock.move_to(at)
    await sweep_orders()
    return await read(order.id)


@pytest.mark.parametrize(
    ("missed", "status", "books"),
    [
        (
            MissedBalance.FORFEIT,
            OrderStatus.FORFEITED,
            {"GATEWAY": 2_000, "FORFEITED_DEPOSITS": -2_000},
        ),
        (
            MissedBalance.REFUND,
            OrderStatus.CANCELLED,
            {"GATEWAY": 2_000, "REFUNDS_PAYABLE": -2_000},
        ),
    ],
)
async def test_a_worker_down_over_the_whole_window_costs_nobody_a_deposit(
    sandbox: SandboxRun,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    missed: MissedBalance,
    status: OrderStatus,
    books: dict[str, int],
) -> None:
    # given: no sweep until a day after the end
    order = await _pay_deposit(sandbox, missed_balance=missed)
    found_at = DUE + DAY

    # when: the worker is back
    clock.move_to(found_at)
    assert await sweep_orders() == 2  # opened and reminded

    # then: the buyer has the notice, counted from now
    reminded = await read(order.id)
    assert reminded.status is OrderStatus.AWAITING_BALANCE
    assert reminded.reminded_at == found_at
    assert reminded.balance_due_at == datetime(2026, 3, 18, 0, tzinfo=UTC)
    told = await database_admin.fetchval(
        "SELECT payload->>'due_at' FROM event WHERE type = 'order.balance_reminded'"
    )
    assert datetime.fromisoformat(told) == datetime(2026, 3, 18, 0, tzinfo=UTC)
    assert await books_of(order.id) == {"GATEWAY": 2_000, "CUSTOMER_FUNDS": -2_000}
    assert await owned_numbers(database_admin, order.id) == [1]

    # and: nothing more happens until that moment, and then what the plan says
    clock.move_to(found_at + NOTICE - MOMENT)
    assert await sweep_orders() == 0
    assert (await read(order.id)).status is OrderStatus.AWAITING_BALANCE
    clock.move_to(found_at + NOTICE)
    assert await sweep_orders() == 1
    assert (await read(order.id)).status is status
    assert await books_of(order.id) == books
    assert await owned_numbers(database_admin, order.id) == []


@pytest.mark.parametrize("is_opened", [True, False])
async def test_before_the_late_reminder_the_balance_can_be_paid(
    sandbox: SandboxRun, clock: ManualClock, is_opened: bool
) -> None:
    order = await _pay_deposit(sandbox)
    if is_opened:
        await _sweep_at(clock, OPENS, order)
    clock.move_to(DUE + DAY)

    await pay(sandbox, order, PaymentLeg.BALANCE)

    assert await sweep_orders() == 0
    assert (await read(order.id)).status is OrderStatus.PAID
    assert await books_of(order.id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}


async def test_after_the_late_reminder_it_can_be_paid_until_the_moved_end(
    sandbox: SandboxRun, clock: ManualClock
) -> None:
    order = await _pay_deposit(sandbox)
    await _sweep_at(clock, DUE + DAY, order)
    clock.move_to(DUE + DAY + NOTICE - MOMENT)

    await pay(sandbox, order, PaymentLeg.BALANCE)

    clock.advance(DAY)
    assert await sweep_orders() == 0
    assert (await read(order.id)).status is OrderStatus.PAID


async def test_at_the_moved_end_it_cannot_be_paid_any_more(
    sandbox: SandboxRun, clock: ManualClock
) -> None:
    order = await _pay_deposit(sandbox)
    await _sweep_at(clock, DUE + DAY, order)
    clock.move_to(DUE + DAY + NOTICE)

    with pytest.raises(PaymentNotDue):
        await start(order, PaymentLeg.BALANCE)

    assert await Payment.filter(leg=PaymentLeg.BALANCE).count() == 0


@pytest.mark.parametrize(
    ("late_by", "due_at"),
    [
        (timedelta(0), DUE),
        (timedelta(seconds=5), DUE),
        (12 * HOUR, DUE),
        (12 * HOUR + MOMENT, DUE + MOMENT),
        (13 * HOUR, DUE + HOUR),
    ],
)
async def test_the_end_moves_only_where_less_than_the_notice_is_left(
    sandbox: SandboxRun, clock: ManualClock, late_by: timedelta, due_at: datetime
) -> None:
    order = await _pay_deposit(sandbox)
    await _sweep_at(clock, OPENS, order)

    reminded = await _sweep_at(clock, REMINDER + late_by, order)

    assert reminded.reminded_at == REMINDER + late_by
    assert reminded.balance_due_at == due_at
    missed = await _sweep_at(clock, due_at - MOMENT, order)
    assert missed.status is OrderStatus.AWAITING_BALANCE
    missed = await _sweep_at(clock, due_at, order)
    assert missed.status is OrderStatus.FORFEITED


async def test_a_plan_without_a_reminder_ends_when_it_says(
    sandbox: SandboxRun, clock: ManualClock
) -> None:
    order = await _pay_deposit(sandbox, reminder=timedelta(0))
    assert order.balance_remind_at == DUE

    missed = await _sweep_at(clock, DUE + DAY, order)

    assert (missed.status, missed.balance_due_at) == (OrderStatus.FORFEITED, DUE)


async def test_an_order_found_due_before_it_was_reminded_is_not_missed(
    sandbox: SandboxRun, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a sweep finds the order due, and is overtaken by another one that reminds
    order = await _pay_deposit(sandbox)
    await _sweep_at(clock, OPENS, order)
    clock.move_to(DUE)
    remind, miss_balance = sweeps._remind, sweeps._miss_balance
    missed: list[bool] = []

    async def leave_it_to_the_other(order_id: UUID) -> bool:
        return False

    async def be_overtaken(order_id: UUID) -> bool:
        missed.append(await miss_balance(order_id))
        assert await remind(order_id)
        missed.append(await miss_balance(order_id))
        return any(missed)

    monkeypatch.setattr(sweeps, "_remind", leave_it_to_the_other)
    monkeypatch.setattr(sweeps, "_miss_balance", be_overtaken)

    # when
    assert await sweep_orders() == 0

    # then
    assert missed == [False, False]
    found = await read(order.id)
    assert found.status is OrderStatus.AWAITING_BALANCE
    assert found.balance_due_at == DUE + NOTICE
    assert await books_of(order.id) == {"GATEWAY": 2_000, "CUSTOMER_FUNDS": -2_000}
