"""What time does to orders: holds run out, money comes late, balances are missed."""

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import MissedBalance, add_batch, cancel_campaign
from headless_presale.checkout import CartLine
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView, sweep_orders, sweeps
from headless_presale.payments import Payment, PaymentLeg, PaymentStatus, Refund
from headless_presale.slots import SlotsSoldOut
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
from tests.support.servers import until
from tests.support.shop import Sale, open_sale

pytestmark = pytest.mark.usefixtures("clock")

DAY = timedelta(days=1)
HOLD = timedelta(minutes=15)


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


async def free_slots_of(connection: asyncpg.Connection, sale: Sale) -> int:
    """Return how many slots of the sale's first pool nobody owns."""
    free: int = await connection.fetchval(
        "SELECT count(*) FROM slot WHERE pool_id = $1 AND order_id IS NULL", sale.pool_id
    )
    return free


class TestLateMoney:
    async def test_it_takes_the_same_numbers_again(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=10, limit=3)
        order = await place(sale, quantity=3)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.PAID
        assert await owned_numbers(database_admin, order.id) == [1, 2, 3]
        assert await quota_taken(database_admin, order) == 3
        assert await books_of(order.id) == {"GATEWAY": 30_000, "CUSTOMER_FUNDS": -30_000}
        assert await Refund.all().count() == 0
        is_late = await database_admin.fetchval(
            "SELECT payload->>'is_late' FROM event WHERE type = 'order.confirmed'"
        )
        assert is_late == "true"
        # Redis no longer offers what was taken behind its back.
        next_order = await place(sale, email="next@example.com")
        assert next_order.lines[0].numbers == (4,)

    async def test_it_takes_other_numbers_under_the_same_promise(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=10)
        order = await place(sale, quantity=2)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        taken = await place(sale, email="next@example.com", quantity=1)
        assert taken.lines[0].numbers == (1,)

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.PAID
        assert await owned_numbers(database_admin, order.id) == [2, 3]
        assert (await read(order.id)).lines[0].numbers == (2, 3)
        assert (await read(order.id)).ships_by == order.ships_by

    async def test_sold_out_meanwhile_it_goes_back(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=2)
        order = await place(sale, quantity=2)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        await place(sale, email="next@example.com")

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.EXPIRED
        await assert_refunded_in_full(sandbox, database_admin, order, 20_000)
        assert await free_slots_of(database_admin, sale) == 1
        assert await quota_taken(database_admin, order) == 0

    async def test_only_a_later_batch_left_it_goes_back(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=1)
        order = await place(sale)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        await place(sale, email="next@example.com")
        await add_batch(sale.item_id, capacity=5, ships_by=date(2026, 9, 30))

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.EXPIRED
        await assert_refunded_in_full(sandbox, database_admin, order, 10_000)
        assert await free_slots_of(database_admin, sale) == 5

    async def test_beyond_the_buyers_limit_it_goes_back(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=10, limit=2)
        order = await place(sale, quantity=2)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        second = await place(sale, quantity=1)

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.EXPIRED
        await assert_refunded_in_full(sandbox, database_admin, order, 20_000)
        assert await quota_taken(database_admin, second) == 1

    async def test_of_a_cancelled_campaign_it_goes_back(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=10)
        order = await place(sale)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        await cancel_campaign(sale.campaign.id, reason="no factory")

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.EXPIRED
        await assert_refunded_in_full(sandbox, database_admin, order, 10_000)

    async def test_all_or_nothing_over_several_items(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: one of each of two items; the second sells out meanwhile
        sale = await open_sale(skus=("FOX-1", "OWL-1"), capacity=1)
        both = [CartLine(item.id, 1) for item in sale.campaign.items]
        order = await place(sale, lines=both)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        await place(sale, email="next@example.com", lines=both[1:])

        await pay_late(sandbox, payment)

        assert (await read(order.id)).status is OrderStatus.EXPIRED
        await assert_refunded_in_full(sandbox, database_admin, order, 20_000)
        assert await free_slots_of(database_admin, sale) == 1
        assert await quota_taken(database_admin, order) == 0

    async def test_while_other_orders_hold_the_last_slots_it_is_told_again(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: the only slot is locked by a transaction that then lets it go
        sale = await open_sale(capacity=1)
        order = await place(sale)
        payment = await start(order, PaymentLeg.FULL)
        await expire(order, clock)
        await sandbox.set_webhooks(paused=True)
        await sandbox.pay(payment)
        async with database_admin.transaction():
            await database_admin.fetch("SELECT 1 FROM slot FOR UPDATE")
            (refused,) = await sandbox.flush()
        assert refused["http_status"] == 503

        await sandbox.set_webhooks()
        await wait_for_status(order.id, OrderStatus.PAID)

        assert await owned_numbers(database_admin, order.id) == [1]
        assert await Refund.all().count() == 0


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

    async def test_missed_it_forfeits_the_deposit_by_default(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        sale, order = await self._await_balance(sandbox, clock)
        assert order.balance_due_at
        clock.move_to(order.balance_due_at - timedelta(microseconds=1))
        assert await sweep_orders() == 1  # the reminder
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
        clock.advance(7 * DAY)
        assert await sweep_orders() == 2  # reminded and missed

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
