"""Every list and chart of a merchant over a million orders: how long it takes, and which way.

Each case is asked as the product asks it. Its slowest statement is then explained with the values
it had: the indexes it walked, the rows they gave, the pages it touched. Those do not depend on what
else the machine does; times do, so they are also told as ratios to the read of one order by its id.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import asyncpg
from tortoise.connection import get_connection

from bench.filling import ENDPOINT_ID, MERCHANT_ID, campaign_id, fill, shop_id
from headless_presale.analytics import SalesInterval, read_sales, rebuild_sales
from headless_presale.catalog.listing import (
    ProductFilter,
    ProductSort,
    count_filtered,
    list_filtered,
)
from headless_presale.orders import (
    OrderFilter,
    OrderSort,
    OrderStatus,
    count_orders,
    find_order,
    find_order_by_number,
    list_orders,
)
from headless_presale.shops import Shop
from headless_presale.webhooks import DeliveryStatus
from resolvers.admin import audit, staff, webhooks
from resolvers.admin.audit import AuditQuestion
from resolvers.context import RequestContext
from resolvers.paging import PageRequest

FLOOR = "order by its id"
PAGE = 20
RUNS = 40

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Figure:
    """What a case cost.

    Attributes:
        plan: of its slowest statement: nodes that read, with their rows.
        buffers: pages of 8 KB that this statement touched.
    """

    p50_ms: float
    p95_ms: float
    plan: str
    buffers: int


async def run(database_url: str, *, orders: int, tell: Callable[[str], None]) -> dict[str, Figure]:
    """Fill the database and measure every case; the first is the floor."""
    await fill(database_url, orders=orders, tell=tell)
    began = time.monotonic()
    sums = [await rebuild_sales(shop_id(number)) for number in range(1, 6)]
    tell(f"made {sum(sums):,} sums from the books in {time.monotonic() - began:.1f} s")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("VACUUM ANALYZE sales_sum")
        return {name: await _measure(ask, connection) async for name, ask in _cases(connection)}
    finally:
        await connection.close()


async def _measure(ask: Ask, connection: asyncpg.Connection) -> Figure:
    sent: list[Any] = []
    # A new pool, so that its connections are listened to.
    await get_connection("default").close()
    with _noted(sent):
        await ask()
    await get_connection("default").close()
    for _ in range(3):
        await ask()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    plan, buffers = await _explain(connection, sent)
    return Figure(times[RUNS // 2], times[RUNS * 95 // 100], plan, buffers)


@contextmanager
def _noted(sent: list[Any]) -> Iterator[None]:
    """Note the statements of the process's pool."""
    connect = asyncpg.Connection.__init__

    def connect_and_listen(self: Any, *args: Any, **kwargs: Any) -> None:
        connect(self, *args, **kwargs)
        self.add_query_logger(sent.append)

    with patch.object(asyncpg.Connection, "__init__", connect_and_listen):
        yield


async def _explain(connection: asyncpg.Connection, sent: list[Any]) -> tuple[str, int]:
    selects = [s for s in sent if re.match(r"\s*(WITH|SELECT|\()", s.query) and s.args is not None]
    slowest = max((s for s in selects if "set_config" not in s.query), key=lambda s: s.elapsed)
    async with connection.transaction():
        await connection.execute(
            "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off"
        )
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {slowest.query}", *slowest.args
        )
    root = json.loads(explained)[0]["Plan"]
    return " + ".join(dict.fromkeys(_reads(root))), root["Shared Hit Blocks"] + root[
        "Shared Read Blocks"
    ]


def _reads(node: dict[str, Any]) -> Iterator[str]:
    """Yield what reads a table or an index, or sorts more than a page."""
    rows = round(node["Actual Rows"] * node["Actual Loops"])
    kind = node["Node Type"]
    if "Relation Name" in node or kind == "Bitmap Index Scan":
        through = node.get("Index Name", node.get("Relation Name"))
        dropped = node.get("Rows Removed by Filter", 0)
        if node["Actual Loops"] and kind != "Bitmap Heap Scan":
            said = {"Seq Scan": "whole "}.get(kind, "")
            yield f"{said}{through} {rows:,}" + (f" (-{dropped:,})" if dropped else "")
    for child in node.get("Plans", ()):
        yield from _reads(child)


async def _cases(connection: asyncpg.Connection) -> AsyncIterator[tuple[str, Ask]]:
    one = await connection.fetchrow(
        "SELECT id, number, buyer ->> 'email' AS email FROM sales_order WHERE shop_id = $1 "
        "ORDER BY id LIMIT 1",
        shop_id(1),
    )
    assert one is not None
    yield FLOOR, lambda: find_order(one["id"])
    for name, ask in (
        *_orders(one, await _middle(connection)),
        *_products(),
        *_logs(),
    ):
        yield name, ask
    shop, elsewhere = await Shop.get(id=shop_id(1)), await Shop.get(id=shop_id(1))
    elsewhere.timezone = "Asia/Kathmandu"
    for name, ask in _charts(shop, elsewhere):
        yield name, ask


