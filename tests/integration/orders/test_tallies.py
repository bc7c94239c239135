"""What campaigns have sold is counted by their orders, however many slots there are."""

import re

import asyncpg
import orjson
import pytest

from headless_presale.campaigns import find_snapshot
from headless_presale.campaigns.snapshot import _SELECT as SNAPSHOT
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.orders import OrderStatus, Tally, tally_campaigns, tally_items
from headless_presale.orders.tallies import BY_CAMPAIGN
from tests.support.shop import Sale, open_sale

pytestmark = pytest.mark.usefixtures("database", "redis")

ORDERS = 6_000
STATUSES = ("PAID", "DEPOSIT_PAID", "AWAITING_PAYMENT", "EXPIRED", "CANCELLED", "FORFEITED")


async def _sell(admin: asyncpg.Connection, sale: Sale) -> None:
    """Write orders of two units each, as many of one status as of another, and of another sale."""
    await admin.execute(
        "INSERT INTO sales_order (id, shop_id, campaign_id, customer_id, status, currency,"
        " quantity, total_minor, deposit_minor, balance_minor, terms_version, payment_plan,"
        " cancel_policy, buyer, shipping_address, locale, request_hash, hold_expires_at,"
        " placed_at, updated_at,"
        " closed_reason, number) "
        "SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), ($3::text[])[1 + n % 6], 'CNY', 2,"
        " 20000, 0, 20000, 1, '{}', '{}', '{}', '{}', 'en', '', now(), now(), now(), '', 'X'"
        " FROM generate_series(0, $4 - 1) AS n",
        sale.shop.id,
        sale.campaign.id,
        list(STATUSES),
        ORDERS,
    )
    await admin.execute(
        "INSERT INTO order_line (id, order_id, position, item_id, pool_id, quantity, numbers,"
        " unit_price_minor, price_reason, title) SELECT gen_random_uuid(), id, 0, $1, $2, 2, '[]',"
        " 10000, '{}', 'Fox' FROM sales_order o WHERE campaign_id = $3"
        " AND NOT EXISTS (SELECT FROM order_line WHERE order_id = o.id)",
        sale.item_id,
        sale.pool_id,
        sale.campaign.id,
    )
    # As autovacuum would: by the statistics of tables that were nearly empty, the plan compares
    # every line with every order.
    await admin.execute("ANALYZE sales_order, order_line")


async def test_held_and_sold_follow_from_orders(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await _sell(database_admin, sale)
    nothing = new_id()

    each = ORDERS // len(STATUSES)
    expected = Tally(sold=2 * each * 2, held=each * 2, orders=3 * each)
    assert await tally_campaigns([sale.campaign.id, nothing]) == {
        sale.campaign.id: expected,
        nothing: Tally(),
    }
    assert await tally_items([sale.item_id]) == {sale.item_id: expected}


async def test_an_index_finds_them_and_nothing_else_is_read(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given one campaign among others that sold as much
    sale = await open_sale()
    other = await open_sale(shop=sale.shop, has_variants=True, handle="other")
    for one in (sale, other, other, other):
        await _sell(database_admin, Sale(one.shop, one.campaign))
    await database_admin.execute("VACUUM ANALYZE sales_order")

    text = await database_admin.fetchval(
        f"EXPLAIN (FORMAT JSON) {BY_CAMPAIGN}",
        [sale.campaign.id],
        [OrderStatus.PAID, OrderStatus.DEPOSIT_PAID, OrderStatus.AWAITING_BALANCE],
        [OrderStatus.AWAITING_PAYMENT, OrderStatus.AWAITING_DEPOSIT],
    )

    # Then it is found by an index of campaigns, and nothing but orders is read
    plan = str(orjson.loads(text))
    assert set(re.findall(r"'Relation Name': '(\w+)'", plan)) == {"sales_order"}, plan
    assert re.search(r"'Index Name': 'sales_order_by_campaign\w*'", plan), plan
    assert "'Seq Scan'" not in plan, plan


async def test_a_snapshot_counts_no_slot(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=9)
    assert "slot " not in SNAPSHOT
    found = await find_snapshot(sale.campaign.id, fresh=True)
    assert found is not None
    assert found.items[0].capacity == 9
