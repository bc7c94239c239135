"""5,000 buyers, 1,000 slots, two processes, one killed half way: nothing is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.failpoints import VARIABLE
from headless_presale.slots import count_available
from tests.support.drop import Drop, open_drop
from tests.support.invariants import broken_invariants, reconcile_later
from tests.support.processes import ApiProcess

BUYERS = 5_000
CAPACITY = 1_000
CONNECTIONS = 64


@asynccontextmanager
async def _two_servers(
    database_url: str, redis_url: str, folder: Path, victims: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[ApiProcess, ApiProcess]]:
    """Run two API processes on one database and one Redis; the second has further settings."""
    survivor = ApiProcess(database_url, redis_url, folder)
    victim = ApiProcess(database_url, redis_url, folder, victims)
    with survivor, victim:
        await asyncio.gather(survivor.until_ready(), victim.until_ready())
        yield survivor, victim


@pytest.mark.timeout(300)
async def test_the_cap_is_sold_once_though_a_process_is_killed(
    database: str,
    redis: Redis,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    sale = await open_drop(capacity=CAPACITY)
    async with _two_servers(database, redis_url, tmp_path) as (survivor, victim):
        drop = Drop(sale, [survivor.url, victim.url])

        # when: one process dies while the sale is in full swing
        rush = asyncio.create_task(drop.run(range(BUYERS), connections=CONNECTIONS))
        await drop.until_sold(CAPACITY // 2)
        victim.kill()
        await rush
        print(f"\nwith a process killed after {CAPACITY // 2} orders: {drop.summary()}")

        # then: everybody has an answer, and each is an order or "sold out"
        assert len(drop.orders) + drop.refusals.total() == BUYERS
        assert set(drop.refusals) == {"SlotsSoldOutError"}
        assert drop.comebacks["connection broke"] >= 1
        assert set(drop.comebacks) <= {"connection broke", "UNAVAILABLE", "OVERLOADED"}

        # and: what the dead process had reserved is sold to those who come later
        sold_in_the_rush = len(drop.orders)
        assert sold_in_the_rush > CAPACITY - CONNECTIONS
        await reconcile_later(sale.pool_id)
        late = Drop(sale, [survivor.url])
        await late.run(range(BUYERS, BUYERS + CONNECTIONS), connections=8)
        assert len(late.orders) == CAPACITY - sold_in_the_rush
        assert set(late.refusals) == {"SlotsSoldOutError"}

        # and: each number once, each acknowledged order whole, and no order that nobody was told of
        assert sorted(drop.numbers + late.numbers) == list(range(1, CAPACITY + 1))
        owned = await database_admin.fetch(
            "SELECT order_id, array_agg(number ORDER BY number) AS numbers FROM slot "
            "WHERE order_id IS NOT NULL GROUP BY order_id"
        )
        assert {row["order_id"]: row["numbers"] for row in owned} == drop.told() | late.told()
        assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == CAPACITY
        await reconcile_later(sale.pool_id)
        assert await broken_invariants(database_admin, redis) == {}


@pytest.mark.timeout(300)
async def test_what_a_killed_process_had_reserved_for_nobody_is_sold(
    database: str,
    redis: Redis,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    # given: a process that dies with a number in its hands, and buyers who do not come back
    sale = await open_drop(capacity=100)
    armed = {VARIABLE: "slots.reserved:30"}
    async with _two_servers(database, redis_url, tmp_path, armed) as (survivor, victim):
        drop = Drop(sale, [survivor.url, victim.url], is_patient=False)
        await drop.run(range(300), connections=16)
        assert await asyncio.to_thread(victim.wait_dead, 5) == -9

        # then: everybody else has an answer, and what is withheld is not sold to anybody
        assert len(drop.orders) + drop.refusals.total() + drop.gone == 300
        assert drop.gone >= 1
        sold = await database_admin.fetchval("SELECT count(*) FROM sales_order")
        assert len(drop.orders) <= sold < 100
        assert await count_available([sale.pool_id]) == {sale.pool_id: 0}
        assert await broken_invariants(database_admin) == {}

        # and: a reservation's lifetime later it is on offer again, and sold
        await reconcile_later(sale.pool_id)
        assert await count_available([sale.pool_id]) == {sale.pool_id: 100 - sold}
        late = Drop(sale, [survivor.url])
        await late.run(range(300, 400), connections=8)
        assert len(late.orders) == 100 - sold
        assert late.refusals == {"SlotsSoldOutError": sold}
    owned = await database_admin.fetch("SELECT number FROM slot WHERE order_id IS NOT NULL")
    assert sorted(row["number"] for row in owned) == list(range(1, 101))
    assert drop.told().keys().isdisjoint(late.told())
    await reconcile_later(sale.pool_id)
    assert await broken_invariants(database_admin, redis) == {}