@dataclass(frozen=True, slots=True)
class Middle:
    """An order in the middle of a list, by both keys; the first one of the middle month."""

    placed: tuple[datetime, Any]
    total: tuple[int, Any]
    total_of_month: tuple[int, Any]
    month: tuple[datetime, datetime]


async def _middle(connection: asyncpg.Connection) -> Middle:
    now = datetime.now(UTC)
    month = now - timedelta(days=200), now - timedelta(days=170)

    async def half_way(column: str, condition: str = "true") -> tuple[Any, Any]:
        row = await connection.fetchrow(
            f"SELECT {column}, id FROM sales_order WHERE shop_id = $1 AND {condition} "
            f"ORDER BY 1, 2 OFFSET (SELECT count(*) / 2 FROM sales_order WHERE shop_id = $1 "
            f"AND {condition}) LIMIT 1",
            shop_id(1),
        )
        assert row is not None
        return row[0], row[1]

    within = " AND ".join(
        f"placed_at {sign} '{at.isoformat()}'" for sign, at in zip((">=", "<"), month, strict=True)
    )
    return Middle(
        await half_way("placed_at"),
        await half_way("total_minor"),
        await half_way("total_minor", within),
        month,
    )


def _orders(one: asyncpg.Record, middle: Middle) -> Iterator[tuple[str, Ask]]:
    shop, huge, small = [shop_id(1)], campaign_id(1), campaign_id(7)
    largest: dict[str, Any] = {"sort": OrderSort.TOTAL}
    unpaid = [OrderStatus.DEPOSIT_PAID, OrderStatus.AWAITING_BALANCE]
    ended = [OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FORFEITED]
    month: dict[str, Any] = {"placed_from": middle.month[0], "placed_until": middle.month[1]}
    half = {**month, "placed_until": middle.month[0] + timedelta(days=182)}

    def page(order: dict[str, Any] | None = None, **wanted: Any) -> Ask:
        asked = OrderFilter(**{"shop_ids": shop, **wanted})
        return lambda: list_orders(asked, limit=PAGE, **(order or {}))

    def count(**wanted: Any) -> Ask:
        asked = OrderFilter(**{"shop_ids": shop, **wanted})
        return lambda: count_orders(asked)

    yield "orders, newest", page()
    yield "orders, oldest", page({"is_descending": False})
    yield "orders, largest", page(largest)
    yield "orders, smallest", page({**largest, "is_descending": False})
    yield "orders, last page", page({"from_end": True})
    yield "orders, from the middle", page({"after": middle.placed})
    yield "orders, largest, from the middle", page({**largest, "after": middle.total})
    yield "orders, back from the middle", page({"before": middle.placed, "from_end": True})
    yield "orders of five shops", page(shop_ids=[shop_id(n) for n in range(1, 6)])
    for status in OrderStatus:
        yield f"orders, {status}", page(statuses=[status])
        yield f"orders, {status}, largest", page(largest, statuses=[status])
    yield "orders, two states", page(statuses=unpaid)
    yield "orders, three states, largest", page(largest, statuses=ended)
    yield "orders, three states, from the middle", page({"after": middle.placed}, statuses=ended)
    for name, campaign in (("huge", huge), ("small", small)):
        yield f"orders of a {name} campaign", page(campaign_id=campaign)
        yield f"orders of a {name} campaign, largest", page(largest, campaign_id=campaign)
        yield (
            f"orders of a {name} campaign, FORFEITED",
            page(campaign_id=campaign, statuses=[OrderStatus.FORFEITED]),
        )
        yield (
            f"orders of a {name} campaign, FORFEITED, largest",
            page(largest, campaign_id=campaign, statuses=[OrderStatus.FORFEITED]),
        )
    yield "orders of a month", page(**month)
    yield "orders of a month, largest", page(largest, **month)
    yield (
        "orders of a month, largest, from the middle",
        page({**largest, "after": middle.total_of_month}, **month),
    )
    yield "orders of a month, two states, largest", page(largest, statuses=unpaid, **month)
    yield "orders of a month, FORFEITED, largest", page(largest, statuses=ended[2:], **month)
    yield "orders of a month, a common name, largest", page(largest, search="li ", **month)
    yield "orders of half a year, smallest", page({**largest, "is_descending": False}, **half)
    yield (
        "orders of a month of a huge campaign, largest",
        page(largest, campaign_id=huge, **month),
    )
    yield (
        "orders of a month of a huge campaign, FORFEITED, largest",
        page(largest, campaign_id=huge, statuses=ended[2:], **month),
    )
    yield "orders of a rare total", page(total_from_minor=300_000)
    yield "orders of usual totals, newest", page(total_from_minor=9_000, total_until_minor=14_000)
    yield "orders by number", lambda: find_order_by_number(shop, one["number"])
    yield "orders, number begins with four letters", page(search=one["number"][:4])
    yield "orders, mail address", page(search=one["email"])
    yield "orders, a rare name", page(search="meyer abc")
    yield "orders, a common name", page(search="li ")
    yield "orders, a common name, largest", page(largest, search="li ")
    yield "orders, one letter", page(search="l")
    yield "orders, one letter, last page", page({"from_end": True}, search="l")
    yield "orders, a common name, FORFEITED", page(search="wang", statuses=ended[2:])
    yield "orders of a small campaign, a common name", page(campaign_id=small, search="li ")
    yield (
        "orders of a small campaign, a common name, largest",
        page(largest, campaign_id=small, search="li "),
    )
    yield "orders of half a year, a rare name, largest", page(largest, search="meyer abc", **half)
    yield "orders, nothing found", page(search="nobody of this name")
    yield "count, all", count()
    yield "count, PAID", count(statuses=[OrderStatus.PAID])
    yield "count, three states", count(statuses=ended)
    yield "count, FORFEITED of a huge campaign", count(statuses=ended[2:], campaign_id=huge)
    yield "count, a month", count(**month)
    yield "count, a rare total", count(total_from_minor=300_000)
    yield "count, a common name", count(search="li ")
    yield "count, one letter", count(search="l")


