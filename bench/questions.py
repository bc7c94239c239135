"""Benches of one question each: ``make bench BENCH_ARGS=lists`` and its like."""

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import defences, hostile, lists, orders, planning, telling
from bench.engines import own_engines
from bench.load import Rate
from bench.overload import Overload, overload
from headless_presale.database import close_database, migrate, open_database
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings

OVERLOAD_SLOTS = 100_000
"""More than a machine sells while it is measured: a sale that is sold out costs nothing."""


NAMES = ("orders", "lists", "defences", "hostile", "planning", "telling")


def main() -> None:
    """Ask the question that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        choices=NAMES,
        help="placing orders, a merchant's lists over a million of them, what defences cost, what "
        "hostile requests do, what a field costs, or placing orders while a long list is told",
    )
    parser.add_argument(
        "--orders",
        type=int,
        help="orders per measurement (3,000), in the lists (1,000,000), or in a turn (40)",
    )
    parser.add_argument(
        "--overload-seconds", type=float, default=12.0, help="how long twice the capacity is sent"
    )
    parser.add_argument(
        "--turn-seconds", type=float, default=3.0, help="how long a turn is while mails go out"
    )
    parser.add_argument("--json", type=Path, help="write every figure to this file as well")
    arguments = parser.parse_args()
    if arguments.what == "hostile":
        _tell_hostile(asyncio.run(hostile.run()), arguments.json)
        return
    if arguments.what == "planning":
        _tell_planning(asyncio.run(planning.run()), arguments.json)
        return
    usual = {"orders": 3_000, "lists": 1_000_000, "defences": 40}
    count: int = arguments.orders or usual.get(arguments.what, 0)
    with own_engines() as (settings, _):
        if arguments.what == "lists":
            _tell_lists(asyncio.run(_run_lists(settings, count)), arguments.json)
            return
        if arguments.what == "defences":
            _tell_defences(asyncio.run(_run_defences(settings, count)), arguments.json)
            return
        if arguments.what == "telling":
            _tell_telling(
                asyncio.run(_run_telling(settings, arguments.turn_seconds)), arguments.json
            )
            return
        rows, flood = asyncio.run(_run(settings, count, arguments.overload_seconds))
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
    console.print(_table_of(flood))
    if arguments.json is not None:
        figures = {
            name: {**asdict(rate), "per_second": rate.per_second} for name, rate in rows.items()
        }
        arguments.json.write_text(json.dumps({**figures, "overload": flood.to_json()}, indent=2))
    console.print(f"{count} orders each, {orders.CONCURRENCY} at a time, durable engines; ", end="")
    console.print(f"largest memory of this process {orders.memory_mb():.0f} MB")


async def _run_lists(settings: Settings, count: int) -> dict[str, lists.Figure]:
    assert settings.database_url
    configure_logs(log_format="console", level="ERROR")
    await migrate(settings.database_url)
    await open_database(settings.database_url)
    try:
        return await lists.run(settings.database_url, orders=count, tell=print)
    finally:
        await close_database()


def _tell_lists(figures: dict[str, lists.Figure], file: Path | None) -> None:
    table = Table("list", "p50 ms", "p95 ms", "ratio", "pages", "read from: rows (left out)")
    floor = figures[lists.FLOOR].p50_ms
    for name, figure in figures.items():
        table.add_row(
            name,
            f"{figure.p50_ms:.1f}",
            f"{figure.p95_ms:.1f}",
            f"{figure.p50_ms / floor:.1f}",
            f"{figure.buffers:,}",
            figure.plan,
        )
    Console().print(table)
    if file is not None:
        file.write_text(json.dumps(lists.to_json(figures), indent=2))


async def _run_defences(settings: Settings, count: int) -> defences.Table:
    async with _opened(settings):
        return await defences.run(requests=count)


async def _run_telling(settings: Settings, seconds: float) -> telling.Telling:
    async with _opened(settings) as database_url:
        return await telling.run(database_url, seconds=seconds)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[str]:
    """Open migrated engines in this process and name them to those that it starts."""
    assert settings.database_url
    assert settings.redis_url
    configure_logs(log_format="console", level="ERROR")
    await migrate(settings.database_url)
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = settings.database_url, settings.redis_url
    async with open_runtime(settings):
        yield settings.database_url


def _tell_defences(figures: defences.Table, file: Path | None) -> None:
    told = {
        what: {name: costs.compared_with(servers[defences.NONE]) for name, costs in servers.items()}
        for what, servers in figures.items()
    }
    console = Console()
    for what, servers in told.items():
        table = Table(what, "processor us", "ratio", "quartiles", "wait p50 us", "ratio")
        for name, costs in servers.items():
            table.add_row(
                name,
                f"{costs['cpu_us']:,.0f}",
                f"{costs['cpu_ratio']:.2f}",
                f"{costs['cpu_ratio_low']:.2f}-{costs['cpu_ratio_high']:.2f}",
                f"{costs['wait_us']:,.0f}",
                f"{costs['wait_ratio']:.2f}",
            )
        console.print(table)
    if file is not None:
        file.write_text(json.dumps(told, indent=2))


def _tell_telling(figures: telling.Telling, file: Path | None) -> None:
    told = figures.to_json()
    table = Table("while mails go out", "nobody told", "told", "ratio")
    for name, of in (("order, p50 ms", "p50"), ("order, p99 ms", "p99")):
        alone, beside = told[f"alone_{of}_ms"], told[f"beside_{of}_ms"]
        table.add_row(name, f"{alone:.1f}", f"{beside:.1f}", f"{beside / alone:.2f}")
    for name, alone, beside in (
        ("orders a second", figures.alone_per_second, figures.beside_per_second),
        ("mails a second, without buyers and with", figures.mails_alone, figures.mails_beside),
    ):
        table.add_row(name, f"{alone:,.0f}", f"{beside:,.0f}", f"{beside / alone:.2f}")
    for name, figure in (
        ("processor time of a mail, us", f"{figures.mail_cpu_us:,.0f}"),
        ("transactions of a mail that write", f"{figures.mail_writes:.1f}"),
        ("bytes of a mail in the database's log", f"{figures.mail_wal_bytes:,.0f}"),
    ):
        table.add_row(name, figure, "", "")
    Console().print(table)
    if file is not None:
        file.write_text(json.dumps(told, indent=2))


def _tell_planning(rows: list[planning.Costs], file: Path | None) -> None:
    table = Table("what a field adds", "graphql-core, us", "planned, us", "ratio")
    for row in rows:
        ratio = row.executor_us / row.planned_us
        table.add_row(row.kind, f"{row.executor_us:.1f}", f"{row.planned_us:.1f}", f"{ratio:.1f}")
    Console().print(table)
    if file is not None:
        file.write_text(json.dumps([asdict(row) for row in rows], indent=2))


def _tell_hostile(figures: dict[str, hostile.Figure], file: Path | None) -> None:
    table = Table("hostile request", "CPU ms", "largest", "status", "answer bytes")
    for name, figure in figures.items():
        table.add_row(
            name,
            f"{figure.median_ms:.1f}",
            f"{figure.largest_ms:.1f}",
            str(figure.status),
            str(figure.answer_bytes),
        )
    Console().print(table)
    if file is not None:
        file.write_text(json.dumps({n: asdict(f) for n, f in figures.items()}, indent=2))


def _table_of(flood: Overload) -> Table:
    table = Table("twice the capacity over HTTP", "")
    for name, value in (
        ("capacity, orders a second", f"{flood.capacity:,.0f}"),
        ("offered, requests a second", f"{flood.offered:,.0f}"),
        ("goodput, orders a second", f"{flood.goodput:,.0f}"),
        ("goodput to capacity", f"{flood.goodput_ratio:.2f}"),
        ("accepted p50 / p99 ms", f"{flood.accepted_p50_ms:.0f} / {flood.accepted_p99_ms:.0f}"),
        ("at capacity p99 ms", f"{flood.capacity_p99_ms:.0f}"),
        ("refused, typed and with Retry-After", f"{flood.refused:,}"),
        ("refused p50 / p99 ms", f"{flood.refused_p50_ms:.1f} / {flood.refused_p99_ms:.1f}"),
        ("any other answer", str(flood.wrong or 0)),
        ("arrivals the generator could not send", str(flood.unsent)),
    ):
        table.add_row(name, value)
    return table


async def _run(
    settings: Settings, count: int, overload_seconds: float
) -> tuple[dict[str, Rate], Overload]:
    async with _opened(settings) as database_url:
        # The warm-up fills caches and connections, and its sale is the one that is sold out.
        sale = await orders.sales(
            {
                "warm-up": 500,
                "use-case": count,
                "http": count,
                "overload": OVERLOAD_SLOTS,
                "listeners-1": count,
                "listeners-20": count,
            }
        )
        await orders.use_case(sale["warm-up"], count=500)
        rows = {
            "database floor": await orders.floor(database_url, count=count),
            "place_order": await orders.use_case(sale["use-case"], count=count),
            "sold out": await orders.sold_out(sale["warm-up"], count=count),
        }
        with orders.api_process() as url:
            rows["orderPlace over HTTP"] = await orders.over_http(sale["http"], url, count=count)
            flood = await overload(sale["overload"], url, seconds=overload_seconds)
        for listeners, more in ((1, 1), (20, 19)):
            await orders.listen(more)
            rows[f"place_order, {listeners} webhook listeners"] = await orders.use_case(
                sale[f"listeners-{listeners}"], count=count
            )
    return rows, flood
