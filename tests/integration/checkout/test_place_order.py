"""Placing an order: prices and terms frozen, slots taken, once per key."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus
from tests.support.shop import deposit_plan, open_sale, order_for
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_an_order_takes_the_lowest_numbers_and_freezes_its_price(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=50, payment_plan=deposit_plan(clock.now() + timedelta(days=7)))

    order = await place_order(order_for(sale, quantity=3))

    assert order.status is OrderStatus.AWAITING_DEPOSIT
    assert order.lines[0].numbers == (1, 2, 3)
    assert order.total.amount_minor == 3 * 10_000
    assert order.deposit.amount_minor == 6_000
    assert order.balance.amount_minor == 24_000
    assert order.hold_expires_at == clock.now() + timedelta(minutes=15)
    owned = await database_admin.fetch("SELECT number FROM slot WHERE order_id = $1", order.id)
    assert sorted(row["number"] for row in owned) == [1, 2, 3]
    free = await database_admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NULL")
    assert free == 50 - 3


async def test_an_order_costs_six_statements_in_one_transaction() -> None:
    sale = await open_sale(capacity=50)
    async with counted_statements() as sent:
        # The first order fills the campaign cache, tells Redis of the pool and opens connections.
        await place_order(order_for(sale, email="first@example.com"))
        del sent[:]

        await place_order(order_for(sale, quantity=2))

        firsts = [statement.split()[0].rstrip(";") for statement in sent]
    assert firsts == ["BEGIN", "WITH", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert len(sent) == 6
