"""Clients that are slow, that go, that stay; and what fills a process besides them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from headless_presale.kernel.unit_of_work import shielded
from headless_presale.settings import Settings
from tests.support.api import api_serving

CANCEL = """
mutation ($input: OrderCancelInput!) {
  orderCancel(input: $input) { userErrors { code } } }
"""
NOBODYS = {"input": {"orderId": "bm90aGluZw", "token": "none"}}
"""Nobody's order: the cheapest of what counts as a payment, and nothing is changed by it."""


@contextlib.asynccontextmanager
async def serving(settings: dict[str, Any], **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Let the API listen, with some settings changed."""
    async with api_serving(Settings.model_validate({**settings, **changes})) as client:
        yield client


@contextlib.asynccontextmanager
async def one_place_taken() -> AsyncIterator[None]:
    """Take a place of the process's newest door by a command that nobody waits for any more."""
    let_go = asyncio.Event()

    @shielded
    async def wait() -> None:
        await let_go.wait()

    caller = asyncio.create_task(wait())
    await asyncio.sleep(0)
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller
    try:
        yield
    finally:
        let_go.set()
        await asyncio.sleep(0)


class SlowRequest:
    """A request whose body comes in two halves."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes
    ) -> None:
        self._reader, self._writer, self._rest = reader, writer, rest

    async def send_rest(self) -> None:
        """Send the second half."""
        self._writer.write(self._rest)
        await self._writer.drain()

    async def finish(self) -> httpx.Response:
        """Send the second half and read the answer."""
        await self.send_rest()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        length = int(headers["content-length"])
        content = await self._reader.readexactly(length)
        self._writer.close()
        return httpx.Response(int(head[0].split()[1]), headers=headers, content=content)

    async def abort(self) -> None:
        """Go, without a word."""
        self._writer.transport.abort()


async def send_slowly(client: httpx.AsyncClient, body: dict[str, Any]) -> SlowRequest:
    """Send a request up to the middle of its body; the server has read it."""
    content = json.dumps(body).encode()
    at = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:20])
    await writer.drain()
    # The server has read it when it has answered a request that came after it.
    assert (await client.get("/livez")).status_code == 200
    return SlowRequest(reader, writer, content[20:])


@contextlib.asynccontextmanager
async def open_socket(
    client: httpx.AsyncClient, payload: dict[str, Any] | None = None, /, **headers: str
) -> AsyncIterator[ClientConnection]:
    """Open a socket that speaks graphql-transport-ws, acknowledged."""
    url = str(client.base_url).replace("http", "ws", 1).rstrip("/") + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols, additional_headers=headers) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert (await receive(socket))["type"] == "connection_ack"
        yield socket


async def subscribe(
    socket: ClientConnection,
    operation_id: str,
    document: str,
    variables: dict[str, Any],
    **more: Any,
) -> None:
    """Begin an operation."""
    payload = {"query": document, "variables": variables, **more}
    await socket.send(json.dumps({"id": operation_id, "type": "subscribe", "payload": payload}))


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 30))
    return message
