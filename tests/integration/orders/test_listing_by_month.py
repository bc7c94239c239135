"""Lists of orders give what sorting all of them in memory gives, whatever is asked for."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import (
    OrderFilter,
    OrderSort,
    OrderStatus,
    count_orders,
    list_orders,
)
from headless_presale.orders.listing import position_of
from headless_presale.orders.view import OrderView
from tests.support.money import place
from tests.support.shop import Sale, make_shop, open_sale

MONTHS = [datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
TICK = timedelta(microseconds=1)
EDGES = [
    month + shift
    for month in (*MONTHS, datetime(2026, 1, 1, tzinfo=UTC))
    for shift in (-TICK, 0 * TICK)
]
"""The last moment of a month and the first one of the next."""
HOURS = timedelta(hours=8)
"""Where it is another month already in Shanghai, or not yet in Los Angeles."""

# Copies of one order, in months that differ; totals repeat, within a month and across months.
_COPY = """
INSERT INTO sales_order SELECT (jsonb_populate_record(o, jsonb_build_object(
    'id', gen_random_uuid(), 'campaign_id', $2::uuid, 'shop_id', $3::uuid,
    'placed_at', CASE WHEN n <= cardinality($4::timestamptz[]) THEN $4[n]
        ELSE timestamptz '2025-10-20T00:00Z' + n * 137 % 200 * interval '21 hours' END,
    'status', (ARRAY['PAID', 'CANCELLED', 'EXPIRED', 'AWAITING_DEPOSIT'])[1 + n % 7 % 4],
    'total_minor', n * 31 % 13 * 100, 'deposit_minor', 0, 'balance_minor', n * 31 % 13 * 100,
    'number', upper(lpad(to_hex(n + $5), 4, '0')) || '-0000',
    'buyer', jsonb_build_object('email', CASE n % 3 WHEN 0 THEN 'li' ELSE 'wu' END || n || '@a.cn',
        'name', CASE n % 2 WHEN 0 THEN 'Li' ELSE 'Wu' END || ' ' || n)
))).* FROM sales_order o, generate_series(1, 120) AS n WHERE o.id = $1
"""


@pytest.fixture
async def sales(
    database: str, redis: Redis, clock: ManualClock, database_admin: asyncpg.Connection
) -> list[Sale]:
    """Two campaigns of one shop and one of another, of 120 orders each over seven months."""
    first = await open_sale()
    sales = [
        first,
        await open_sale(shop=first.shop, skus=("FOX-2",), handle="second"),
        await open_sale(shop=await make_shop("other")),
    ]
    placed = await place(first)
    moments = [*EDGES, *(edge + sign * HOURS for edge in EDGES for sign in (-1, 1))]
    for number, sale in enumerate(sales):
        await database_admin.execute(
            _COPY, placed.id, sale.campaign.id, sale.shop.id, moments, 1_000 * number
        )
    return sales


def chosen(dice: random.Random, sales: list[Sale]) -> OrderFilter:
    """Return a filter that restricts by some of what there is."""
    shops = sorted({sale.shop.id for sale in sales})
    moments = [*EDGES, *(edge + HOURS for edge in EDGES), datetime(2026, 2, 13, 7, 11, tzinfo=UTC)]
    begins, ends = sorted(dice.sample(moments, 2))
    return OrderFilter(
        shop_ids=dice.choice([shops, shops[:1], shops[1:]]),
        statuses=dice.choice([[], dice.sample(list(OrderStatus), dice.randint(1, 4))]),
        campaign_id=dice.choice([None, dice.choice(sales).campaign.id]),
        placed_from=dice.choice([begins, begins, None]),
        placed_until=dice.choice([ends, ends, None]),
        total_from_minor=dice.choice([None, None, 300]),
        total_until_minor=dice.choice([None, None, 900]),
        search=dice.choice(["", "", "", "li", "wu 1", "li6"]),
    )


def meant(wanted: OrderFilter) -> Callable[[OrderView], bool]:
    """Return what tells whether an order is in a list, as the words of the filter have it."""
    text = wanted.search.lower()

    def is_in(order: OrderView) -> bool:
        total = order.total.amount_minor
        return (
            order.shop_id in wanted.shop_ids
            and (not wanted.statuses or order.status in wanted.statuses)
            and wanted.campaign_id in (None, order.campaign_id)
            and (wanted.placed_from is None or order.placed_at >= wanted.placed_from)
            and (wanted.placed_until is None or order.placed_at < wanted.placed_until)
            and (wanted.total_from_minor is None or total >= wanted.total_from_minor)
            and (wanted.total_until_minor is None or total <= wanted.total_until_minor)
            and any(
                held.lower().startswith(text)
                for held in (order.buyer["email"], order.buyer["name"])
            )
        )

    return is_in


async def everything(sales: list[Sale]) -> list[OrderView]:
    """Return all orders."""
    shops = {sale.shop.id for sale in sales}
    return await list_orders(OrderFilter(shop_ids=shops), limit=1_000)


def ids(orders: list[OrderView]) -> list[Any]:
    """Return the ids in their order."""
    return [order.id for order in orders]


@pytest.mark.parametrize("seed", range(4))
async def test_pages_are_those_of_a_sort_in_memory(sales: list[Sale], seed: int) -> None:
    dice = random.Random(seed)
    orders = await everything(sales)
    assert len(orders) == 361
    seen = 0
    for _ in range(60):
        wanted, sort = chosen(dice, sales), dice.choice([OrderSort.TOTAL, *OrderSort])
        is_descending, limit = dice.choice([True, False]), dice.choice([1, 7, 50])
        ordered = sorted(
            filter(meant(wanted), orders),
            key=lambda order: position_of(order, sort),
            reverse=is_descending,
        )
        asked: dict[str, Any] = {"sort": sort, "is_descending": is_descending, "limit": limit}

        assert ids(await list_orders(wanted, **asked)) == ids(ordered[:limit]), wanted
        assert ids(await list_orders(wanted, **asked, from_end=True)) == ids(ordered[-limit:])
        assert (await count_orders(wanted)).count == len(ordered), wanted
        if ordered:
            seen += 1
            at = dice.randrange(len(ordered))
            here = position_of(ordered[at], sort)
            after = await list_orders(wanted, **asked, after=here)
            assert ids(after) == ids(ordered[at + 1 :][:limit]), (wanted, here)
            before = await list_orders(wanted, **asked, before=here, from_end=True)
            assert ids(before) == ids(ordered[max(0, at - limit) : at]), (wanted, here)
    assert seen > 20


async def test_a_month_ends_where_utc_has_it_end_whatever_the_session_says(
    sales: list[Sale], database_admin: asyncpg.Connection
) -> None:
    wanted = OrderFilter(
        shop_ids=[sales[0].shop.id], placed_from=MONTHS[0], placed_until=MONTHS[0] + TICK
    )
    exact = await list_orders(wanted, sort=OrderSort.TOTAL, limit=10)
    assert {order.placed_at for order in exact} == {MONTHS[0]}
    name = await database_admin.fetchval("SELECT current_database()")
    try:
        await database_admin.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Shanghai'")
        earlier = replace(wanted, placed_from=MONTHS[0] - TICK)
        both = await list_orders(earlier, sort=OrderSort.TOTAL, limit=10)
    finally:
        await database_admin.execute(f"ALTER DATABASE {name} RESET timezone")
    assert {order.placed_at for order in both} == {MONTHS[0] - TICK, MONTHS[0]}


async def test_a_range_of_ten_thousand_years_costs_the_months_that_have_orders(
    sales: list[Sale],
) -> None:
    wanted = OrderFilter(
        shop_ids=[sales[0].shop.id],
        placed_from=datetime(1, 1, 1, tzinfo=UTC),
        placed_until=datetime(9999, 12, 31, tzinfo=UTC),
    )
    unrestricted = replace(wanted, placed_from=None, placed_until=None)
    for is_descending in (True, False):
        asked: dict[str, Any] = {
            "sort": OrderSort.TOTAL,
            "is_descending": is_descending,
            "limit": 500,
        }
        found = await list_orders(wanted, **asked)
        assert ids(found) == ids(await list_orders(unrestricted, **asked))
    empty = replace(wanted, shop_ids=[(await make_shop("empty")).id])
    assert await list_orders(empty, sort=OrderSort.TOTAL, limit=10) == []
