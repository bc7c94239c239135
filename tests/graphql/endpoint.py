"""The whole schema behind its own transport, asked over HTTP as a storefront asks it."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from headless_presale.cross_origin import FOREIGN_ORIGIN
from headless_presale.runtime import Runtime
from resolvers.access import read_token
from resolvers.context import RequestContext
from resolvers.shop_directory import ShopDirectory
from schema.transport import PresaleGraphQL
from schema.transport.execution import Outcome
from schema.transport.requests import OperationRequest


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the endpoint."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The data of an answer without errors."""
        assert "errors" not in self.body, json.dumps(self.body["errors"], indent=2)
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def error_codes(self) -> list[str]:
        return [str(error["extensions"]["code"]) for error in self.body["errors"]]

    def refusal(self, name: str) -> str | None:
        """Return the code of a mutation's refusal, at the top or its first; None if it was done."""
        if "errors" in self.body:
            return self.error_codes[0]
        user_errors = self.body["data"][name]["userErrors"]
        return str(user_errors[0]["code"]) if user_errors else None


class Api:
    """A client of the endpoint."""

    def __init__(
        self, client: httpx.AsyncClient, graphql: PresaleGraphQL, runtime: Runtime
    ) -> None:
        self.client = client
        self.graphql = graphql
        self.runtime = runtime

    async def ask(
        self,
        query: str,
        *,
        language: str = "en",
        bearer: str | None = None,
        origin: str | None = None,
        **variables: Any,
    ) -> Reply:
        """Send an operation by POST, as the holder of an access token where one is given, and from
        a page of another site."""
        headers = {"accept-language": language}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        if origin is not None:
            headers["origin"] = origin
        response = await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=headers
        )
        return Reply(response.status_code, response.headers, response.json())

    async def read(self, query: str, **variables: Any) -> Reply:
        """Send a query by GET, as an anonymous storefront does."""
        params = {"query": query, "variables": json.dumps(variables)}
        response = await self.client.get("/graphql", params=params)
        return Reply(response.status_code, response.headers, response.json())

    async def context(
        self, locale: str = "en", bearer: str | None = None, origin: str | None = None
    ) -> RequestContext:
        """Return a context as the endpoint makes one."""
        return RequestContext(
            claims=await read_token(None if bearer is None else f"Bearer {bearer}"),
            settings=self.runtime.settings,
            hub=self.runtime.hub,
            shops=ShopDirectory().seen_from(origin),
            request_id="test",
            locale=locale,
        )

    async def follow(
        self,
        query: str,
        *,
        bearer: str | None = None,
        origin: str | None = None,
        **variables: Any,
    ) -> AsyncGenerator[Outcome, None]:
        """Run a subscription; closing the generator closes the resolver's."""
        operation = self.graphql.engine.prepare(OperationRequest(query, variables))
        context = await self.context(bearer=bearer, origin=origin)
        stream = self.graphql.streams.stream(operation, context)
        try:
            async for outcome in stream:
                yield outcome
        finally:
            await stream.aclose()


class WithRuntime:
    """Puts the open runtime where the application's lifespan puts it, and says which other site's
    page asks, as its middleware does."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"runtime": self._runtime}
        if (origin := Headers(scope=scope).get("origin")) is not None:
            scope[FOREIGN_ORIGIN] = origin
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Footprint:
    """How much there is: what a refused request must leave as it was."""

    orders: int
    owned_slots: int
    payments: int
    events: int
    jobs: int


async def footprint(connection: asyncpg.Connection) -> Footprint:
    """Count what mutations write."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM sales_order) AS orders,"
        " (SELECT count(*) FROM slot WHERE order_id IS NOT NULL) AS owned_slots,"
        " (SELECT count(*) FROM payment) AS payments,"
        " (SELECT count(*) FROM event WHERE topic LIKE 'order:%') AS events,"
        " (SELECT count(*) FROM procrastinate_jobs) AS jobs"
    )
    assert row is not None
    return Footprint(**dict(row))
