"""Placing orders: 32 buyers at a time, none of them twice, and what the same work costs bare."""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench import wrk
from bench.floors import ORDER_TABLES
from bench.opening import BUYER
from bench.orders import order_body
from bench.report import Row, Target, compare
from bench.run import Run
from bench.sale import open_sale, order_of
from bench.servers import FAR_AWAY, Server, floor
from bench.turns import Turn, alternate
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.checkout import place_order

MOST_PER_SECOND = 9_000
"""More orders than any contender places: a sale that is sold out would be measured as something
else."""


def placing(sale: CampaignSnapshot | str) -> wrk.Request:
    """Return the request that places an order of a buyer of its own.

    Args:
        sale: or the body of the request, as ``bench.opening`` gives it.
    """
    body = sale if isinstance(sale, str) else order_body(sale, BUYER).decode()
    return wrk.Request(
        "POST",
        "/graphql",
        {"X-Forwarded-For": f"{FAR_AWAY}{wrk.ADDRESS}::1"},
        # JSON would escape the marks.
        body.replace(BUYER, wrk.NUMBER),
    )


@dataclass(slots=True)
class Placing:
    """A contender: a server, the requests it is sent by turns, and how many buyers have come."""

    server: Server
    requests: Sequence[wrk.Request]
    seconds: int
    buyers: int = 0

    async def take_turn(self) -> Turn:
        """Let buyers come for the length of a turn."""
        before = self.server.cpu_seconds()
        result = await wrk.load(
            self.server.url, *self.requests, seconds=self.seconds, first=self.buyers
        )
        spent = self.server.cpu_seconds() - before
        # Those who were not answered any more have come as well.
        self.buyers += result.requests + 10 * wrk.CONNECTIONS
        return result.turn(cpu_seconds=spent)


async def floor_spec(database_url: str, sale: CampaignSnapshot, **more: Any) -> dict[str, Any]:
    """Return what a floor needs to write orders like those of this sale.

    One is placed as the product does it; its rows are what the floor writes.
    """
    order = await place_order(order_of(sale, 90_000_000))
    connection = await asyncpg.connect(database_url)
    conditions = {"sales_order": "id", "order_line": "order_id", "event": "topic"}
    values = {"event": f"order:{order.id}"}
    try:
        rows = {
            table: json.loads(
                await connection.fetchval(
                    f"SELECT row_to_json(t) FROM {table} AS t WHERE {conditions[table]} = $1",
                    values.get(table, order.id),
                )
            )
            for table in ORDER_TABLES
        }
    finally:
        await connection.close()
    return {
        "rows": rows,
        "shop_id": str(sale.shop_id),
        "pool_id": str(sale.items[0].pool_id),
        **more,
    }


async def run(run: Run) -> list[Row]:
    """Measure orders a second of the API, of the floor, and of a mutation without care."""
    most = MOST_PER_SECOND * run.seconds * (run.rounds + 1)
    ours = await open_sale("place", capacity=most)
    bare = await open_sale("place-floor", capacity=2 * most + 100)
    run.tell(f"opened sales of {most:,} and {2 * most:,} slots")
    spec = await floor_spec(run.database_url, bare)
    async with AsyncExitStack() as stack:
        # The first hundred numbers hold the order that was the pattern.
        servers = {
            "ours": await run.api(),
            "floor": await stack.enter_async_context(
                floor(run.folder, "place", {**spec, "first": 101, "free": most})
            ),
            "naive": await stack.enter_async_context(
                floor(run.folder, "naive", {**spec, "first": 101 + most, "free": most - 100})
            ),
        }
        contenders = {
            name: Placing(server, [placing(ours if name == "ours" else bare)], run.seconds)
            for name, server in servers.items()
        }
        # Their buyers are other people in the same shop.
        contenders["naive"].buyers = 50_000_000
        takes: dict[str, Callable[[], Awaitable[Turn]]] = {
            name: contender.take_turn for name, contender in contenders.items()
        }
        cost = {name: await _cost_of_one(run, contenders[name]) for name in contenders}
        turns = await alternate(takes, rounds=run.rounds)
    return [
        compare(
            "orderPlace, 32 connections",
            turns["ours"],
            turns["floor"],
            target=Target(at_least=0.5),
            cost=cost["ours"],
            floor_cost=cost["floor"],
        ),
        compare("  control: a naive mutation", turns["naive"], turns["floor"], cost=cost["naive"]),
    ]


async def _cost_of_one(run: Run, contender: Placing) -> dict[str, float]:
    """Return what an order costs the engines, from a turn that is not measured.

    Also the proof that every answer was an order: as many were written.

    Raises:
        RuntimeError: fewer orders were written than requests answered.
    """
    connection = await asyncpg.connect(run.database_url)
    try:
        before = await connection.fetchrow(_COUNTS)
        first = contender.buyers
        await contender.take_turn()
        answered = contender.buyers - first - 10 * wrk.CONNECTIONS
        after = await connection.fetchrow(_COUNTS)
    finally:
        await connection.close()
    assert before is not None
    assert after is not None
    orders = after["orders"] - before["orders"]
    if orders < answered:
        raise RuntimeError(f"{answered} requests were answered, and {orders} orders written")
    return {
        "wal_bytes": (after["wal"] - before["wal"]) / orders,
        "transactions": (after["writes"] - before["writes"]) / orders,
    }


_COUNTS = """
SELECT pg_current_xact_id()::text::bigint AS writes,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal,
    (SELECT count(*) FROM sales_order) AS orders
"""
