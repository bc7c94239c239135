"""Connections go to whoever has waited longest, and a turn is never lost."""

import asyncio
from typing import Any, cast

import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection

from headless_presale.kernel.connections import give_connection_back, take_connection

pytestmark = pytest.mark.usefixtures("database")


async def _take_all() -> tuple[AsyncpgDBClient, list[Any]]:
    client = cast(AsyncpgDBClient, get_connection("default"))
    await client.execute_query("SELECT 1")
    assert client._pool is not None
    size = client._pool.get_max_size()
    return client, [await take_connection(client, timeout_seconds=5) for _ in range(size)]


async def test_a_newcomer_does_not_overtake_who_waits() -> None:
    client, held = await _take_all()
    order: list[str] = []

    async def take(name: str) -> None:
        held.append(await take_connection(client, timeout_seconds=5))
        order.append(name)

    waiting = asyncio.create_task(take("waited"))
    await asyncio.sleep(0)
    await give_connection_back(client, held.pop(0))
    # In the same moment, before the one that waits has moved.
    newcomer = take("came later")
    first_step = asyncio.ensure_future(newcomer)
    await waiting
    await give_connection_back(client, held.pop(0))
    await first_step

    assert order == ["waited", "came later"]
    for connection in held:
        await give_connection_back(client, connection)


async def test_a_wait_that_ends_in_vain_costs_no_turn() -> None:
    client, held = await _take_all()

    with pytest.raises(TimeoutError):
        await take_connection(client, timeout_seconds=0.05)
    gone = asyncio.create_task(take_connection(client, timeout_seconds=5))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    assert gone.cancelled()
    for connection in held:
        await give_connection_back(client, connection)

    client, again = await _take_all()
    assert len(again) == len(held)
    for connection in again:
        await give_connection_back(client, connection)
