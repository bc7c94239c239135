"""What placing costs when there is much already: orders in the tables, slots in the pool."""

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.cases.place import MOST_PER_SECOND, Placing, placing
from bench.filling import AS_NEW_BELOW, fill
from bench.opening import open_elsewhere
from bench.report import Row, Target, compare
from bench.run import Run
from bench.sale import open_sale
from bench.servers import Server, api
from bench.turns import Turn, alternate
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.database import migrate

ALIKE = Target(at_least=0.9, at_most=1.1)
FEW_ORDERS, MANY_ORDERS, MANY_ORDERS_QUICK = 10, 1_000_000, 20_000
SMALL_POOL, LARGE_POOL = 1_000, 200_000
POOLS = 4
"""Bought from by turns: a small pool is sold out in less than a turn."""
POOL_SECONDS = 1

SOLD = """
INSERT INTO slot (pool_id, number, order_id)
SELECT '00000000-0000-0000-0000-0000000000aa', row_number() OVER (), id FROM sales_order;
INSERT INTO customer_quota (pool_id, customer_id, taken)
SELECT '00000000-0000-0000-0000-0000000000aa', customer_id, 1 FROM sales_order
ON CONFLICT DO NOTHING;
INSERT INTO event (topic, type, payload, actor, created_at)
SELECT 'order:' || id, 'order.placed', jsonb_build_object('order_id', id, 'campaign_id',
    campaign_id, 'target', status, 'total_minor', total_minor, 'currency', currency), 'buyer',
    placed_at FROM sales_order;
"""
"""What else a sale leaves in the tables that placing writes to; the pool is nobody's."""


async def run(run: Run) -> list[Row]:
    """Measure both, and what a second process adds."""
    return [await _orders(run), await _pools(run), await _processes(run)]


async def _orders(run: Run) -> Row:
    many = MANY_ORDERS_QUICK if run.is_quick else MANY_ORDERS
    most = MOST_PER_SECOND * run.seconds * (run.rounds + 1)
    async with AsyncExitStack() as stack:
        takes: dict[str, Callable[[], Awaitable[Turn]]] = {}
        for place, orders in enumerate((FEW_ORDERS, many), start=1):
            environment = await _filled(run, place, orders)
            bodies = await open_elsewhere({"growth": most}, {**os.environ, **environment})
            server = await stack.enter_async_context(api(run.folder, environment=environment))
            takes[str(orders)] = Placing(server, [placing(bodies["growth"])], run.seconds).take_turn
        turns = await alternate(takes, rounds=run.rounds)
    return compare(
        f"orderPlace with {many:,} orders, to {FEW_ORDERS}",
        turns[str(many)],
        turns[str(FEW_ORDERS)],
        target=ALIKE,
    )


async def _filled(run: Run, place: int, orders: int) -> dict[str, str]:
    """Make a database with so many orders; return what names it, and a Redis database beside it."""
    name = f"bench_growth_{orders}"
    connection = await asyncpg.connect(run.database_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    parts = urlsplit(run.database_url)
    url = urlunsplit(parts._replace(path=f"/{name}"))
    await migrate(url)
    await fill(url, orders=orders, tell=run.tell, with_others=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SET session_replication_role = replica; SET statement_timeout = 0; "
            "SET synchronous_commit = off"
        )
        for statement in SOLD.strip().removesuffix(";").split(";\n"):
            await connection.execute(statement)
        if orders >= AS_NEW_BELOW:
            for table in ("slot", "customer_quota", "event"):
                await connection.execute(f"VACUUM ANALYZE {table}")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    redis = urlsplit(run.redis_url)
    if redis.scheme == "unix":
        return {"DATABASE_URL": url, "REDIS_URL": urlunsplit(redis._replace(query=f"db={place}"))}
    return {"DATABASE_URL": url, "REDIS_URL": urlunsplit(redis._replace(path=f"/{place}"))}


async def _pools(run: Run) -> Row:
    """Buy from four small pools that are new in each turn, and from four large ones."""
    large = [await open_sale(f"large-{n}", capacity=LARGE_POOL) for n in range(POOLS)]
    small = [
        [await open_sale(f"small-{turn}-{n}", capacity=SMALL_POOL) for n in range(POOLS)]
        for turn in range(run.rounds + 1)
    ]
    server = await run.api()
    connection = await asyncpg.connect(run.database_url)
    # Or the database would do it by itself, in somebody's turn.
    await connection.execute("VACUUM ANALYZE slot")
    await connection.execute("CHECKPOINT")
    await connection.close()
    turns = iter(small)

    async def from_small() -> Turn:
        sales = next(turns)
        turn = await buying.take_turn(sales)
        if turn.per_second * POOL_SECONDS > POOLS * SMALL_POOL * 0.99:
            raise RuntimeError("the small pools were sold out within a turn: add to POOLS")
        return turn

    buying = _FromSales(server)
    taken = await alternate(
        {"large": lambda: buying.take_turn(large), "small": from_small}, rounds=run.rounds
    )
    return compare(
        f"orderPlace from pools of {LARGE_POOL:,}, to {SMALL_POOL:,}",
        taken["large"],
        taken["small"],
        target=ALIKE,
    )


@dataclass(slots=True)
class _FromSales:
    """Buyers who come to several sales by turns."""

    server: Server
    buyers: int = 0

    async def take_turn(self, sales: list[CampaignSnapshot]) -> Turn:
        contender = Placing(
            self.server, [placing(sale) for sale in sales], POOL_SECONDS, self.buyers
        )
        turn = await contender.take_turn()
        self.buyers = contender.buyers
        return turn


async def _processes(run: Run) -> Row:
    most = 2 * MOST_PER_SECOND * run.seconds * (run.rounds + 1)
    sale = await open_sale("processes", capacity=most)
    async with api(run.folder, workers=2) as two:
        one = await run.api()
        contenders = {"two": Placing(two, [placing(sale)], run.seconds)}
        contenders["one"] = Placing(one, [placing(sale)], run.seconds, buyers=50_000_000)
        takes: Mapping[str, Callable[[], Awaitable[Turn]]] = {
            name: contender.take_turn for name, contender in contenders.items()
        }
        turns = await alternate(takes, rounds=run.rounds)
    return compare(
        f"orderPlace by two processes on {os.cpu_count()} cores, to one",
        turns["two"],
        turns["one"],
    )
