"""The parties of a rehearsal: a gateway that really listens, and a shop that really receives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headless_presale.sandbox_gateway.server import build_server
from headless_presale.sandbox_gateway.settings import GatewaySettings
from tests.support.servers import bind_free_port, serving, until

API_KEY = "rehearsal-api-key"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass(frozen=True)
class Message:
    """A webhook as it arrived, its signature already verified by ``standardwebhooks``."""

    headers: dict[str, str]
    body: bytes
    event: dict[str, Any]

    @property
    def intent_id(self) -> str:
        subject = self.event["data"]["object"]
        return str(
            subject["id"] if subject["object"] == "payment_intent" else subject["payment_intent"]
        )


@dataclass
class Receiver:
    """The shop's side of webhooks."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    """Statuses to answer an intent's next messages with; 200 when there is none."""
    silent: bool = False
    """Take a message and never answer."""

    async def take(self, request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        event = Webhook(WEBHOOK_SECRET).verify(body, headers)
        message = Message(headers, body, event)
        self.messages.append(message)
        if self.silent:
            await asyncio.sleep(3_600)
        queue = self.statuses.get(message.intent_id)
        return Response(status_code=queue.pop(0) if queue else 200)

    def answer_as_usual(self) -> None:
        """Accept whatever comes from now on."""
        self.silent = False
        self.statuses.clear()

    def of(self, intent_id: str) -> list[Message]:
        return [message for message in self.messages if message.intent_id == intent_id]

    def types_of(self, intent_id: str) -> list[str]:
        return [message.event["type"] for message in self.of(intent_id)]

    async def wait_for(self, intent_id: str, count: int) -> list[Message]:
        """Wait until ``count`` messages about an intent have come; more are returned as well."""
        await until(lambda: len(self.of(intent_id)) >= count)
        return self.of(intent_id)


@dataclass
class Shop:
    """A client of a gateway, with the shorthands that the tests share."""

    client: httpx.AsyncClient
    settings: GatewaySettings
    receiver: Receiver
    is_changed: bool = False
    """Whether the gateway has been told to behave otherwise than by default."""

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"idempotency-key": key}
        return await self.client.post(path, json={} if body is None else body, headers=headers)

    async def get(self, path: str, **query: Any) -> Any:
        response = await self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def create_intent(self, **changes: Any) -> dict[str, Any]:
        body = {"amount": 12_345, "currency": "CNY", "reference": "order-1"} | changes
        response = await self.post("/v1/payment_intents", body)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def create_paid_intent(self, **changes: Any) -> dict[str, Any]:
        intent = await self.create_intent(**changes)
        response = await self.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
        assert response.status_code == 200, response.text
        paid: dict[str, Any] = response.json()
        return paid

    async def get_intent(self, intent_id: str) -> dict[str, Any]:
        intent: dict[str, Any] = await self.get(f"/v1/payment_intents/{intent_id}")
        return intent

    async def events_of(self, intent_id: str) -> list[dict[str, Any]]:
        """Return all events about an intent, read page by page."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = await self.get("/v1/events", **query)
            for event in page["data"]:
                subject = event["data"]["object"]
                if intent_id in (subject["id"], subject.get("payment_intent")):
                    found.append(event)
            if not page["has_more"]:
                return found
            query["after"] = page["data"][-1]["id"]

    async def event_types_of(self, intent_id: str) -> list[str]:
        return [event["type"] for event in await self.events_of(intent_id)]

    async def set_webhooks(self, **behaviour: Any) -> None:
        self.is_changed = True
        response = await self.post("/v1/test_helpers/webhooks", behaviour)
        assert response.status_code == 200, response.text

    async def set_refunds(self, **behaviour: Any) -> None:
        self.is_changed = True
        response = await self.post("/v1/test_helpers/refunds", behaviour)
        assert response.status_code == 200, response.text

    async def set_outage(self, mode: str, requests: int) -> None:
        self.is_changed = True
        response = await self.post("/v1/test_helpers/outage", {"mode": mode, "requests": requests})
        assert response.status_code == 200, response.text

    async def flush(self) -> list[dict[str, Any]]:
        response = await self.post("/v1/test_helpers/webhooks/flush")
        assert response.status_code == 200, response.text
        postings: list[dict[str, Any]] = response.json()["data"]
        return postings


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/webhooks", receiver.take, methods=["POST"])])
    listener = bind_free_port()
    receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks"
    config = uvicorn.Config(
        app, log_level="critical", ws="none", timeout_graceful_shutdown=1, access_log=False
    )
    async with serving(uvicorn.Server(config), listener):
        yield receiver


@asynccontextmanager
async def gateway_running(
    data_file: Path, receiver: Receiver, **changes: Any
) -> AsyncIterator[Shop]:
    """Run a gateway of its own on a free port."""
    listener = bind_free_port()
    values: dict[str, Any] = {
        "port": listener.getsockname()[1],
        "data_file": data_file,
        "api_key": API_KEY,
        "webhook_url": receiver.url,
        "webhook_secret": WEBHOOK_SECRET,
        "retry_base_seconds": 0.05,
        "shutdown_seconds": 1,
    }
    settings = GatewaySettings(**(values | changes))
    async with serving(build_server(settings), listener), connected(settings, receiver) as shop:
        yield shop


@asynccontextmanager
async def connected(settings: GatewaySettings, receiver: Receiver) -> AsyncIterator[Shop]:
    headers = {"authorization": f"Bearer {API_KEY}"}
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=settings.base_url, headers=headers, limits=limits, timeout=10, trust_env=False
    ) as client:
        yield Shop(client, settings, receiver)
