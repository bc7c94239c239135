"""Money for a hold that ran out: it takes its slots again, or goes back whole."""

from datetime import date

import asyncpg
import pytest

from headless_presale.campaigns import add_batch, cancel_campaign
from headless_presale.checkout import CartLine
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus
from headless_presale.payments import PaymentLeg, Refund
from tests.integration.orders.late import (
    assert_refunded_in_full,
    expire,
    free_slots_of,
    pay_late,
)
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    owned_numbers,
    place,
    quota_taken,
    read,
    start,
    wait_for_status,
)
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("clock")


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
