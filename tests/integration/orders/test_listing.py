"""Lists of orders cost what they show: a page reads little more than its rows, however deep."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import CustomerAccess, OrderFilter, OrderSort, OrderStatus
from headless_presale.orders.listing import page_query
from headless_presale.orders.own import own_query
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
    # By the address and by the name, which all have: the rare state has the index.
    ({"statuses": [OrderStatus.PAID], "search": "buyer"}, {}, 2),
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
        scans, _ = await _explain(database_admin, query)
        assert {scan["Node Type"] for scan in scans} <= {"Index Scan", "Index Only Scan"}, wanted
        assert _rows(scans) <= LIMIT * walks, (wanted, options, is_deep, scans)


@pytest.mark.parametrize("statuses", [(), (OrderStatus.CANCELLED, OrderStatus.EXPIRED)])
async def test_a_page_of_a_customers_reads_what_it_shows_however_deep_it_lies(
    sale: Sale, database_admin: asyncpg.Connection, statuses: tuple[OrderStatus, ...]
) -> None:
    # All copies are orders of one customer.
    middle = await database_admin.fetchrow(
        "SELECT placed_at, id, customer_id FROM sales_order WHERE shop_id = $1 "
        "ORDER BY placed_at OFFSET $2 LIMIT 1",
        sale.shop.id,
        MANY // 2,
    )
    assert middle is not None
    customer = CustomerAccess(customer_id=middle["customer_id"], email=None)
    for position in (None, (middle["placed_at"], middle["id"])):
        for from_end in (False, True):
            query = own_query(
                customer, statuses, limit=LIMIT, after=position, before=None, from_end=from_end
            )
            # Nobody says that it is planned for its values.
            scans, _ = await _explain(database_admin, query, planned="force_generic_plan")
            assert [scan.get("Index Name") for scan in scans] == ["sales_order_by_customer"]
            # One in a hundred is of another state.
            assert _rows(scans) <= LIMIT + (2 if statuses else 0), (position, from_end, scans)


async def test_the_largest_of_a_few_months_are_read_from_their_months(
    sale: Sale, database_admin: asyncpg.Connection
) -> None:
    # Given five months in which each order is larger than all before it
    await database_admin.execute(
        "UPDATE sales_order SET placed_at = $1::timestamptz + 3600 * (placed_at - $1), "
        "total_minor = n, balance_minor = n FROM "
        "(SELECT id, row_number() OVER (ORDER BY placed_at) AS n FROM sales_order) AS numbered "
        "WHERE numbered.id = sales_order.id",
        NOON,
    )
    await database_admin.execute("VACUUM ANALYZE sales_order")
    two_months: dict[str, Any] = {
        "placed_from": datetime(2026, 4, 1, tzinfo=UTC),
        "placed_until": datetime(2026, 6, 1, tzinfo=UTC),
    }
    usual = [OrderStatus.CANCELLED, OrderStatus.EXPIRED]
    cases: list[dict[str, Any]] = [
        {},
        {"statuses": usual},
        {"campaign_id": sale.campaign.id},
    ]
    for wanted in cases:
        for is_descending in (True, False):
            query = page_query(
                OrderFilter(shop_ids=[sale.shop.id], **two_months, **wanted),
                sort=OrderSort.TOTAL,
                is_descending=is_descending,
                limit=LIMIT,
            )
            assert query is not None
            scans, pages = await _explain(database_admin, query)
            assert {scan["Index Name"] for scan in scans} <= {
                "sales_order_by_placed",
                "sales_order_by_month_total",
                "sales_order_by_campaign_placed",
                "sales_order_by_campaign_month_total",
            }
            # The first and the last order of the range, and a page of each month
            assert _rows(scans) <= 2 + 2 * (LIMIT + 2), (wanted, scans)
            assert pages <= 60, (wanted, pages)


async def _explain(
    connection: asyncpg.Connection,
    query: tuple[str, str, Sequence[object]],
    *,
    planned: str = "force_custom_plan",
) -> tuple[list[dict[str, Any]], int]:
    """Return how orders are read, and how many pages of 8 KB that touches."""
    sql, _, args = query
    async with connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = '{planned}'")
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *args)
    root = orjson.loads(plan)[0]["Plan"]
    return list(_scans(root)), root["Shared Hit Blocks"] + root["Shared Read Blocks"]


def _rows(scans: list[dict[str, Any]]) -> float:
    return float(
        sum(
            (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
            for scan in scans
        )
    )


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Relation Name") == "sales_order":
        yield node
    for inner in node.get("Plans", ()):
        yield from _scans(inner)
