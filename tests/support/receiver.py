"""A merchant's system that really receives webhooks, and answers as it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import uvicorn
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headless_presale.identity import ALL_SCOPES
from headless_presale.shops.models import Shop
from headless_presale.webhooks import (
    Asker,
    EndpointWish,
    EndpointWithSecret,
    Outlet,
    create_endpoint,
    set_outlet,
)
from tests.support.servers import bind_free_port, serving


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = orjson.loads(self.body)
        return event

    def verified(self, secret: str) -> dict[str, Any]:
        """Return the event, verified by the reference library; it raises where it does not."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event


@dataclass
class Receiver:
    """What came in, and how to answer by path.

    Attributes:
        answers: statuses for the next requests of a path, then ``default``.
        delays: seconds before a path answers; ``inf`` for never.
    """

    url: str = ""
    default: int = 200
    requests: list[Received] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b"taken"
    under_way: dict[str, int] = field(default_factory=dict)
    most_under_way: dict[str, int] = field(default_factory=dict)

    async def take(self, request: Request) -> Response:
        path = request.url.path
        self.requests.append(Received(path, dict(request.headers), await request.body()))
        self.under_way[path] = self.under_way.get(path, 0) + 1
        self.most_under_way[path] = max(self.most_under_way.get(path, 0), self.under_way[path])
        try:
            delay = self.delays.get(path, 0)
            await asyncio.sleep(3_600 if delay == float("inf") else delay)
        finally:
            self.under_way[path] -= 1
        queue = self.answers.get(path)
        status = queue.pop(0) if queue else self.default
        return Response(self.content, status_code=status, headers=self.headers)

    def at(self, path: str = "/hooks") -> list[Received]:
        return [request for request in self.requests if request.path == path]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Let a receiver listen on this machine, for as long as the block lasts."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST", "GET"])])
    listener = bind_free_port()
    receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app, log_level="critical", ws="none", timeout_graceful_shutdown=1, access_log=False
    )
    async with serving(uvicorn.Server(config), listener):
        yield receiver


@asynccontextmanager
async def open_outlet(**options: Any) -> AsyncIterator[Outlet]:
    """Install a way out that reaches this machine."""
    outlet = Outlet(**{"allow_private": True, "total_seconds": 2.0, **options})
    set_outlet(outlet)
    yield outlet
    set_outlet(Outlet())


async def subscribe(
    shop: Shop,
    url: str,
    *event_types: str,
    description: str = "An ERP",
    shop_ids: list[UUID] | None = None,
) -> EndpointWithSecret:
    """Register an endpoint of a shop's merchant."""
    return await create_endpoint(
        Asker(merchant_id=shop.merchant_id, scopes=ALL_SCOPES),
        EndpointWish(
            url=url,
            event_types=event_types or ("order.*",),
            description=description,
            shop_ids=shop_ids,
        ),
    )
