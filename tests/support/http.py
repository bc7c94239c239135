"""The product's HTTP application, with a stand-in where the GraphQL endpoint goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from headless_presale.app import create_app
from headless_presale.settings import Settings
from resolvers.messages import message_of
from tests.support.servers import bind_free_port, serving

SCHEMA = "type Query { shop: String }\n"


class EchoGraphQL:
    """Answers with the body it was sent; fails when it is told to."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        body = await Request(scope, receive).body()
        if body == b"crash":
            raise RuntimeError("told to crash")
        await PlainTextResponse(body or b"nothing")(scope, receive, send)


def make_app(settings: Settings | None = None) -> Starlette:
    """Return the application as it is composed; nothing is opened until its lifespan runs."""
    return create_app(
        graphql=EchoGraphQL(),
        schema_text=lambda: SCHEMA,
        settings=settings or Settings(),
        tell=message_of,
    )


@asynccontextmanager
async def shop_serving(settings: Settings | None = None) -> AsyncIterator[str]:
    """Serve the application over what the test's fixtures have opened; yield its address."""
    listener = bind_free_port()
    config = uvicorn.Config(
        make_app(settings),
        lifespan="off",
        ws="none",
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    async with serving(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def shop() -> AsyncIterator[httpx.AsyncClient]:
    """Call the application without a network."""
    transport = httpx.ASGITransport(app=make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client
