"""A client that goes away in the middle of its purchase: the purchase is made, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import pytest
from redis.asyncio import Redis

from resolvers.global_ids import find_uuid
from tests.e2e.conftest import Stack
from tests.e2e.storefront import ORDER
from tests.support.aborting import Request
from tests.support.drop import PLACE, order_input
from tests.support.invariants import broken_invariants, reconcile_later
from tests.support.pool import all_given_back
from tests.support.servers import until
from tests.support.shop import make_shop, open_sale
from tests.support.wire import Wire, text_frame


async def _ask(url: str, transport: str, request: Request) -> Wire:
    if transport == "socket":
        wire = await Wire.open_socket(url)
        wire.write(text_frame({"id": "1", "type": "subscribe", "payload": request}))
        return wire
    wire = await Wire.open(url)
    accept = "text/event-stream" if transport == "event stream" else "application/json"
    wire.write(wire.request(orjson.dumps(request), headers=f"Accept: {accept}\r\n"))
    return wire


async def _leave(wire: Wire, how: str) -> None:
    if how == "complete":
        wire.write(text_frame({"id": "1", "type": "complete"}))
        await wire.drain()
    elif how == "close":
        wire.close()
    else:
        wire.abort()


@asynccontextmanager
async def _blocked(database_url: str, statement: str) -> AsyncIterator[None]:
    """Hold a lock of another session for as long as the block lasts."""
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute(statement)
            yield
    finally:
        await holder.close()


async def _is_waiting(admin: asyncpg.Connection) -> bool:
    count = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'headless-presale' AND wait_event_type = 'Lock'"
    )
    return bool(count == 1)


@pytest.mark.parametrize(
    ("transport", "how"),
    [
        ("http", "close"),
        ("http", "reset"),
        ("event stream", "close"),
        ("event stream", "reset"),
        ("socket", "complete"),
        ("socket", "close"),
        ("socket", "reset"),
    ],
)
async def test_a_purchase_under_way_is_made(
    transport: str, how: str, stack: Stack, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    # given: an order that waits for the database
    sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=5)
    request = {"query": PLACE, "variables": {"input": order_input(sale, 1, quantity=2)}}
    block = f"SELECT 1 FROM slot_pool WHERE id = '{sale.pool_id}' FOR UPDATE"
    async with _blocked(stack.database_url, block):
        with await _ask(stack.url, transport, request) as wire:
            await until(lambda: _is_waiting(database_admin))

            # when
            await _leave(wire, how)
            # Long enough for the server to notice, which must not end what it has begun.
            await asyncio.sleep(0.2)
            assert await _is_waiting(database_admin)

    # then
    async def is_placed() -> bool:
        return bool(await database_admin.fetchval("SELECT count(*) FROM sales_order") == 1)

    await until(is_placed)
    assert await all_given_back()
    await reconcile_later(sale.pool_id)
    assert await broken_invariants(database_admin, redis) == {}

    # and: who asks again gets that order
    answer = (await stack.shop.post("/graphql", json=request)).json()["data"]["orderPlace"]
    assert answer["userErrors"] == []
    assert answer["order"]["lines"] == [{"slotNumbers": [1, 2]}]
    placed = await database_admin.fetch("SELECT id FROM sales_order")
    assert [row["id"] for row in placed] == [find_uuid(answer["order"]["id"], "Order")]


@pytest.mark.parametrize("how", ["complete", "close", "reset"])
async def test_a_query_that_nobody_waits_for_gives_its_connection_back(
    how: str, stack: Stack, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=5)
    place = {
        "query": PLACE.replace("userErrors", "orderToken userErrors"),
        "variables": {"input": order_input(sale, 1)},
    }
    answer = (await stack.shop.post("/graphql", json=place)).json()["data"]["orderPlace"]
    who = {"id": answer["order"]["id"], "token": answer["orderToken"]}
    request = {"query": ORDER, "variables": who}

    async with _blocked(stack.database_url, "LOCK TABLE sales_order IN ACCESS EXCLUSIVE MODE"):
        with await _ask(stack.url, "socket", request) as wire:
            await until(lambda: _is_waiting(database_admin))

            await _leave(wire, how)
            await asyncio.sleep(0.2)

    assert await all_given_back()
    again = (await stack.shop.post("/graphql", json=request)).json()["data"]["order"]
    assert again["lines"] == [{"slotNumbers": [1]}]
