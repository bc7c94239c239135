"""64 buyers at once on 50 slots: exactly 50 orders, and the control that shows why."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import place_order
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders import OrderView
from headless_presale.slots import PoolOrder
from headless_presale.slots.admission import keys_of
from tests.support.shop import Sale, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

ATTEMPTS = 300
BUYERS = 64
CAP = 50


async def _rush(sale: Sale) -> list[OrderView | BaseException]:
    """Send 300 attempts of different customers, 64 at a time."""
    turnstile = asyncio.Semaphore(BUYERS)

    async def buy(number: int) -> OrderView:
        async with turnstile:
            return await place_order(order_for(sale, email=f"buyer{number}@example.com"))

    return await asyncio.gather(*map(buy, range(ATTEMPTS)), return_exceptions=True)


async def test_exactly_the_cap_is_sold(redis: Redis, database_admin: asyncpg.Connection) -> None:
    sale = await open_sale(capacity=CAP)

    results = await _rush(sale)

    orders = [result for result in results if isinstance(result, OrderView)]
    numbers = [number for order in orders for number in order.lines[0].numbers]
    assert sorted(numbers) == list(range(1, CAP + 1))
    refusals = Counter(
        result.code if isinstance(result, DomainError) else repr(result)
        for result in results
        if not isinstance(result, OrderView)
    )
    assert refusals == {"SLOTS_SOLD_OUT": ATTEMPTS - CAP}
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == CAP
    owners = await database_admin.fetch("SELECT number, order_id FROM slot ORDER BY number")
    assert {row["number"]: row["order_id"] for row in owners} == {
        order.lines[0].numbers[0]: order.id for order in orders
    }


async def test_a_redis_that_forgets_what_it_gave_out_does_not_oversell(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=CAP)
    await _rush(sale)
    # Redis comes back from a snapshot of before the sale.
    keys = keys_of(sale.pool_id)
    await redis.hset(keys["meta"], "next", "1")
    await redis.delete(keys["owners"], keys["pending"], keys["expiry"])

    results = await _rush(sale)

    sold = [result for result in results if isinstance(result, OrderView)]
    # The first 50 keys of this second rush are new, so nobody may get anything.
    assert sold == []
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == CAP


async def test_control_without_the_database_guard_it_oversells(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=CAP)
    await _rush(sale)
    keys = keys_of(sale.pool_id)
    await redis.hset(keys["meta"], "next", "1")
    await redis.delete(keys["owners"], keys["pending"], keys["expiry"])

    async def claim_without_looking(
        work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]
    ) -> None:
        for order_id, order in orders:
            await work.execute(
                "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = ANY($3::int[])",
                order_id,
                order.pool_id,
                list(order.numbers),
            )

    monkeypatch.setattr("headless_presale.checkout.together.claim_all", claim_without_looking)

    results = await _rush(sale)

    sold = [result for result in results if isinstance(result, OrderView)]
    assert len(sold) == CAP
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == CAP + CAP


async def test_without_redis_the_cap_holds_too(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=CAP)
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.25)

    results = await _rush(sale)

    orders = [result for result in results if isinstance(result, OrderView)]
    numbers = sorted(number for order in orders for number in order.lines[0].numbers)
    assert numbers == list(range(1, CAP + 1))
    refusals = {type(result).__name__ for result in results if not isinstance(result, OrderView)}
    assert refusals == {"SlotsSoldOut"}
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == CAP
