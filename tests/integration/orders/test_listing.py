"""Lists of orders cost what they show: a page reads little more than its rows, however deep."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderFilter, OrderSort, OrderStatus
from headless_presale.orders.listing import page_query
from tests.conftest import NOON
from tests.support.money import place
from tests.support.shop import Sale, make_shop, open_sale

MANY = 4_000
LIMIT = 21

# Copies of one order: one of two shops, one in a hundred paid, totals that repeat, e-mail
# addresses and numbers of their own.
_COPY = """
INSERT INTO sales_order SELECT (jsonb_populate_record(o, jsonb_build_object(
    'id', gen_random_uuid(), 'placed_at', o.placed_at + n * interval '1 second',
    'status', CASE WHEN n % 100 = 0 THEN 'PAID' WHEN n % 7 = 0 THEN 'CANCELLED' ELSE 'EXPIRED' END,
    'total_minor', n % 500 * 100, 'deposit_minor', 0, 'balance_minor', n % 500 * 100,
    'number', lpad(to_hex(n), 4, '0') || '-0000',
    'buyer', jsonb_build_object('email', 'buyer' || n || '@example.com', 'name', 'Buyer ' || n)
))).* FROM sales_order o, generate_series(1, $1) AS n
"""


@pytest.fixture
async def sale(
    database: str, redis: Redis, clock: ManualClock, database_admin: asyncpg.Connection
) -> Sale:
    """Two shops of 4,000 orders each."""
    sale = await open_sale()
    await place(sale)
    await place(await open_sale(shop=await make_shop("other")))
    await database_admin.execute(_COPY, MANY)
    await database_admin.execute("ANALYZE sales_order")
    return sale


Case = tuple[dict[str, Any], dict[str, Any], int]

CASES: list[Case] = [
    ({}, {}, 1),
    ({}, {"sort": OrderSort.TOTAL}, 1),
    ({"statuses": [OrderStatus.PAID]}, {}, 1),
    ({"statuses": [OrderStatus.PAID, OrderStatus.CANCELLED]}, {}, 2),
    ({"statuses": [OrderStatus.PAID]}, {"sort": OrderSort.TOTAL, "is_descending": False}, 1),
    ({"total_from_minor": 40_000, "total_until_minor": 41_000}, {"sort": OrderSort.TOTAL}, 1),
    ({"placed_from": NOON + timedelta(minutes=30)}, {"is_descending": False}, 1),
]
"""What is wanted, how it is sorted, and how many walks over an index that takes."""


async def test_a_page_reads_what_it_shows_however_deep_it_lies(
    sale: Sale, database_admin: asyncpg.Connection
) -> None:
    middle = await database_admin.fetchrow(
        "SELECT placed_at, total_minor, id FROM sales_order WHERE shop_id = $1 "
        "ORDER BY placed_at OFFSET $2 LIMIT 1",
        sale.shop.id,
        MANY // 2,
    )
    assert middle is not None
    for (wanted, options, walks), is_deep in itertools.product(CASES, (False, True)):
        sort = options.get("sort", OrderSort.PLACED_AT)
        key = middle["total_minor" if sort is OrderSort.TOTAL else "placed_at"]
        query = page_query(
            OrderFilter(shop_ids=[sale.shop.id], **wanted),
            **{"sort": sort, "is_descending": True, **options},
            limit=LIMIT,
            after=(key, middle["id"]) if is_deep else None,
        )
        assert query is not None
        sql, _, args = query
        async with database_admin.transaction():
            await database_admin.execute("SET LOCAL plan_cache_mode = 'force_custom_plan'")
            plan = await database_admin.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *args)

        scans = list(_scans(orjson.loads(plan)[0]["Plan"]))
        assert {scan["Node Type"] for scan in scans} <= {"Index Scan", "Index Only Scan"}, wanted
        read = sum(
            (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
            for scan in scans
        )
        assert read <= LIMIT * walks, (wanted, options, is_deep, scans)


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Relation Name") == "sales_order":
        yield node
    for inner in node.get("Plans", ()):
        yield from _scans(inner)
