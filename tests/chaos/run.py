"""One run: a shop opens, sells through a storm, heals, and is asked every question there is."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
from pydantic import SecretStr
from redis.asyncio import Redis

from headless_presale.audits import audit_acknowledged, audit_database
from headless_presale.database import migrate
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings
from tests.chaos.audit import Auditor, audit_everything, figures_of, record
from tests.chaos.buyers import Crowd
from tests.chaos.calm import settle
from tests.chaos.cluster import GATEWAY_KEY, SECRET_KEY, WEBHOOK_SECRET, Cluster, Programs
from tests.chaos.engines import Engines
from tests.chaos.faults import Injector
from tests.chaos.journal import Journal
from tests.chaos.market import Market
from tests.chaos.merchants import Merchants, open_shop
from tests.chaos.report import Report, report_of
from tests.chaos.schedule import Fault, make_plan
from tests.chaos.storefront import Storefront
from tests.chaos.till import Till
from tests.chaos.undersell import count_undersold

ANSWER_SECONDS = 45.0
"""How long after the storm everybody must have an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What a run is like.

    Attributes:
        folder: where files, logs and the journal go; PostgreSQL's user has to be able to enter it.
        plan: the faults; None for those that follow from the seed.
        programs: what runs as API and worker.
        abandon_chance: how many buyers never come back after an answer that did not arrive.
        is_reconciled: whether slots are reconciled once all is quiet.
        stops_early: whether a violation in the storm ends the run with it.
    """

    seed: int
    minutes: float
    folder: Path
    plan: Sequence[Fault] | None = None
    apis: int = 2
    workers: int = 1
    buyers: int = 8
    programs: Programs = field(default_factory=Programs)
    abandon_chance: float = 0.1
    is_reconciled: bool = True
    stops_early: bool = False


async def run(storm: Storm) -> Report:
    """Weather a storm; return what it came to. Everything it starts is gone afterwards.

    Raises:
        EnginesUnsupported: there are no embedded engines for this platform.
    """
    configure_logs(log_format="json", level="ERROR")
    journal = Journal(storm.folder / "journal.jsonl")
    journal.open()
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        engines = Engines(storm.folder / "engines")
        stack.push_async_callback(engines.stop)
        await engines.start()
        await migrate(engines.database_url)
        cluster = Cluster(
            storm.folder,
            engines,
            journal,
            apis=storm.apis,
            workers=storm.workers,
            programs=storm.programs,
            seed=storm.seed,
        )
        stack.push_async_callback(cluster.stop)
        await cluster.start()
        settings = Settings(
            database_url=engines.database_url,
            redis_url=engines.redis_url,
            data_dir=storm.folder / "data",
            secret_key=SecretStr(SECRET_KEY),
            sandbox_gateway_url=cluster.gateway_url,
            sandbox_gateway_api_key=SecretStr(GATEWAY_KEY),
            sandbox_gateway_webhook_secret=SecretStr(WEBHOOK_SECRET),
        )
        await stack.enter_async_context(open_runtime(settings))
        stack.enter_context(acting_as("merchant"))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        return await _sell(storm, cluster, session, journal)


async def _sell(
    storm: Storm, cluster: Cluster, session: aiohttp.ClientSession, journal: Journal
) -> Report:
    engines = cluster.engines
    till = Till(session, cluster.gateway_url, journal)
    storefront = Storefront(session, cluster.url, journal)
    shop = await open_shop()
    market = Market(shop.id)
    merchants = Merchants(shop, market, till, journal, seed=storm.seed)
    crowd = Crowd(
        storefront,
        till,
        market,
        journal,
        seed=storm.seed,
        abandon_chance=storm.abandon_chance,
    )
    auditor = Auditor(engines.database_url, journal)
    plan = storm.plan
    if plan is None:
        plan = make_plan(storm.seed, storm.minutes, apis=storm.apis, workers=storm.workers)
    await merchants.open_first()
    journal.begin()
    ends_at = time.monotonic() + storm.minutes * 60
    crowd.open(storm.buyers)
    merchants.start()
    auditor.start()
    try:
        await Injector(cluster, journal).carry_out(plan)
        await asyncio.sleep(max(0.0, ends_at - time.monotonic()))
    finally:
        crowd.close()
        await merchants.stop()
    if storm.stops_early and journal.violations:
        await crowd.leave(within_seconds=None)
    else:
        await cluster.heal()
        journal.note("healed")
        storefront.gives_up_at = time.monotonic() + ANSWER_SECONDS
        await crowd.leave(within_seconds=ANSWER_SECONDS + 15)
    await auditor.stop()
    journal.note("sale_closed")
    connection = await asyncpg.connect(engines.database_url)
    redis = Redis.from_url(engines.redis_url, decode_responses=True)
    try:
        undersell = 0
        if not (storm.stops_early and journal.violations):
            undersell = await _ask_everything(
                storm, cluster, connection, redis, till, storefront, market, journal
            )
        # What was sold last is as true as the rest.
        record(journal, await audit_database(connection))
        told = list(journal.acknowledged.values())
        record(journal, await audit_acknowledged(connection, told))
        figures = await figures_of(connection)
    finally:
        await redis.aclose()
        await connection.close()
    return report_of(
        journal,
        seed=storm.seed,
        minutes=storm.minutes,
        undersell=undersell,
        figures=figures,
    )


async def _ask_everything(
    storm: Storm,
    cluster: Cluster,
    connection: asyncpg.Connection,
    redis: Redis,
    till: Till,
    storefront: Storefront,
    market: Market,
    journal: Journal,
) -> int:
    """Let the shop come to rest, ask every question, buy what is left; return the undersell."""
    await settle(cluster, connection, till, journal, is_reconciled=storm.is_reconciled)
    for name in cluster.members:
        if name.startswith("worker"):
            cluster.hold(name)
    journal.note("settled")
    await audit_everything(connection, redis, till, market, journal)
    storefront.gives_up_at = time.monotonic() + ANSWER_SECONDS
    return await count_undersold(connection, storefront, market, journal)
