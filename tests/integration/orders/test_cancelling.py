"""Orders called off, by their buyer or with their whole campaign: the money is exact, and once."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import cancel_campaign
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import (
    CancelNotAllowed,
    OrderNotFound,
    OrderStatus,
    OrderView,
    cancel_order,
    service,
    sweep_orders,
)
from headless_presale.orders.jobs import cancel_campaign as cancel_campaign_job
from headless_presale.payments import Payment, PaymentLeg, PaymentStatus, Refund
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
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("clock")

DAY = timedelta(days=1)
# 33.33 each and a deposit of 20 %: 6.67 (rounded up) and 26.66.
ODD = {"price": "33.33"}


async def cancel(order: OrderView) -> None:
    """Cancel as the buyer."""
    with acting_as("buyer"):
        await cancel_order(order.id, reason="changed my mind")


async def refunds_of(order: OrderView) -> dict[str, int]:
    """Return what goes back of an order, by leg."""
    refunds = await Refund.filter(payment__order_id=order.id).prefetch_related("payment")
    return {str(refund.payment.leg): refund.amount_minor for refund in refunds}


async def settle_refunds(connection: asyncpg.Connection) -> None:
    """Have every refund paid by the gateway, and told."""
    await work_off(connection, "payments")

    async def are_settled() -> bool:
        return await Refund.filter(settled_at=None).count() == 0

    await until(are_settled)


class ProcessDied(BaseException):
    """Nothing after this line runs."""


class TestByTheBuyer:
    async def test_before_any_payment_it_costs_nothing(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        order = await place(await open_deposit_sale(capacity=10), quantity=2)
        payment = await start(order, PaymentLeg.DEPOSIT)

        await cancel(order)

        assert (await read(order.id)).status is OrderStatus.CANCELLED
        assert (await Payment.get(id=payment.id)).status is PaymentStatus.CANCELLED
        assert await refunds_of(order) == {}
        assert await books_of(order.id) == {}
        assert await owned_numbers(database_admin, order.id) == []
        assert await quota_taken(database_admin, order) == 0
        assert (await history_of(database_admin, order.id))[-1] == (
            "order.cancelled",
            "buyer",
            "CANCELLED",
            "changed my mind",
        )

    @pytest.mark.parametrize(
        ("bps", "back"),
        # 33.33: a deposit of 6.67, of which half rounds down to 3.33.
        [(10_000, 667), (5_000, 333), (1, 0), (0, 0)],
    )
    async def test_after_the_deposit_its_share_goes_back(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection, bps: int, back: int
    ) -> None:
        policy = {"deposit_paid": {"allowed": True, "refund_deposit_bps": bps}}
        order = await place(await open_deposit_sale(capacity=5, item=ODD, cancel_policy=policy))
        assert (order.deposit.amount_minor, order.balance.amount_minor) == (667, 2_666)
        await pay(sandbox, order, PaymentLeg.DEPOSIT)

        await cancel(order)

        assert (await read(order.id)).status is OrderStatus.CANCELLED
        assert await refunds_of(order) == ({"DEPOSIT": back} if back else {})
        await settle_refunds(database_admin)
        kept = 667 - back
        assert await books_of(order.id) == (
            {"GATEWAY": kept, "FORFEITED_DEPOSITS": -kept} if kept else {}
        )
        assert await owned_numbers(database_admin, order.id) == []
        event = await database_admin.fetchval(
            "SELECT payload->>'refunded_minor' FROM event WHERE type = 'order.cancelled'"
        )
        assert int(event) == back

    async def test_after_both_payments_each_leg_has_its_own_share(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        policy = {
            "paid": {"allowed": True, "refund_deposit_bps": 2_500, "refund_balance_bps": 9_000}
        }
        order = await place(await open_deposit_sale(capacity=5, item=ODD, cancel_policy=policy))
        await pay(sandbox, order, PaymentLeg.DEPOSIT)
        clock.advance(8 * DAY)
        await sweep_orders()
        await pay(sandbox, order, PaymentLeg.BALANCE)

        await cancel(order)

        # 667 x 25 % = 166.75 and 2666 x 90 % = 2399.4, each rounded down
        assert await refunds_of(order) == {"DEPOSIT": 166, "BALANCE": 2_399}
        await settle_refunds(database_admin)
        kept = 3_333 - 166 - 2_399
        assert await books_of(order.id) == {"GATEWAY": kept, "FORFEITED_DEPOSITS": -kept}
        assert sorted(r["amount"] for r in await sandbox.refunds()) == [166, 2_399]

    async def test_while_the_balance_is_awaited_the_default_keeps_the_deposit(
        self, sandbox: SandboxRun, clock: ManualClock
    ) -> None:
        order = await place(await open_deposit_sale(capacity=5))
        await pay(sandbox, order, PaymentLeg.DEPOSIT)
        clock.advance(8 * DAY)
        await sweep_orders()
        balance = await start(order, PaymentLeg.BALANCE)

        await cancel(order)

        assert await refunds_of(order) == {}
        assert await books_of(order.id) == {"GATEWAY": 2_000, "FORFEITED_DEPOSITS": -2_000}
        assert (await Payment.get(id=balance.id)).status is PaymentStatus.CANCELLED

    async def test_a_full_payment_follows_the_share_of_the_balance(
        self, sandbox: SandboxRun
    ) -> None:
        order = await place(await open_sale(capacity=5))
        await pay(sandbox, order, PaymentLeg.FULL)

        await cancel(order)

        assert await refunds_of(order) == {"FULL": 10_000}
        assert await books_of(order.id) == {"GATEWAY": 10_000, "REFUNDS_PAYABLE": -10_000}

    async def test_where_the_policy_says_no_nothing_changes(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        policy = {"paid": {"allowed": False}}
        order = await place(await open_sale(capacity=5, cancel_policy=policy))
        await pay(sandbox, order, PaymentLeg.FULL)
        before = await history_of(database_admin, order.id)

        with pytest.raises(CancelNotAllowed):
            await cancel(order)

        assert (await read(order.id)).status is OrderStatus.PAID
        assert await owned_numbers(database_admin, order.id) == [1]
        assert await refunds_of(order) == {}
        assert await history_of(database_admin, order.id) == before

    async def test_an_order_that_is_over_cannot_be_cancelled(
        self, sandbox: SandboxRun, clock: ManualClock
    ) -> None:
        order = await place(await open_sale(capacity=5))
        clock.move_to(order.hold_expires_at)
        await sweep_orders()

        with pytest.raises(CancelNotAllowed):
            await cancel(order)
        with pytest.raises(OrderNotFound):
            await cancel_order(order.customer_id, reason="")

        assert (await read(order.id)).status is OrderStatus.EXPIRED

    async def test_twenty_times_at_once_refunds_once(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        order = await place(await open_deposit_sale(capacity=5))
        await pay(sandbox, order, PaymentLeg.DEPOSIT)

        await asyncio.gather(*(cancel(order) for _ in range(20)))
        await settle_refunds(database_admin)

        assert await refunds_of(order) == {"DEPOSIT": 2_000}
        assert await books_of(order.id) == {}
        assert [refund["amount"] for refund in await sandbox.refunds()] == [2_000]
        types = [event[0] for event in await history_of(database_admin, order.id)]
        assert types.count("order.cancelled") == 1


class TestAgainstACapture:
    async def test_cancelled_first_the_money_goes_back(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        order = await place(await open_sale(capacity=5))
        payment = await start(order, PaymentLeg.FULL)
        await sandbox.set_webhooks(paused=True)
        await sandbox.pay(payment)
        await cancel(order)

        await sandbox.flush()

        assert (await read(order.id)).status is OrderStatus.CANCELLED
        assert await refunds_of(order) == {"FULL": 10_000}
        await sandbox.set_webhooks()
        await settle_refunds(database_admin)
        assert await books_of(order.id) == {}

    async def test_captured_first_the_policy_of_a_paid_order_holds(
        self, sandbox: SandboxRun
    ) -> None:
        order = await place(await open_sale(capacity=5, cancel_policy={"paid": {"allowed": False}}))
        payment = await start(order, PaymentLeg.FULL)
        await sandbox.pay(payment)
        await wait_for_status(order.id, OrderStatus.PAID)

        with pytest.raises(CancelNotAllowed):
            await cancel(order)

        assert await refunds_of(order) == {}

    async def test_at_once_an_order_is_either_paid_or_refunded(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        policy = {"paid": {"allowed": False}}
        sale = await open_sale(capacity=12, cancel_policy=policy)
        orders = [await place(sale, email=f"b{i}@example.com") for i in range(12)]
        payments = [await start(order, PaymentLeg.FULL) for order in orders]
        await sandbox.set_webhooks(paused=True)
        for payment in payments:
            await sandbox.pay(payment)

        await asyncio.gather(
            sandbox.set_webhooks(),
            *(cancel(order) for order in orders),
            return_exceptions=True,
        )

        async def all_captured() -> bool:
            return await Payment.filter(status=PaymentStatus.CAPTURED).count() == 12

        await until(all_captured)
        outcomes = set()
        for order in orders:
            status, back = (await read(order.id)).status, await refunds_of(order)
            outcomes.add((status, tuple(back.values())))
            owned = await owned_numbers(database_admin, order.id)
            assert bool(owned) == (status is OrderStatus.PAID)
        assert outcomes <= {(OrderStatus.PAID, ()), (OrderStatus.CANCELLED, (10_000,))}


class TestWithTheCampaign:
    async def test_every_order_is_refunded_in_full_once(
        self, sandbox: SandboxRun, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: whatever a buyer would get back, the merchant gives all of it
        policy = {"deposit_paid": {"allowed": False}, "awaiting_balance": {"allowed": False}}
        sale = await open_deposit_sale(capacity=10, cancel_policy=policy)
        awaiting, paid = [await place(sale, email=f"b{i}@example.com") for i in range(2)]
        for order in (awaiting, paid):
            await pay(sandbox, order, PaymentLeg.DEPOSIT)
        clock.advance(8 * DAY)
        await sweep_orders()
        await pay(sandbox, paid, PaymentLeg.BALANCE)

        await cancel_campaign(sale.campaign.id, reason="no factory")
        assert await work_off(database_admin, "orders") == ["orders:cancel_campaign"]
        # the job may run twice
        await cancel_campaign_job.func(str(sale.campaign.id), "no factory")
        await settle_refunds(database_admin)

        assert await refunds_of(awaiting) == {"DEPOSIT": 2_000}
        assert await refunds_of(paid) == {"DEPOSIT": 2_000, "BALANCE": 8_000}
        for order in (awaiting, paid):
            assert (await read(order.id)).status is OrderStatus.CANCELLED
            assert (await read(order.id)).closed_reason == "no factory"
            assert await books_of(order.id) == {}
            assert await owned_numbers(database_admin, order.id) == []
        assert sorted(r["amount"] for r in await sandbox.refunds()) == [2_000, 2_000, 8_000]

    async def test_killed_half_way_the_next_run_goes_on(
        self,
        sandbox: SandboxRun,
        database_admin: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(service, "CAMPAIGN_BATCH", 2)
        sale = await open_sale(capacity=5)
        orders = [await place(sale, email=f"b{i}@example.com") for i in range(5)]
        for order in orders:
            await pay(sandbox, order, PaymentLeg.FULL)
        await cancel_campaign(sale.campaign.id, reason="no factory")
        cancel_one, seen = service._cancel_by_merchant, 0

        async def die_at_the_fourth(*args: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == 4:
                raise ProcessDied
            await cancel_one(*args)

        with monkeypatch.context() as dying:
            dying.setattr(service, "_cancel_by_merchant", die_at_the_fourth)
            run = cancel_campaign_job.func(str(sale.campaign.id), "no factory")
            with pytest.raises(ProcessDied):
                await run
        assert await Refund.all().count() == 3

        await cancel_campaign_job.func(str(sale.campaign.id), "no factory")
        await settle_refunds(database_admin)

        for order in orders:
            assert await refunds_of(order) == {"FULL": 10_000}
            assert await books_of(order.id) == {}
        assert len(await sandbox.refunds()) == 5

    async def test_no_order_slips_in_behind_the_cancellation(
        self, sandbox: SandboxRun, database_admin: asyncpg.Connection
    ) -> None:
        # given: a cancellation that is written and not yet committed
        sale = await open_sale(capacity=5)
        written, commit = asyncio.Event(), asyncio.Event()

        @shielded
        async def cancel_slowly() -> None:
            async with unit_of_work():
                await cancel_campaign(sale.campaign.id, reason="no factory")
                written.set()
                await commit.wait()

        cancelling = asyncio.create_task(cancel_slowly())
        await written.wait()

        # when: an order is placed meanwhile
        placing = asyncio.create_task(place(sale))
        await asyncio.sleep(0.2)
        assert not placing.done()
        commit.set()
        await cancelling

        # then: it learns of the cancellation
        with pytest.raises(DomainError) as refused:
            await placing
        assert refused.value.code == "CAMPAIGN_NOT_OPEN"
        assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 0
