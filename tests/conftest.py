"""What every test shares: one pair of engines per run, one database and Redis per worker.

The run starts throw-away engines once and migrates one template database. Each worker copies the
template and empties its copy before each test that asks for ``database``. Set
``PRESALE_TEST_DATABASE_URL`` (a superuser's address) and ``PRESALE_TEST_REDIS_URL`` to run the
suite on engines of your own.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
import structlog
from redis.asyncio import Redis

from headless_presale.campaigns import forget_all
from headless_presale.checkout import drain
from headless_presale.customers import ProviderClients, WeChatApi, set_provider_clients
from headless_presale.database import close_database, migrate, open_database
from headless_presale.engines import throwaway_engines
from headless_presale.event_handlers import EVENT_HANDLERS
from headless_presale.identity import set_issuer
from headless_presale.identity.oauth.keys import forget_keys
from headless_presale.kernel import live
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.events import set_event_handlers
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import set_publisher
from headless_presale.kernel.vault import set_secret_key
from headless_presale.webhooks import Outlet, set_outlet

TEMPLATE = "presale_template"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The moment at which tests with a manual clock begin."""

SECRET_KEY = "a secret key of tests, as long as a real one"
ISSUER = "http://127.0.0.1:8000"

LONG_FIRST = ("failpoints", "chaos", "model", "integration/migrations", "integration/cli", "e2e")
"""Folders whose files take longest: begun last, one of them would keep a single worker busy."""

_engines = ExitStack()

# Each client reads every authority there is, which takes most of the time of making one; of all
# that are made here hardly one speaks TLS.
_transports: Any = httpx._transports.default
_transports.create_ssl_context = cache(_transports.create_ssl_context)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; otherwise as the files lie."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        ranks = (i for i, name in enumerate(LONG_FIRST) if path.startswith(f"{name}/"))
        return next(ranks, len(LONG_FIRST))

    items.sort(key=rank)


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines once per run: in the controller, or in the only process."""
    # By default a traceback is drawn with the values of all variables, which can take seconds.
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    database_url = os.environ.get("PRESALE_TEST_DATABASE_URL")
    redis_url = os.environ.get("PRESALE_TEST_REDIS_URL")
    if not (database_url and redis_url):
        urls = _engines.enter_context(throwaway_engines())
        database_url = database_url or urls.database_url
        redis_url = redis_url or urls.redis_url
    assert database_url
    assert redis_url
    asyncio.run(_make_template(database_url))
    config.stash[_URLS] = (database_url, redis_url)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    _engines.close()


_URLS = pytest.StashKey[tuple[str, str]]()


class _HandOver:
    """Gives the addresses to pytest-xdist's workers."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["urls"] = node.config.stash[_URLS]


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Register the hand-over once xdist is there."""
    if manager.hasplugin("xdist") and not manager.hasplugin("hand-over"):
        manager.register(_HandOver(), "hand-over")


def with_database(url: str, name: str) -> str:
    """Return the address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _make_template(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await connection.close()
    await migrate(with_database(admin_url, TEMPLATE))


@pytest.fixture(scope="session")
def engine_urls(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the run's (database, Redis) addresses."""
    worker = getattr(request.config, "workerinput", None)
    database_url, redis_url = worker["urls"] if worker else request.config.stash[_URLS]
    return database_url, redis_url


@pytest.fixture(scope="session")
async def worker_database_url(engine_urls: tuple[str, str], worker_id: str) -> AsyncIterator[str]:
    """Return the address of this worker's own copy of the template."""
    name = f"presale_{worker_id}"
    connection = await asyncpg.connect(engine_urls[0])
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield with_database(engine_urls[0], name)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="session")
async def open_worker_database(worker_database_url: str) -> AsyncIterator[str]:
    """Open this worker's pool for the whole run."""
    await open_database(worker_database_url, pool_size=40)
    yield worker_database_url
    await close_database()


@pytest.fixture(scope="session")
async def database_admin(worker_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection beside the product's pool: what tests look at the truth with."""
    connection = await asyncpg.connect(worker_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(open_worker_database: str, database_admin: asyncpg.Connection) -> str:
    """Return the address of an open, migrated and empty database."""
    await empty(database_admin)
    forget_all()
    forget_keys()
    set_secret_key(SECRET_KEY)
    set_issuer(ISSUER)
    set_event_handlers(EVENT_HANDLERS)
    set_outlet(Outlet())
    set_provider_clients(ProviderClients(wechat=WeChatApi("http://127.0.0.1:1")))
    return open_worker_database


FEW_BYTES = 512 * 1024
"""Up to this size a table's rows are deleted, which takes a tenth of what truncating takes."""


async def empty(connection: asyncpg.Connection) -> None:
    """Empty every table that has rows and begin its numbers anew; the migrations' record stays.

    Most tests leave a few rows in a few tables, and a table that nobody has touched costs nothing.
    """
    touched = await connection.fetch(
        "SELECT oid::regclass::text AS name, pg_relation_size(oid) AS size FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
        "AND relname <> 'tortoise_migrations' AND pg_relation_size(oid) > 0"
    )
    large = [row["name"] for row in touched if row["size"] > FEW_BYTES]
    statements = [f"DELETE FROM {row['name']};" for row in touched if row["size"] <= FEW_BYTES]
    if large:
        statements.insert(0, f"TRUNCATE {', '.join(large)} RESTART IDENTITY CASCADE;")
    async with connection.transaction():
        # Nothing is left that a foreign key or a trigger could speak for.
        await connection.execute(
            "SET LOCAL session_replication_role = replica;" + "".join(statements)
        )
        await connection.execute(
            "SELECT setval(quote_ident(sequencename)::regclass, start_value, false) "
            "FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        )


@pytest.fixture(scope="session")
def redis_url(engine_urls: tuple[str, str], worker_id: str) -> str:
    """Return the address of this worker's own Redis database."""
    number = 1 + int(worker_id.removeprefix("gw") or 0) if worker_id != "master" else 1
    parts = urlsplit(engine_urls[1])
    if parts.scheme == "unix":
        return urlunsplit(parts._replace(query=f"db={number}"))
    return urlunsplit(parts._replace(path=f"/{number}"))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Return the process's Redis client, open on this worker's own, empty database."""
    client = open_redis(redis_url, timeout_seconds=2.0)
    await client.flushdb()
    set_publisher(live.publish)
    yield client
    # What was put off the response path must not outlive the connection it needs.
    await drain()
    set_publisher(None)
    await close_redis()


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """Put a clock in place that stands at noon of 1 March 2026 until it is moved."""
    manual = ManualClock(NOON)
    with use_clock(manual):
        yield manual


MATRICES = {"tenancy_checks": "tenancy matrix", "customer_checks": "customers' matrix"}
"""What a test records its questions as -> what they were asked for."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many questions the matrices asked, over all workers."""
    counts: dict[str, list[int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                counts.setdefault(name, []).append(value)
    for name, title in MATRICES.items():
        if asked := counts.get(name):
            terminalreporter.write_line(f"{title}: {sum(asked)} questions in {len(asked)} tests")


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Put back how this process logs, for tests that set it up as the product does."""
    root, server = logging.getLogger(), logging.getLogger("uvicorn.error")
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    configure = structlog.configure

    def configure_for_now(**options: Any) -> None:
        # A logger that is kept would log so for the rest of the process.
        configure(**{**options, "cache_logger_on_first_use": False})

    with patch.object(structlog, "configure", configure_for_now):
        yield
    root.handlers[:] = handlers
    root.setLevel(level)
    server.filters.clear()
    structlog.configure(**config)
