"""The sandbox gateway as a real party: it listens, takes money and sends its webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from headless_presale.payments import Payment
from headless_presale.payments.gateways import close_gateways, set_gateways
from headless_presale.payments.gateways.sandbox import SandboxGateway
from headless_presale.sandbox_gateway.server import build_server
from headless_presale.sandbox_gateway.settings import GatewaySettings
from tests.support.http import shop_serving
from tests.support.servers import bind_free_port, serving

API_KEY = "rehearsal-api-key"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WEBHOOK_PATH = "/webhooks/payments/sandbox"


class OtherGateway(SandboxGateway):
    """A second provider: the same sandbox under another name."""

    name = "other"


class SandboxRun:
    """A running sandbox gateway, and what a test tells it to do."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.client = client
        self.url = url

    def gateway(self, kind: type[SandboxGateway] = SandboxGateway) -> SandboxGateway:
        """Return the shop's own client of this gateway."""
        return kind(url=self.url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET)

    async def pay(self, payment: Payment) -> None:
        """Pay as a buyer does on the gateway's page."""
        await self._post(f"/payment_intents/{payment.intent_id}/pay")

    async def decline(self, payment: Payment, failure_code: str = "card_declined") -> None:
        """Let an attempt to pay fail."""
        await self._post(
            f"/payment_intents/{payment.intent_id}/fail", {"failure_code": failure_code}
        )

    async def set_webhooks(self, **behaviour: Any) -> None:
        """Change how webhooks are delivered."""
        await self._post("/webhooks", behaviour)

    async def set_refunds(self, **behaviour: Any) -> None:
        """Change what becomes of refunds."""
        await self._post("/refunds", behaviour)

    async def set_outage(self, mode: str, requests: int) -> None:
        """Let the next API calls fail."""
        await self._post("/outage", {"mode": mode, "requests": requests})

    async def flush(self) -> list[dict[str, Any]]:
        """Deliver every pending webhook now; return the requests made."""
        postings: list[dict[str, Any]] = (await self._post("/webhooks/flush"))["data"]
        return postings

    async def redeliver(self, event_id: str) -> list[dict[str, Any]]:
        """Deliver one event once more."""
        body = {"event_id": event_id}
        postings: list[dict[str, Any]] = (await self._post("/webhooks/redeliver", body))["data"]
        return postings

    async def intents(self) -> list[dict[str, Any]]:
        """Return every payment intent there is, oldest first."""
        return await self._list("/v1/payment_intents")

    async def refunds(self) -> list[dict[str, Any]]:
        """Return every refund there is, oldest first."""
        return await self._list("/v1/refunds")

    async def events(self, intent_id: str) -> list[dict[str, Any]]:
        """Return the events about one intent, oldest first, with their deliveries."""
        return [
            event
            for event in await self._list("/v1/events")
            if intent_id in (event["data"]["object"]["id"], _intent_of(event))
        ]

    async def _list(self, path: str) -> list[dict[str, Any]]:
        response = await self.client.get(path, params={"limit": 100})
        assert response.status_code == 200, response.text
        page = response.json()
        assert not page["has_more"]
        items: list[dict[str, Any]] = page["data"]
        return items

    async def _post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        response = await self.client.post(f"/v1/test_helpers{path}", json=body or {})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


def _intent_of(event: dict[str, Any]) -> str | None:
    intent: str | None = event["data"]["object"].get("payment_intent")
    return intent


@asynccontextmanager
async def sandbox_running(
    data_file: Path, *, webhook_url: str | None = None, **changes: Any
) -> AsyncIterator[SandboxRun]:
    """Run a sandbox gateway on a free port and install it as this process's gateway."""
    listener = bind_free_port()
    values: dict[str, Any] = {
        "port": listener.getsockname()[1],
        "data_file": data_file,
        "api_key": API_KEY,
        "webhook_url": webhook_url,
        "webhook_secret": WEBHOOK_SECRET,
        "retry_base_seconds": 0.05,
        "shutdown_seconds": 1,
    }
    settings = GatewaySettings(**(values | changes))
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with (
        serving(build_server(settings), listener),
        httpx.AsyncClient(
            base_url=settings.base_url, headers=headers, timeout=10, trust_env=False
        ) as client,
    ):
        run = SandboxRun(client, settings.base_url)
        set_gateways([run.gateway(), run.gateway(OtherGateway)])
        try:
            yield run
        finally:
            await close_gateways()


@pytest.fixture(scope="session")
async def shop_url() -> AsyncIterator[str]:
    """Serve the shop; it answers from whatever the test at hand has opened."""
    async with shop_serving() as url:
        yield url


@pytest.fixture
async def sandbox(
    database: str, redis: Redis, shop_url: str, tmp_path: Path
) -> AsyncIterator[SandboxRun]:
    """Run a gateway for one test, with webhooks that reach the shop."""
    async with sandbox_running(
        tmp_path / "gateway.sqlite3", webhook_url=shop_url + WEBHOOK_PATH
    ) as run:
        yield run