def _products() -> Iterator[tuple[str, Ask]]:
    def page(order: dict[str, Any] | None = None, **wanted: Any) -> Ask:
        asked = ProductFilter(shop_id=shop_id(1), **wanted)
        return lambda: list_filtered(asked, limit=PAGE, **(order or {}))

    title: dict[str, Any] = {"sort": ProductSort.TITLE, "is_descending": False}
    yield "products, newest", page()
    yield "products, by title", page(title)
    yield "products, by title, last page", page({**title, "from_end": True})
    yield "products, changed last", page({"sort": ProductSort.UPDATED_AT})
    yield "products, hidden", page(is_published=False)
    yield "products of a vendor", page(vendor="Vendor 7")
    yield "products, a common tag", page(tag="tag-3")
    yield "products, a rare tag", page(tag="rare-77")
    yield "products, title begins so", page(title, search="ab")
    yield "products, SKU begins so", page(search="C4CA42-1-")

    def count(**wanted: Any) -> Ask:
        asked = ProductFilter(shop_id=shop_id(1), **wanted)
        return lambda: count_filtered(asked)

    yield "count, products", count()
    yield "count, products, a common tag", count(tag="tag-3")
    yield "count, products, title begins so", count(search="a")


def _logs() -> Iterator[tuple[str, Ask]]:
    # What these lists need of a request: whose it is.
    somebody = cast(
        RequestContext,
        SimpleNamespace(principal=SimpleNamespace(merchant_id=MERCHANT_ID, has_all_shops=True)),
    )
    first, last = PageRequest(first=PAGE), PageRequest(last=PAGE)

    def log(request: PageRequest = first, **question: Any) -> Ask:
        asked = AuditQuestion(**question)
        return lambda: audit.page_of_entries(somebody, shop_id(1), asked, request)

    yield "log, newest", log()
    yield "log, oldest", log(last)
    yield "log of a member", log(actor="staff:7")
    yield "log, a rare action", log(action="shop.update")
    yield "log, a family of actions", log(action="order.")
    yield "log, a rare family", log(action="shop.")
    yield "log, nothing of a family", log(action="media.")
    yield "log until half a year ago", log(until=datetime.now(UTC) - timedelta(days=180))
    yield "staff", lambda: staff.page_of_members(somebody, first)

    def deliveries(status: DeliveryStatus | None) -> Ask:
        return lambda: webhooks.page_of_deliveries(somebody, ENDPOINT_ID, status, first)

    yield "deliveries", deliveries(None)
    for status in DeliveryStatus:
        yield f"deliveries, {status}", deliveries(status)


def _charts(shop: Shop, elsewhere: Shop) -> Iterator[tuple[str, Ask]]:
    now = datetime.now(UTC)

    def chart(days: int, by: SalesInterval, campaign: int | None = None, shop: Shop = shop) -> Ask:
        return lambda: read_sales(
            shop,
            begins_at=now - timedelta(days=days),
            ends_at=now,
            by=by,
            campaign_id=None if campaign is None else campaign_id(campaign),
        )

    yield "chart, a year by day", chart(365, SalesInterval.DAY)
    yield "chart, seven years by week", chart(2_700, SalesInterval.WEEK)
    yield "chart, two weeks by hour", chart(14, SalesInterval.HOUR)
    yield "chart, a year by day, in Kathmandu", chart(365, SalesInterval.DAY, shop=elsewhere)
    yield "chart, a year of a huge campaign", chart(365, SalesInterval.DAY, 1)
    yield "chart, a year of a small campaign", chart(365, SalesInterval.DAY, 7)


def to_json(figures: dict[str, Figure]) -> dict[str, Any]:
    """Return every figure, with its ratio to the floor."""
    floor = figures[FLOOR].p50_ms
    return {
        name: {**asdict(figure), "ratio": figure.p50_ms / floor} for name, figure in figures.items()
    }
