"""What time does to orders: holds run out, balances open, are reminded of, and are missed."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import MissedBalance
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView, sweep_orders, sweeps
from headless_presale.payments import Payment, PaymentLeg, PaymentStatus, Refund
from headless_presale.slots import SlotsSoldOut
from tests.integration.orders.late import (
    expire,
    free_slots_of,
    pay_late,
    until_refunded,
)
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    open_deposit_sale,
    owned_numbers,
    pay,
    place,
    quota_taken,
    read,
    start,
    wait_for_status,
    work_off,
)
from tests.support.shop import Sale, open_sale

pytestmark = pytest.mark.usefixtures("clock")

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
HOLD = timedelta(minutes=15)


class TestHolds:
    async def test_an_unpaid_hold_gives_numbers_and_quota_back(
        self,
        sandbox: SandboxRun,
        clock: ManualClock,
        redis: Redis,
        database_admin: asyncpg.Connection,
    ) -> None:
        # given: two of a limit of two, and a payment page that is open
        sale = await open_sale(capacity=2, limit=2)
        order = await place(sale, quantity=2)
        payment = await start(order, PaymentLeg.FULL)
        assert await quota_taken(database_admin, order) == 2
        clock.move_to(order.hold_expires_at - timedelta(microseconds=1))
        assert await sweep_orders() == 0
        with pytest.raises(SlotsSoldOut):
            await place(sale, email="next@example.com")

        # when
        await expire(order, clock)

        # then
        assert await owned_numbers(database_admin, order.id) == []
        assert await quota_taken(database_admin, order) == 0
        assert (await Payment.get(id=payment.id)).status is PaymentStatus.CANCELLED
        assert (await history_of(database_admin, order.id))[-1] == (
            "order.expired",
            "system",
            "EXPIRED",
            "the hold ran out",
        )
        assert (await read(order.id)).closed_reason == "the hold ran out"
        assert await work_off(database_admin, "payments") == ["payments:cancel_intent"]
        assert [intent["status"] for intent in await sandbox.intents()] == ["cancelled"]
        again = await place(sale, quantity=2)
        assert again.lines[0].numbers == (1, 2)

    async def test_sweeps_at_once_move_each_order_once(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=30)
        orders = [await place(sale, email=f"b{i}@example.com") for i in range(30)]
        clock.advance(HOLD)

        moved = await asyncio.gather(*(sweep_orders() for _ in range(4)))

        assert sum(moved) == 30
        assert await database_admin.fetchval(
            "SELECT count(*) FROM event WHERE type = 'order.expired'"
        ) == len(orders)
        assert await free_slots_of(database_admin, sale) == 30

    async def test_more_than_a_batch_is_swept_at_once(
        self,
        sandbox: SandboxRun,
        clock: ManualClock,
        database_admin: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sweeps, "BATCH", 4)
        sale = await open_sale(capacity=11)
        for i in range(11):
            await place(sale, email=f"b{i}@example.com")
        clock.advance(HOLD)

        assert await sweep_orders() == 11

        assert await free_slots_of(database_admin, sale) == 11

    async def test_an_order_that_cannot_be_moved_does_not_hold_up_the_others(
        self,
        sandbox: SandboxRun,
        clock: ManualClock,
        database_admin: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sale = await open_sale(capacity=3)
        first, *others = [await place(sale, email=f"b{i}@example.com") for i in range(3)]
        clock.advance(HOLD)
        expire_one = sweeps._expire

        async def fail_for_the_first(order_id: Any) -> bool:
            if order_id == first.id:
                raise LookupError("a row of another time")
            return await expire_one(order_id)

        monkeypatch.setattr(sweeps, "_expire", fail_for_the_first)

        assert await sweep_orders() == 2

        assert (await read(first.id)).status is OrderStatus.AWAITING_PAYMENT
        assert {(await read(order.id)).status for order in others} == {OrderStatus.EXPIRED}


class TestBalances:
    async def _await_balance(
        self, sandbox: SandboxRun, clock: ManualClock, **plan: Any
    ) -> tuple[Sale, OrderView]:
        sale = await open_deposit_sale(capacity=10, plan=plan)
        order = await place(sale, quantity=2)
        await pay(sandbox, order, PaymentLeg.DEPOSIT)
        clock.advance(8 * DAY)
        assert await sweep_orders() == 1
        return sale, await read(order.id)

    async def _remind(self, clock: ManualClock, order: OrderView) -> None:
        assert order.balance_remind_at
        clock.move_to(order.balance_remind_at)
        await sweep_orders()
        assert (await read(order.id)).reminded_at == order.balance_remind_at

    async def test_missed_it_forfeits_the_deposit_by_default(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale, order = await self._await_balance(sandbox, clock)
        assert order.balance_due_at
        await self._remind(clock, order)
        clock.move_to(order.balance_due_at - MOMENT)
        assert await sweep_orders() == 0
        assert (await read(order.id)).status is OrderStatus.AWAITING_BALANCE

        clock.move_to(order.balance_due_at)
        assert await sweep_orders() == 1

        assert (await read(order.id)).status is OrderStatus.FORFEITED
        assert await books_of(order.id) == {"GATEWAY": 4_000, "FORFEITED_DEPOSITS": -4_000}
        assert await Refund.all().count() == 0
        assert await free_slots_of(database_admin, sale) == 10
        assert await quota_taken(database_admin, order) == 0
        assert (await history_of(database_admin, order.id))[-1] == (
            "order.forfeited",
            "system",
            "FORFEITED",
            "the balance was not paid in time",
        )
        assert await sweep_orders() == 0

    async def test_missed_it_refunds_the_deposit_where_the_plan_says_so(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale, order = await self._await_balance(sandbox, clock, missed_balance=MissedBalance.REFUND)
        await self._remind(clock, order)
        clock.advance(DAY)
        assert await sweep_orders() == 1

        assert (await read(order.id)).status is OrderStatus.CANCELLED
        refund = await Refund.get()
        assert refund.amount_minor == 4_000
        assert await books_of(order.id) == {"GATEWAY": 4_000, "REFUNDS_PAYABLE": -4_000}
        await work_off(database_admin, "payments")
        await until_refunded(refund)
        assert await books_of(order.id) == {}
        assert await free_slots_of(database_admin, sale) == 10

    async def test_a_payment_under_way_is_waited_for(
        self, sandbox: SandboxRun, clock: ManualClock
    ) -> None:
        _, order = await self._await_balance(sandbox, clock)
        assert order.balance_due_at
        await self._remind(clock, order)
        clock.move_to(order.balance_due_at - timedelta(seconds=1))
        payment = await start(order, PaymentLeg.BALANCE)
        clock.move_to(order.balance_due_at + timedelta(minutes=15) - timedelta(seconds=1))
        await sweep_orders()
        assert (await read(order.id)).status is OrderStatus.AWAITING_BALANCE

        await sandbox.pay(payment)

        await wait_for_status(order.id, OrderStatus.PAID)
        assert await books_of(order.id) == {"GATEWAY": 20_000, "CUSTOMER_FUNDS": -20_000}

    async def test_but_not_for_ever_and_then_it_goes_back(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        _, order = await self._await_balance(sandbox, clock)
        assert order.balance_due_at
        await self._remind(clock, order)
        clock.move_to(order.balance_due_at - timedelta(seconds=1))
        payment = await start(order, PaymentLeg.BALANCE)
        clock.move_to(order.balance_due_at + timedelta(minutes=15))
        await sweep_orders()
        assert (await read(order.id)).status is OrderStatus.FORFEITED

        await pay_late(sandbox, payment)

        refund = await Refund.get()
        assert (refund.amount_minor, refund.reason) == (16_000, "late_payment")
        assert (await read(order.id)).status is OrderStatus.FORFEITED
        assert await books_of(order.id) == {
            "GATEWAY": 20_000,
            "FORFEITED_DEPOSITS": -4_000,
            "REFUNDS_PAYABLE": -16_000,
        }
        types = [event[0] for event in await history_of(database_admin, order.id)]
        assert types[-2:] == ["refund.requested", "order.late_payment_refused"]

    async def test_one_in_grace_does_not_hold_up_those_behind_it(
        self, sandbox: SandboxRun, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeps, "BATCH", 1)
        sale = await open_deposit_sale(capacity=10)
        first, second = [await place(sale, email=f"b{i}@example.com") for i in range(2)]
        for order in (first, second):
            await pay(sandbox, order, PaymentLeg.DEPOSIT)
        clock.advance(8 * DAY)
        assert await sweep_orders() == 2
        await start(first, PaymentLeg.BALANCE)
        assert first.balance_due_at
        await self._remind(clock, first)
        clock.move_to(first.balance_due_at)

        await sweep_orders()

        assert (await read(first.id)).status is OrderStatus.AWAITING_BALANCE
        assert (await read(second.id)).status is OrderStatus.FORFEITED

    async def test_the_reminder_comes_once_with_sweeps_at_once(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        _, order = await self._await_balance(sandbox, clock)
        clock.advance(6 * DAY)

        moved = await asyncio.gather(*(sweep_orders() for _ in range(4)))

        assert sum(moved) == 1
        assert await sweep_orders() == 0
        types = [event[0] for event in await history_of(database_admin, order.id)]
        assert types.count("order.balance_reminded") == 1
