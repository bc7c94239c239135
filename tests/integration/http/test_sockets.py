"""One client holds so many sockets and streams, and none that he does not read."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from headless_presale.cli.http import DoorProtocol
from headless_presale.cli.socket_protocol import SocketProtocol
from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from headless_presale.sockets import MESSAGE
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.integration.http.clients import open_socket, receive, subscribe
from tests.support.api import api_serving, metric
from tests.support.servers import bind_free_port, until
from tests.support.shop import make_shop, open_sale
from tests.support.staff import sign_in

ANN = {"x-forwarded-for": "198.51.100.7"}
BEN = {"x-forwarded-for": "198.51.100.8"}
REFUSED = 'presale_requests_refused_total{reason="sockets"}'
OPEN_STREAMS = 'presale_sockets_open{kind="stream"}'
OPEN_SOCKETS = 'presale_sockets_open{kind="socket"}'
CUT_OFF = "presale_connections_cut_off_total"
TYPES = "{ __schema { types { name description fields { name description } } } }"
FOLLOW = "subscription ($id: ID!) { campaignAvailability(campaignId: $id) { __typename } }"


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    return {
        "database_url": database,
        "redis_url": redis_url,
        "data_dir": tmp_path,
        "secret_key": SECRET_KEY,
        # This machine as the proxy in front: then a test chooses who it is.
        "trusted_proxies": "127.0.0.0/8",
        "max_sockets_per_client": 2,
    }


@asynccontextmanager
async def serving(
    settings: dict[str, Any],
    *,
    sockets: type[asyncio.Protocol] = SocketProtocol,
    protocol: type[asyncio.Protocol] = DoorProtocol,
    **changes: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    complete = Settings.model_validate({**settings, **changes})
    listener = bind_free_port()
    # Next to no room for what a client does not read; connections inherit it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    async with api_serving(
        complete, sockets=sockets, protocol=protocol, listener=listener
    ) as client:
        yield client


async def close_code(client: httpx.AsyncClient, **headers: str) -> tuple[int, str]:
    """Open a socket that is to be refused; return why."""
    with pytest.raises(ConnectionClosed) as closed:
        async with open_socket(client, **headers):
            pass
    told = closed.value.rcvd
    assert told is not None
    return told.code, told.reason


class TestHowMany:
    async def test_one_more_is_refused_until_one_has_gone(self, settings: dict[str, Any]) -> None:
        async with serving(settings) as client, AsyncExitStack() as stack:
            refused, opened = await metric(client, REFUSED), await metric(client, OPEN_SOCKETS)
            first = await stack.enter_async_context(open_socket(client, **ANN))
            await stack.enter_async_context(open_socket(client, **ANN))
            assert await close_code(client, **ANN) == (4429, MESSAGE)
            assert await metric(client, REFUSED) == refused + 1
            assert await metric(client, OPEN_SOCKETS) == opened + 2

            # A stream of his is one connection more as well.
            stream = {**ANN, "accept": "text/event-stream"}
            answer = await client.post("/graphql", json={"query": TYPES}, headers=stream)
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "5"
            extensions = {"code": "TOO_MANY_CONNECTIONS", "retryAfterSeconds": 5}
            assert answer.json()["errors"] == [{"message": MESSAGE, "extensions": extensions}]

            # Others come in, and he himself when one of his has gone.
            await stack.enter_async_context(open_socket(client, **BEN))
            await first.close()

            async def has_gone() -> bool:
                return await metric(client, OPEN_SOCKETS) == opened + 2

            await until(has_gone)
            await stack.enter_async_context(open_socket(client, **ANN))
        # Control: without the limit there is no end to them.
        async with (
            serving(settings, max_sockets_per_client=0) as client,
            AsyncExitStack() as stack,
        ):
            for _ in range(4):
                await stack.enter_async_context(open_socket(client, **ANN))

    async def test_streams_count_while_they_are_open(
        self, settings: dict[str, Any], clock: ManualClock
    ) -> None:
        sale = await open_sale()
        body = {"query": FOLLOW, "variables": {"id": seal("Campaign", sale.campaign.id)}}
        stream = {**ANN, "accept": "text/event-stream"}
        async with serving(settings) as client:
            for _ in range(3):
                # Those that end give their place back.
                answer = await client.post(
                    "/graphql", json={"query": "{ __typename }"}, headers=stream
                )
                assert answer.status_code == 200
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    request = client.stream("POST", "/graphql", json=body, headers=stream)
                    opened = await stack.enter_async_context(request)
                    assert opened.status_code == 200
                assert (await close_code(client, **ANN))[0] == 4429

    async def test_a_stream_counts_however_it_is_asked_for(
        self, settings: dict[str, Any], clock: ManualClock
    ) -> None:
        sale = await open_sale()
        body = {"query": FOLLOW, "variables": {"id": seal("Campaign", sale.campaign.id)}}
        async with serving(settings) as client, AsyncExitStack() as stack:
            opened = await metric(client, OPEN_STREAMS)
            for accept in ("*/*", "Text/Event-Stream"):
                headers = {**ANN, "accept": accept}
                request = client.stream("POST", "/graphql", json=body, headers=headers)
                answer = await stack.enter_async_context(request)
                assert answer.headers["content-type"].startswith("text/event-stream")
            assert await metric(client, OPEN_STREAMS) == opened + 2

            one_more = await client.post("/graphql", json=body, headers=ANN)

            assert one_more.status_code == 429
            assert one_more.headers["retry-after"] == "5"
            (error,) = one_more.json()["errors"]
            assert error["extensions"]["code"] == "TOO_MANY_CONNECTIONS"
            # What ends by itself is none, and is answered.
            asked = await client.post("/graphql", json={"query": "{ __typename }"}, headers=ANN)
            assert asked.status_code == 200

    async def test_a_grant_s_streams_count_wherever_they_are(
        self, settings: dict[str, Any], clock: ManualClock
    ) -> None:
        sale = await open_sale()
        body = {"query": FOLLOW, "variables": {"id": seal("Campaign", sale.campaign.id)}}
        # A stream ends with its token, by the machine's own clock.
        clock.advance(datetime.now(UTC) - clock.now())
        async with serving(settings) as client, AsyncExitStack() as stack:
            bearer = f"Bearer {(await sign_in(sale.shop)).token}"
            statuses = []
            for number in range(3):
                where = {"x-forwarded-for": f"203.0.113.{number}", "authorization": bearer}
                request = client.stream("POST", "/graphql", json=body, headers=where)
                statuses.append((await stack.enter_async_context(request)).status_code)
            assert statuses == [200, 200, 429]

    async def test_a_grant_counts_wherever_it_is(self, settings: dict[str, Any]) -> None:
        shop = await make_shop()
        async with serving(settings) as client, AsyncExitStack() as stack:
            caller = await sign_in(shop)
            params = {"authorization": f"Bearer {caller.token}"}
            for number in range(2):
                await stack.enter_async_context(_signed_in(client, number, params))
            with pytest.raises(ConnectionClosed) as closed:
                await stack.enter_async_context(_signed_in(client, 3, params))
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4429
            # Whoever is there without it is let in.
            await stack.enter_async_context(_signed_in(client, 4, {}))

    async def test_this_machine_may_hold_any_number(self, settings: dict[str, Any]) -> None:
        async with serving(settings, trusted_proxies="") as client, AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(open_socket(client))

    async def test_a_handshake_counts_as_a_request(self, settings: dict[str, Any]) -> None:
        async with serving(settings, rate_limit_requests=1) as client:
            async with open_socket(client, **ANN):
                pass
            with pytest.raises(InvalidStatus) as refused:
                async with open_socket(client, **ANN):
                    pass
            answer = refused.value.response
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.body is not None
            (error,) = json.loads(answer.body)["errors"]
            assert error["extensions"]["code"] == "RATE_LIMITED"
            # Others shake hands.
            async with open_socket(client, **BEN):
                pass


class TestWhoDoesNotRead:
    async def test_a_socket_is_cut_off(self, settings: dict[str, Any]) -> None:
        class Impatient(SocketProtocol):
            stalled_seconds = 0.2

        async with serving(settings, sockets=Impatient) as client:
            before = await metric(client, CUT_OFF)
            opened = await metric(client, OPEN_SOCKETS)
            async with unread(client):

                async def is_cut_off() -> bool:
                    return await metric(client, CUT_OFF) == before + 1

                async def has_ended() -> bool:
                    return await metric(client, OPEN_SOCKETS) == opened

                await until(is_cut_off)
                await until(has_ended)

    async def test_control_closing_it_in_order_would_wait_for_ever(
        self, settings: dict[str, Any]
    ) -> None:
        made: list[WebSocketsSansIOProtocol] = []

        class Patient(WebSocketsSansIOProtocol):
            def connection_made(self, transport: Any) -> None:
                made.append(self)
                super().connection_made(transport)

        async with serving(settings, sockets=Patient) as client:
            opened = await metric(client, OPEN_SOCKETS)
            async with unread(client):
                await until(lambda: bool(made) and not made[0].writable.is_set())
                # What uvicorn does when nobody answers its pings.
                made[0].keepalive_timeout()
                for _ in range(10):
                    assert await metric(client, OPEN_SOCKETS) == opened + 1

    async def test_one_that_reads_is_served_whole(self, settings: dict[str, Any]) -> None:
        async with serving(settings) as client, open_socket(client, **ANN) as reading:
            before = await metric(client, CUT_OFF)
            for number in range(20):
                await subscribe(reading, str(number), TYPES, {})
            kinds = [(await receive(reading))["type"] for _ in range(40)]
            assert sorted(kinds) == ["complete"] * 20 + ["next"] * 20
            assert await metric(client, CUT_OFF) == before

    async def test_an_answer_is_cut_off_too(self, settings: dict[str, Any]) -> None:
        class Impatient(DoorProtocol):
            stalled_seconds = 0.2

        async with serving(settings, protocol=Impatient) as client:
            before = await metric(client, CUT_OFF)
            at = urlsplit(str(client.base_url))
            with contextlib.closing(_deaf_socket()) as deaf:
                await asyncio.get_running_loop().sock_connect(deaf, (at.hostname, at.port))
                body = json.dumps({"query": TYPES}).encode()
                head = (
                    f"POST /graphql HTTP/1.1\r\nHost: {at.netloc}\r\n"
                    "Content-Type: application/json\r\n"
                    f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode()
                # Requests one after the other on one connection, and no answer is read.
                sending = asyncio.create_task(_send(deaf, (head + body) * 100))

                async def is_cut_off() -> bool:
                    return await metric(client, CUT_OFF) == before + 1

                await until(is_cut_off)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def _send(to: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(to, data)


def _deaf_socket() -> socket.socket:
    """Return a socket that has next to no room for what it does not read."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.setblocking(False)
    return deaf


