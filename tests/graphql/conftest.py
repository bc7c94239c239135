"""The endpoint of each test, on an empty database and Redis."""

from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import Route

from headless_presale import checkout
from headless_presale.kernel.live import LiveHub
from headless_presale.kernel.unit_of_work import drain
from headless_presale.runtime import Runtime
from headless_presale.settings import Settings
from schema.asgi import create_graphql_app
from tests.graphql.endpoint import Api, WithRuntime

SECRET = "a-secret-for-tests"


@pytest.fixture
async def hub(redis: Redis) -> AsyncIterator[LiveHub]:
    hub = LiveHub()
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def api(database: str, hub: LiveHub) -> AsyncIterator[Api]:
    settings = Settings.model_validate({"secret_key": SECRET})
    graphql = create_graphql_app(settings)
    runtime = Runtime(settings, hub)
    app = WithRuntime(Starlette(routes=[Route("/graphql", graphql)]), runtime)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield Api(client, graphql, runtime)
    assert await drain(5) == 0
    await checkout.drain()
