"""A shop in processes of its own, each of which can be killed or frozen and comes back."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from tests.integration.engines.processes import (
    engine_processes,
    find_keepers,
    postmaster,
    valkey,
)
from tests.support.api import metric, order_of
from tests.support.commands import run_program
from tests.support.processes import ApiProcess, ProductProcess

DATABASE_FAILURES = "presale_database_failures_total"
REDIS_FAILURES = "presale_redis_failures_total"
DATABASE_PASSWORD = "canary-database-password"
ANSWER_SECONDS = 12.0
"""The longest any request may take, as the documents say: 5 s for a connection, 1 s of
``statement_timeout`` and 1 s above it, 1 s to give up; the rest is for a busy machine."""


def with_password(database_url: str) -> str:
    """Return the address of a database with a password, which it does not ask for."""
    named = database_url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@", 1)
    assert named != database_url
    return named


@dataclass
class Site:
    """A running shop.

    Attributes:
        folder: where its engines work.
        sale: what a storefront knows of its one sale; see ``seed``.
    """

    folder: Path
    database_url: str
    environment: dict[str, str]
    api: ApiProcess
    client: httpx.AsyncClient
    gateway: ProductProcess
    worker: ProductProcess
    sale: dict[str, Any]

    async def send(self, document: str, **variables: Any) -> httpx.Response:
        """Send one operation."""
        return await self.client.post("/graphql", json={"query": document, "variables": variables})

    async def order(self, buyer: str) -> httpx.Response:
        """Send a buyer's one order; sent again it is the same request."""
        sale = self.sale
        body = order_of(sale["shop"], sale["item_id"], sale["terms_version"], buyer)
        return await self.client.post("/graphql", json=body)

    async def metric(self, sample: str) -> float:
        """Return one sample of the API's metrics."""
        return await metric(self.client, sample)

    async def readiness(self) -> dict[str, Any]:
        """Return what ``/readyz`` says."""
        report: dict[str, Any] = (await self.client.get("/readyz")).json()
        return report

    async def look(self, sql: str, *arguments: object) -> Any:
        """Return one value of the database, past the API."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    async def count_orders(self, *buyers: str) -> int:
        """Return how many orders these buyers have, with how many slots: the two must agree."""
        emails = [f"{buyer}@example.com" for buyer in buyers]
        orders: int = await self.look(
            "SELECT count(*) FROM sales_order WHERE buyer->>'email' = ANY($1::text[])", emails
        )
        slots: int = await self.look(
            "SELECT count(*) FROM slot JOIN sales_order o ON o.id = order_id "
            "WHERE o.buyer->>'email' = ANY($1::text[])",
            emails,
        )
        assert orders == slots
        return orders

    def postgres(self) -> list[psutil.Process]:
        """Return every process of the server, the postmaster first."""
        first = postmaster(self.folder)
        return [first, *[p for p in engine_processes(self.folder, "postgres") if p != first]]

    @contextlib.contextmanager
    def frozen(self, *processes: psutil.Process) -> Iterator[None]:
        """Freeze processes for as long as the block lasts: they keep everything, answer nothing."""
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextlib.contextmanager
    def frozen_postgres(self) -> Iterator[None]:
        """Freeze PostgreSQL as a whole, also what the postmaster forks meanwhile."""
        with self.frozen(*self.postgres()):
            yield

    @contextlib.contextmanager
    def dead(self, *processes: psutil.Process) -> Iterator[None]:
        """Kill processes of the engines; their keeper starts them again after the block."""
        with self.frozen(*find_keepers(self.folder)):
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            yield

    def valkey(self) -> psutil.Process:
        """Return the Redis of this site."""
        return valkey(self.folder)


async def seed(environment: dict[str, str]) -> dict[str, Any]:
    """Migrate the database and open a sale in it, from a process of its own."""
    whole = {**os.environ, **environment}
    done = await asyncio.to_thread(run_program, "tests.integration.degraded.seed", whole)
    assert done.returncode == 0, done.stderr
    sale: dict[str, Any] = json.loads(done.stdout)
    return sale
