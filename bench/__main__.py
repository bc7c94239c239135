"""``make bench``: orders per second and their ratio to what the database alone allows."""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import orders
from bench.load import Rate
from headless_presale.cli.session import engines
from headless_presale.database import migrate
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings, get_settings


def main() -> None:
    """Run every benchmark once and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--orders", type=int, default=3_000, help="orders per measurement")
    count: int = parser.parse_args().orders
    with tempfile.TemporaryDirectory(prefix="presale-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["PRESALE_DATA_DIR"] = folder
        os.environ["PRESALE_LOG_LEVEL"] = "ERROR"
        get_settings.cache_clear()
        with engines() as settings:
            rows = asyncio.run(_run(settings, count))
    table = Table("measurement", "per second", "p50 ms", "p99 ms", "ratio to the floor")
    floor = rows["database floor"].per_second
    for name, rate in rows.items():
        table.add_row(
            name,
            f"{rate.per_second:,.0f}",
            f"{rate.p50_ms:.1f}",
            f"{rate.p99_ms:.1f}",
            f"{rate.per_second / floor:.2f}",
        )
    console = Console()
    console.print(table)
    console.print(f"{count} orders each, {orders.CONCURRENCY} at a time, durable engines; ", end="")
    console.print(f"largest memory of this process {orders.memory_mb():.0f} MB")


async def _run(settings: Settings, count: int) -> dict[str, Rate]:
    assert settings.database_url
    assert settings.redis_url
    configure_logs(log_format="console", level="ERROR")
    await migrate(settings.database_url)
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = settings.database_url, settings.redis_url
    async with open_runtime(settings):
        # The warm-up fills caches and connections, and its sale is the one that is sold out.
        sale = await orders.sales({"warm-up": 500, "use-case": count, "http": count})
        await orders.use_case(sale["warm-up"], count=500)
        rows = {
            "database floor": await orders.floor(settings.database_url, count=count),
            "place_order": await orders.use_case(sale["use-case"], count=count),
            "sold out": await orders.sold_out(sale["warm-up"], count=count),
        }
        with orders.api_process() as url:
            rows["orderPlace over HTTP"] = await orders.over_http(sale["http"], url, count=count)
    return rows


if __name__ == "__main__":
    main()
