"""The whole product as its users meet it: API and worker of ours, the gateway's own process.

The API listens on a real port and the worker works off real jobs, both in this process so that
the clock of a test is theirs too. The sandbox gateway is a process of its own and keeps real time.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from pydantic import SecretStr
from redis.asyncio import Redis

from headless_presale.cli.server import Server, server_config
from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from headless_presale.worker import create_job_app, run_worker
from schema.asgi import create
from tests.support.commands import run
from tests.support.node import node as node
from tests.support.oauth import World, open_world
from tests.support.processes import ProductProcess, free_port, until_ready

API_KEY = "end-to-end-api-key"
WEBHOOK_SECRET = "whsec_ZW5kLXRvLWVuZC13ZWJob29rLXNlY3JldC0wMQ=="


class QuietServer(Server):
    """The product's server; signals belong to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Stack:
    """A running product.

    Attributes:
        url: the API's base address.
        shop: a plain HTTP client of the API.
        graphql: the same API through the PyPI client gql, which has read its schema.
        gateway: a client of the sandbox gateway's own API, with its key.
        mail_dir: where mails are written.
        stop_worker: ends the worker, whose sweeps come on their own whatever a test does; returns
            when it has ended.
    """

    url: str
    settings: Settings
    shop: httpx.AsyncClient
    graphql: AsyncClientSession
    gateway: httpx.AsyncClient
    clock: ManualClock
    database_url: str
    mail_dir: Path
    stop_worker: Callable[[], Awaitable[None]]

    async def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run an operation through gql, which knows the schema; top-level errors are raised."""
        request = gql(document)
        request.variable_values = variables
        return await self.graphql.execute(request)

    async def command(self, *arguments: str) -> str:
        """Run ``headless-presale ...`` as a merchant would; return what it printed."""
        environment = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": str(self.settings.redis_url),
            "PRESALE_DATA_DIR": str(self.settings.data_dir),
            "COLUMNS": "200",
        }
        done = await run(environment, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def sweep(self) -> None:
        """Have the worker do now what time has made due, instead of within five seconds."""
        app = create_job_app(self.database_url)
        async with app.open_async():
            for task in ("campaigns:sweep", "orders:sweep"):
                await app.configure_task(task, queueing_lock=None).defer_async(timestamp=0)
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until no job waits and no webhook is under way."""
        connection = await asyncpg.connect(self.database_url)
        try:
            async with asyncio.timeout(30):
                while True:
                    if not await self._is_busy(connection):
                        return
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    async def _is_busy(self, connection: asyncpg.Connection) -> bool:
        jobs = await connection.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') "
            "AND (scheduled_at IS NULL OR scheduled_at <= now())"
        )
        events = (await self.gateway.get("/v1/events", params={"limit": 100})).json()["data"]
        return bool(jobs) or any(event["delivery"]["status"] == "pending" for event in events)


@pytest.fixture(scope="session")
def api_port() -> int:
    """Return a free port for this worker's API."""
    return free_port()


@pytest.fixture(scope="session")
async def gateway_url(
    api_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Run the sandbox gateway as its own process for the whole run."""
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    environment = {
        "SANDBOX_GATEWAY_PORT": str(port),
        "SANDBOX_GATEWAY_API_KEY": API_KEY,
        "SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SANDBOX_GATEWAY_WEBHOOK_URL": f"http://127.0.0.1:{api_port}/webhooks/payments/sandbox",
        "SANDBOX_GATEWAY_RETRY_BASE_SECONDS": "0.2",
        "SANDBOX_GATEWAY_DATA_FILE": str(folder / "sandbox.db"),
    }
    with ProductProcess(["sandbox-gateway"], environment, folder / "log") as process:
        url = f"http://127.0.0.1:{port}"
        await until_ready(f"{url}/healthz", process)
        yield url


@pytest.fixture
async def stack(
    database: str,
    redis: object,
    redis_url: str,
    clock: ManualClock,
    api_port: int,
    gateway_url: str,
    tmp_path: Path,
) -> AsyncIterator[Stack]:
    """Run the API and the worker on an empty database."""
    settings = Settings(
        database_url=database,
        redis_url=redis_url,
        port=api_port,
        data_dir=tmp_path,
        secret_key=SecretStr("end-to-end"),
        database_pool_size=40,
        redis_timeout_seconds=2.0,
        sandbox_gateway_url=gateway_url,
        sandbox_gateway_api_key=SecretStr(API_KEY),
        sandbox_gateway_webhook_secret=SecretStr(WEBHOOK_SECRET),
    )
    config = server_config(
        create(settings),
        port=api_port,
        timeout_graceful_shutdown=5,
        # On a slow machine a connection may lie idle longer than uvicorn's five seconds, and be
        # closed in the very moment in which a client sends the next request over it.
        timeout_keep_alive=60,
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), "the API did not start"
        await asyncio.sleep(0.01)
    stop = asyncio.Event()
    working = asyncio.create_task(run_worker(database, stop))

    async def stop_worker() -> None:
        stop.set()
        await working

    url = f"http://127.0.0.1:{api_port}"
    gateway_client = httpx.AsyncClient(
        base_url=gateway_url, trust_env=False, headers={"Authorization": f"Bearer {API_KEY}"}
    )
    transport = AIOHTTPTransport(url=f"{url}/graphql")
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as shop,
        Client(transport=transport, fetch_schema_from_transport=True) as graphql,
        gateway_client as gateway,
    ):
        await gateway.post("/v1/test_helpers/webhooks", json={})
        await gateway.post("/v1/test_helpers/refunds", json={"outcome": "succeed"})
        mails = tmp_path / "mail"
        yield Stack(url, settings, shop, graphql, gateway, clock, database, mails, stop_worker)
    await stop_worker()
    server.should_exit = True
    await serving


@pytest.fixture
async def world(database: str, redis: Redis, redis_url: str) -> AsyncIterator[World]:
    """Serve the product at its own address, with an owner who is signed in."""
    async with open_world(database, redis_url) as world:
        yield world
