"""``python -m bench.campaign_page``: what a campaign with a million slots costs to look at."""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from bench.sale import open_sale
from headless_presale.campaigns import CampaignSnapshot, change_capacity, find_snapshot
from headless_presale.cli.session import engines
from headless_presale.database import migrate
from headless_presale.kernel.logs import configure_logs
from headless_presale.orders import preview_cancellation, tally_campaigns, tally_items
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings, get_settings

REPEATS = 9


def main() -> None:
    """Sell a share of a large pool, lower its cap by one, and time what a merchant reads."""
    parser = argparse.ArgumentParser(prog="python -m bench.campaign_page", description=__doc__)
    parser.add_argument("--slots", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=200_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="presale-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["PRESALE_DATA_DIR"] = folder
        get_settings.cache_clear()
        with engines() as settings:
            rows = asyncio.run(_run(settings, arguments.slots, arguments.orders))
    table = Table("reading", "median ms")
    for name, milliseconds in rows.items():
        table.add_row(name, f"{milliseconds:,.1f}")
    Console().print(table)


async def _run(settings: Settings, slots: int, orders: int) -> dict[str, float]:
    assert settings.database_url
    configure_logs(log_format="console", level="ERROR")
    await migrate(settings.database_url)
    async with open_runtime(settings):
        sale = await open_sale("page", capacity=slots)
        await change_capacity(sale.items[0].id, capacity=slots - 1)
        await _sell(settings.database_url, sale, orders)
        item_id = sale.items[0].id
        return {
            "snapshot": await _timed(lambda: find_snapshot(sale.id, fresh=True)),
            "sold and held of the campaign": await _timed(lambda: tally_campaigns([sale.id])),
            "sold and held of its item": await _timed(lambda: tally_items([item_id])),
            "preview of calling it off": await _timed(lambda: preview_cancellation(sale.id)),
            "a scan of the pool, for comparison": await _scan(
                settings.database_url, sale.items[0].pool_id
            ),
        }


async def _timed(read: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        await read()
        times.append((time.perf_counter() - started) * 1_000)
    return median(times)


async def _scan(url: str, pool_id: UUID) -> float:
    connection = await asyncpg.connect(url)
    count = "SELECT count(*) FROM slot WHERE pool_id = $1 AND order_id IS NOT NULL"
    try:
        return await _timed(lambda: connection.fetchval(count, pool_id))
    finally:
        await connection.close()


async def _sell(url: str, sale: CampaignSnapshot, orders: int) -> None:
    """Write orders of one unit with their lines and payments, and give them their slots."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO sales_order (id, shop_id, campaign_id, customer_id, status, currency,"
        " quantity, total_minor, deposit_minor, balance_minor, terms_version, payment_plan,"
        " cancel_policy, buyer, shipping_address, locale, request_hash, hold_expires_at,"
        " placed_at, updated_at,"
        " closed_reason, number) SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), 'PAID', $3,"
        " 1, 1000, 0, 1000, 1, '{}', '{}', '{}', '{}', 'en', '', now(), now(), now(), '', 'X'"
        " FROM generate_series(1, $4)",
        sale.shop_id,
        sale.id,
        sale.currency,
        orders,
    )
    await connection.execute(
        "INSERT INTO order_line (id, order_id, position, item_id, pool_id, quantity, numbers,"
        " unit_price_minor, price_reason, title) SELECT gen_random_uuid(), id, 0, $1, $2, 1, '[]',"
        " 1000, '{}', 'Page' FROM sales_order WHERE campaign_id = $3",
        sale.items[0].id,
        sale.items[0].pool_id,
        sale.id,
    )
    await connection.execute(
        "INSERT INTO payment (id, shop_id, order_id, leg, gateway, status, amount_minor, currency,"
        " failure_code, created_at, captured_at) SELECT gen_random_uuid(), shop_id, id, 'FULL',"
        " 'sandbox', 'CAPTURED', 1000, currency, '', now(), now() FROM sales_order"
        " WHERE campaign_id = $1",
        sale.id,
    )
    await connection.execute(
        "UPDATE slot SET order_id = o.id FROM (SELECT id, row_number() OVER () AS n"
        " FROM sales_order WHERE campaign_id = $1) o WHERE slot.pool_id = $2 AND slot.number = o.n",
        sale.id,
        sale.items[0].pool_id,
    )
    for table in ("sales_order", "order_line", "payment", "slot"):
        await connection.execute(f"VACUUM ANALYZE {table}")
    await connection.close()


if __name__ == "__main__":
    main()
