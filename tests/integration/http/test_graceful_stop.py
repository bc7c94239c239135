"""SIGTERM to a real ``serve``: what was accepted is answered whole, streams end, none enters.

One process and two; each has requests in progress because a lock that they need is held.
"""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headless_presale.kernel import clock
from headless_presale.slots.admission import keys_of
from resolvers.global_ids import seal
from tests.support.api import PLACE, order_in, order_request
from tests.support.processes import ApiProcess, until_ready
from tests.support.servers import until
from tests.support.shop import TERMS, Sale, open_sale

AVAILABILITY = "subscription ($id: ID!) { campaignAvailability(campaignId: $id) { status } }"
BUYERS = 12
STOP_SECONDS = 10
"""Less than the fifteen seconds after which uvicorn cuts off what has not ended."""


@pytest.fixture
async def sale(database: str, redis: Redis) -> Sale:
    """A sale by the real clock, as another process sees it."""
    ships_by = (clock.now() + timedelta(days=90)).date()
    return await open_sale(
        terms={**TERMS, "ships_by": ships_by},
        item={"batches": [{"capacity": 50, "ships_by": ships_by}]},
    )


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
async def api(
    request: pytest.FixtureRequest, database: str, redis_url: str, sale: Sale, tmp_path: Path
) -> AsyncIterator[ApiProcess]:
    patient = {"PRESALE_STATEMENT_TIMEOUT_MS": "20000"}
    with ApiProcess(database, redis_url, tmp_path, patient, workers=request.param) as process:
        # Three interpreters that load everything, on a machine that runs the other tests as well.
        await until_ready(f"{process.url}/readyz", process, seconds=100)
        yield process


async def test_what_was_accepted_is_answered_whole(
    api: ApiProcess, sale: Sale, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    reservations = keys_of(sale.pool_id)["pending"]
    async with (
        httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=30) as client,
        _socket(api.url) as socket,
        _socket(api.url) as follower,
        _following(api.url, sale) as stream,
    ):
        variables = {"id": seal("Campaign", sale.campaign.id)}
        await _subscribe(follower, AVAILABILITY, variables)
        assert json.loads(await follower.recv())["type"] == "next"

        # given: orders in progress, over HTTP and over a socket
        async with database_admin.transaction():
            await database_admin.execute("LOCK TABLE customer_quota IN EXCLUSIVE MODE")
            waiting = [
                asyncio.create_task(
                    client.post("/graphql", json=order_request(sale, f"buyer{number}"))
                )
                for number in range(BUYERS)
            ]
            await _subscribe(socket, PLACE, order_request(sale, "socket")["variables"])
            await until(lambda: _has_entries(redis, reservations, BUYERS + 1))

            # when
            psutil.Process(api.pid).send_signal(signal.SIGTERM)

            # then: streams end at once, and nobody else is let in
            assert await asyncio.wait_for(_rest_of(stream), STOP_SECONDS)
            assert await _close_code(follower) in (1001, 1012)
            await until(lambda: _is_refused(api.url), seconds=STOP_SECONDS)
            assert not any(task.done() for task in waiting)

        # and what was accepted is finished
        numbers = [order_in(answer)["lines"] for answer in await asyncio.gather(*waiting)]
        assert json.loads(await socket.recv())["payload"]["data"]["orderPlace"]["userErrors"] == []
        assert await asyncio.to_thread(api.wait_dead, STOP_SECONDS) in (0, -signal.SIGTERM)
    assert len({line["slotNumbers"][0] for (line,) in numbers}) == BUYERS
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == BUYERS + 1


@pytest.mark.parametrize("api", [1], ids=["one process"], indirect=True)
async def test_open_streams_alone_do_not_hold_it_up(api: ApiProcess, sale: Sale) -> None:
    async with _following(api.url, sale) as stream, _socket(api.url) as follower:
        variables = {"id": seal("Campaign", sale.campaign.id)}
        await _subscribe(follower, AVAILABILITY, variables)
        assert json.loads(await follower.recv())["type"] == "next"

        psutil.Process(api.pid).send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(_rest_of(stream), STOP_SECONDS)
        assert await _close_code(follower) in (1001, 1012)
        assert await asyncio.to_thread(api.wait_dead, STOP_SECONDS) in (0, -signal.SIGTERM)


@contextlib.asynccontextmanager
async def _following(url: str, sale: Sale) -> AsyncIterator[AsyncIterator[bytes]]:
    """Follow the sale over server-sent events; the first of them has come."""
    body = {"query": AVAILABILITY, "variables": {"id": seal("Campaign", sale.campaign.id)}}
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        client.stream(
            "POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}
        ) as answer,
    ):
        chunks = answer.aiter_bytes()
        read = b""
        while b"event: next" not in read:
            read += await anext(chunks)
        yield chunks


async def _rest_of(chunks: AsyncIterator[bytes]) -> bool:
    """Read to the end; True when it is a proper one: a broken transfer raises."""
    async for _ in chunks:
        continue
    return True


@contextlib.asynccontextmanager
async def _socket(url: str) -> AsyncIterator[ClientConnection]:
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def _subscribe(socket: ClientConnection, document: str, variables: dict[str, Any]) -> None:
    payload = {"query": document, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def _close_code(socket: ClientConnection) -> int | None:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(STOP_SECONDS):
            while True:
                await socket.recv()
    return socket.close_code


async def _has_entries(redis: Redis, key: str, count: int) -> bool:
    return bool(await redis.hlen(key) == count)


async def _is_refused(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as newcomer:
        try:
            await newcomer.get("/livez")
        except httpx.ConnectError:
            return True
        except httpx.HTTPError:
            return False
    return False
