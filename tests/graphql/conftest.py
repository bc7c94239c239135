"""The endpoint of each test, on an empty database and Redis."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from headless_presale import checkout
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.live import LiveHub
from headless_presale.kernel.unit_of_work import drain
from headless_presale.payments.gateways import set_gateways
from headless_presale.payments.gateways.sandbox import SandboxGateway
from headless_presale.runtime import Runtime
from headless_presale.settings import Settings
from resolvers import shop_directory
from resolvers.shop_directory import ShopDirectory
from schema.asgi import create_graphql_app
from tests.conftest import SECRET_KEY
from tests.graphql.endpoint import Api, WithRuntime
from tests.graphql.ordering import Placed, order_input, place
from tests.integration.sandbox_gateway.parties import (
    API_KEY,
    WEBHOOK_SECRET,
    Shop,
    gateway_running,
    receiving,
)
from tests.support.live import hub
from tests.support.shop import deposit_plan, open_sale

__all__ = ["hub"]


@pytest.fixture
def remember_seconds() -> float:
    """How long the application knows which shops answer registered documents alone: here for
    ever, since tests count statements and take as long as they take."""
    return 3_600


@pytest.fixture
async def api(
    database: str, hub: LiveHub, remember_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    settings = Settings.model_validate(
        {
            "secret_key": SECRET_KEY,
            "order_url_template": "https://shop.test/{id}?token={token}",
            # Tests look at once at what they have done.
            "answer_memory_bytes": 0,
        }
    )
    monkeypatch.setattr(shop_directory, "BOUND_REMEMBER_SECONDS", remember_seconds)
    shops = ShopDirectory()
    await shops.bound_shops()
    graphql = create_graphql_app(settings, shops)
    runtime = Runtime(settings, hub)
    app = WithRuntime(Starlette(routes=[Route("/graphql", graphql)]), runtime)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield Api(client, graphql, runtime)
    assert await drain(5) == 0
    await checkout.drain()


@pytest.fixture
async def placed(api: Api, clock: ManualClock) -> Placed:
    """Return an order of one unit at 100.00, 20 % of it due as a deposit."""
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(payment_plan=deposit_plan(closes_at))
    payload = await place(api, order_input(sale))
    return Placed(sale, payload["order"]["id"], payload["orderToken"])


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Shop]:
    """Let a real sandbox gateway listen, and install its client."""
    async with (
        receiving() as receiver,
        gateway_running(tmp_path / "gateway.sqlite3", receiver) as shop,
    ):
        client = SandboxGateway(
            url=shop.settings.base_url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
        )
        set_gateways([client])
        yield shop
        set_gateways([])
        await client.close()