@asynccontextmanager
async def unread(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Open a socket, ask for much and read nothing of it."""
    at = urlsplit(str(client.base_url))
    deaf = _deaf_socket()
    await asyncio.get_running_loop().sock_connect(deaf, (at.hostname, at.port))
    deaf.setblocking(True)
    url = f"ws://{at.netloc}/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    opening = connect(
        url, sock=deaf, subprotocols=protocols, additional_headers=ANN, close_timeout=0.1
    )
    async with opening as reading:
        await reading.send(json.dumps({"type": "connection_init"}))
        assert (await receive(reading))["type"] == "connection_ack"
        reading.transport.pause_reading()
        for number in range(20):
            await subscribe(reading, str(number), TYPES, {})
        yield
        reading.transport.abort()


@asynccontextmanager
async def _signed_in(
    client: httpx.AsyncClient, number: int, params: dict[str, str]
) -> AsyncIterator[ClientConnection]:
    """Open a socket from an address of its own, with what its first message carries."""
    url = str(client.base_url).replace("http", "ws", 1).rstrip("/") + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    headers = {"x-forwarded-for": f"203.0.113.{number}"}
    async with connect(url, subprotocols=protocols, additional_headers=headers) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": params}))
        assert (await receive(socket))["type"] == "connection_ack"
        yield socket
