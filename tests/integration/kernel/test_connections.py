"""Connections go to whoever has waited longest, and a turn is never lost."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import asyncpg
import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError

from headless_presale.kernel import connections
from headless_presale.kernel.connections import (
    MOST_ASIDE,
    count_aside,
    give_connection_back,
    take_connection,
)
from tests.support.pool import busy
from tests.support.servers import until

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


async def test_who_goes_away_while_a_connection_is_made_leaves_it_to_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, held = await _take_all()
    pool: Any = client._pool
    # The next one has to be made.
    await held[0].close()
    await give_connection_back(client, held.pop(0))
    make: Any = type(pool)._get_new_connection
    is_made, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(pool: Any) -> Any:
        made = await make(pool)
        is_made.set()
        await go_on.wait()
        return made

    monkeypatch.setattr(type(pool), "_get_new_connection", slowly)
    gone = asyncio.create_task(take_connection(client, timeout_seconds=5))
    await is_made.wait()
    gone.cancel()
    await asyncio.wait({gone})
    assert gone.cancelled()
    go_on.set()

    async def is_given_back() -> bool:
        return bool(pool.get_idle_size() == 1)

    await until(is_given_back)
    monkeypatch.undo()
    # Nor is a turn lost.
    held.append(await take_connection(client, timeout_seconds=5))
    assert len(held) == pool.get_max_size()
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


async def test_who_reads_next_has_the_connection_of_who_read_last() -> None:
    client = cast(AsyncpgDBClient, get_connection("default"))
    ids = [await client.execute_query_dict("SELECT pg_backend_pid() AS id") for _ in range(3)]

    assert ids[0] == ids[1] == ids[2]
    assert count_aside(client) == 1
    assert busy() == 0
    # It serves a transaction as well, and is not laid aside by one.
    connection = await take_connection(client, timeout_seconds=5)
    assert (await connection.fetchval("SELECT pg_backend_pid()"),) == tuple(ids[0][0].values())
    assert count_aside(client) == 0
    await give_connection_back(client, connection)


async def test_a_rush_leaves_few_aside() -> None:
    client = cast(AsyncpgDBClient, get_connection("default"))

    await asyncio.gather(*(client.execute_query("SELECT pg_sleep(0.01)") for _ in range(10)))

    assert count_aside(client) <= MOST_ASIDE
    client, held = await _take_all()
    assert count_aside(client) == 0
    for connection in held:
        await give_connection_back(client, connection)


async def test_nothing_is_laid_aside_while_somebody_waits() -> None:
    client, held = await _take_all()
    last = held.pop()
    await give_connection_back(client, last)

    async def read(seconds: float) -> None:
        await client.execute_query(f"SELECT pg_sleep({seconds})")

    await asyncio.gather(read(0.02), read(0), read(0))

    assert count_aside(client) <= 1
    for connection in held:
        await give_connection_back(client, connection)


@pytest.mark.parametrize("statement", ["SELECT 1/0", "BEGIN"])
async def test_a_connection_that_is_not_as_it_was_goes_back(statement: str) -> None:
    client = cast(AsyncpgDBClient, get_connection("default"))

    with suppress(OperationalError):
        await client.execute_query(statement)

    assert count_aside(client) == 0
    assert busy() == 0


async def test_one_that_the_server_has_closed_is_not_handed_on(
    database_admin: asyncpg.Connection,
) -> None:
    client = cast(AsyncpgDBClient, get_connection("default"))
    row = (await client.execute_query_dict("SELECT pg_backend_pid() AS id"))[0]
    has_ended = asyncio.Event()
    connections._aside[client][0].add_termination_listener(lambda _: has_ended.set())
    assert await database_admin.fetchval("SELECT pg_terminate_backend($1, 5000)", row["id"])
    await has_ended.wait()

    assert (await client.execute_query_dict("SELECT pg_backend_pid() AS id"))[0] != row
    client, held = await _take_all()
    for each in held:
        await give_connection_back(client, each)
