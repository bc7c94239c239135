"""Ten thousand clients that go away in the middle: the server is afterwards what it was before."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.ids import sign_token
from headless_presale.kernel.redis import MAX_CONNECTIONS
from headless_presale.slots import count_available
from resolvers.global_ids import seal
from tests.e2e.conftest import API_KEY, WEBHOOK_SECRET
from tests.e2e.storefront import CAMPAIGN, PAY
from tests.support.aborting import AbortingClients, Request
from tests.support.drop import PLACE, Drop, open_drop, order_input
from tests.support.invariants import broken_invariants, reconcile_later
from tests.support.processes import ApiProcess
from tests.support.servers import until
from tests.support.shop import Sale

ABORTED = 10_000
WARM_UP = 1_000
AT_ONCE = 64
CAPACITY = 60
PAYERS = 8
SECRET_KEY = "aborted"
POOL_SIZE = 5
"""So few that one lost connection in two thousand requests leaves none."""
MOST_LOST_CONNECTIONS = 1
"""In one whole run of several one connection stayed open beyond the pool; by which way is not known
yet (docs/reliability.md). A way that loses one in a thousand is found all the same."""
MOST_GROWTH_BYTES = 5 * 1024 * 1024
"""Half a kilobyte a request. Ten thousand were seen to add less than 0.1 MiB, twenty thousand 1."""


DATABASE_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'headless-presale'"""
ADVISORY_LOCKS = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory'"""


@pytest.fixture
async def server(
    database: str, redis: Redis, redis_url: str, gateway_url: str, tmp_path: Path
) -> AsyncIterator[ApiProcess]:
    """Run an API process with few connections and a gateway to pay with."""
    environment = {
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_DATABASE_POOL_SIZE": str(POOL_SIZE),
        "PRESALE_SANDBOX_GATEWAY_URL": gateway_url,
        "PRESALE_SANDBOX_GATEWAY_API_KEY": API_KEY,
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    with ApiProcess(database, redis_url, tmp_path, environment) as process:
        await process.until_ready()
        yield process


@dataclass(frozen=True)
class Held:
    """What a server holds when nobody asks it anything."""

    rss_bytes: int
    files: int
    database_connections: int
    redis_connections: int


def _requests(sale: Sale, orders: list[UUID]) -> Callable[[random.Random], Request]:
    campaign = {"shop": sale.shop.slug, "handle": sale.campaign.handle}

    def make(source: random.Random) -> Request:
        kind = source.random()
        if kind < 0.6:
            order = order_input(sale, source.randrange(1_000_000))
            return {"query": PLACE, "variables": {"input": order}}
        if kind < 0.95:
            return {"query": CAMPAIGN, "variables": campaign}
        order_id = source.choice(orders)
        payment = {
            "orderId": seal("Order", order_id),
            "token": sign_token(SECRET_KEY, "order", order_id),
            "leg": "FULL",
            "gateway": "sandbox",
            # Some of them are repeats.
            "idempotencyKey": f"pay-{source.randrange(40)}",
        }
        return {"query": PAY, "variables": {"input": payment}}

    return make


async def _metric(url: str, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{url}/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def _until_quiet(server: ApiProcess, admin: asyncpg.Connection) -> None:
    """Wait until nothing that was begun for a client goes on."""

    async def is_quiet() -> bool:
        busy = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'headless-presale' AND state <> 'idle'"
        )
        return busy == 0 and await _metric(server.url, "presale_live_subscribers ") == 0

    await until(is_quiet)
    # A stream notices within one of the server's own pauses that its client has gone.
    await asyncio.sleep(0.5)
    await until(is_quiet)


async def _held(server: ApiProcess, admin: asyncpg.Connection, redis: Redis) -> Held:
    await _until_quiet(server, admin)
    connections = await admin.fetchval(DATABASE_CONNECTIONS)
    # The server is shared by the workers of a run, each with a database number of its own.
    ours = str(redis.connection_pool.connection_kwargs["db"])
    clients = [client for client in await redis.client_list() if client["db"] == ours]
    return Held(
        rss_bytes=server.rss_bytes(),
        files=server.open_files(),
        database_connections=connections,
        redis_connections=len(clients),
    )


async def _has_at_most(admin: asyncpg.Connection, connections: int) -> bool:
    return bool(await admin.fetchval(DATABASE_CONNECTIONS) <= connections)


@pytest.mark.timeout(300)
async def test_aborted_requests_leave_nothing_behind(
    server: ApiProcess, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    # given: a server that has met every kind of abort, and some orders to pay
    sale = await open_drop(capacity=CAPACITY)
    payers = Drop(sale, [server.url])
    await payers.run(range(-PAYERS, 0), connections=4)
    subscription = {
        "query": "subscription ($id: ID!) { campaignAvailability(campaignId: $id) "
        "{ items { slotsLeft } } }",
        "variables": {"id": seal("Campaign", sale.campaign.id)},
    }
    clients = AbortingClients(
        server.url, _requests(sale, list(payers.told())), subscription, seed=20_260_301
    )
    await clients.run(WARM_UP, at_once=AT_ONCE)
    before = await _held(server, database_admin, redis)

    # when
    await clients.run(ABORTED, at_once=AT_ONCE)

    # then: it holds what it held
    after = await _held(server, database_admin, redis)
    growth = after.rss_bytes - before.rss_bytes
    print(f"\n{clients.aborted}; memory {growth / 1024:+.0f} KiB; {before} -> {after}")
    assert clients.aborted.total() == WARM_UP + ABORTED
    assert growth < MOST_GROWTH_BYTES
    # One that was given up in the middle of a statement may still be closing.
    most = before.database_connections + MOST_LOST_CONNECTIONS
    await until(lambda: _has_at_most(database_admin, most))
    # A pool may have grown in a rush, up to its bound: what lies beyond is a leak.
    assert after.redis_connections <= max(before.redis_connections, MAX_CONNECTIONS)
    grown = max(0, after.redis_connections - before.redis_connections)
    # The last of the sockets may still be closing.
    await until(lambda: server.open_files() <= before.files + grown + MOST_LOST_CONNECTIONS)
    assert await database_admin.fetchval(ADVISORY_LOCKS) == 0

    # and: Redis was never thought to be gone, and nothing was logged as an error of ours
    assert await _metric(server.url, "presale_redis_failures_total ") == 0
    assert "Traceback" not in server.log.read_text()

    # and: whoever was cut off owns a whole order or nothing; what nobody owns is on offer
    await reconcile_later(sale.pool_id)
    assert await broken_invariants(database_admin, redis) == {}
    free = await database_admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NULL")
    assert await count_available([sale.pool_id]) == {sale.pool_id: free}

    # and: it answers
    rest = Drop(sale, [server.url])
    await rest.run(range(2_000_000, 2_000_000 + CAPACITY), connections=AT_ONCE)
    assert len(rest.orders) == free
    assert rest.refusals == {"SlotsSoldOutError": CAPACITY - free}
    assert rest.comebacks == {}
