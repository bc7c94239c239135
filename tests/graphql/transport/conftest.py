"""A real server with the toy schema, and the clients that speak to it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from schema.transport import PresaleGraphQL
from tests.graphql.transport.toy_schema import (
    ForeignError,
    board,
    journal,
    make_context,
    on_connect,
    renew_context,
    schema,
)
from tests.support.node import node

__all__ = ["node"]


class StoppableServer(uvicorn.Server):
    """The server as the package docstring has it: streams are ended before it waits for them."""

    def __init__(self, config: uvicorn.Config, graphql: PresaleGraphQL) -> None:
        super().__init__(config)
        self.graphql = graphql

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to the test run.
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.graphql.close_all()
        await super().shutdown(sockets)


@dataclass
class RunningServer:
    graphql: PresaleGraphQL
    server: StoppableServer
    port: int
    task: "asyncio.Task[None]"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/graphql"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"


def make_view(**options: Any) -> PresaleGraphQL:
    settings: dict[str, Any] = {
        "context_factory": make_context,
        "renew_context": renew_context,
        "on_ws_connect": on_connect,
        "public_exceptions": {ForeignError: "ID_INVALID"},
        "heartbeat_seconds": 0.2,
        **options,
    }
    return PresaleGraphQL(schema, **settings)


@contextlib.asynccontextmanager
async def serving(
    graphql: PresaleGraphQL, *, graceful_seconds: int = 2, **options: Any
) -> AsyncIterator[RunningServer]:
    """Let a server listen, which when it stops waits so long for requests under way."""
    app = Starlette(routes=[Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=graceful_seconds,
        **options,
    )
    server = StoppableServer(config, graphql)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield RunningServer(graphql, server, listener.getsockname()[1], task)
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[RunningServer]:
    async with serving(make_view()) as running:
        yield running


@pytest.fixture(autouse=True)
def clean_journal() -> None:
    journal.clear()
    board.texts.clear()


@pytest.fixture
async def http(server: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.origin, timeout=30) as client:
        yield client


class SocketClient:
    """Speaks graphql-transport-ws frame by frame."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        return json.loads(await asyncio.wait_for(self.connection.recv(), 30))

    async def init(self, payload: Any = None) -> Any:
        await self.send({"type": "connection_init", **({"payload": payload} if payload else {})})
        return await self.receive()

    async def subscribe(self, operation_id: str, query: str, **payload: Any) -> None:
        body = {"query": query, **payload}
        await self.send({"id": operation_id, "type": "subscribe", "payload": body})

    async def close_code(self) -> int:
        """The code the server closes with; frames that come before are skipped."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(30):
                while True:
                    await self.connection.recv()
        code = self.connection.close_code
        assert code is not None, "the server left the socket open"
        return code


@contextlib.asynccontextmanager
async def open_socket(
    running: RunningServer,
    *,
    subprotocol: str = "graphql-transport-ws",
    headers: dict[str, str] | None = None,
) -> AsyncIterator[SocketClient]:
    async with connect(
        running.ws_url, subprotocols=[Subprotocol(subprotocol)], additional_headers=headers
    ) as connection:
        yield SocketClient(connection)
