"""A free database connection, first come, first served.

asyncpg's pool wakes whoever has waited longest, but lets a newcomer take the connection before the
woken one has moved, which then waits anew, behind everybody. Under load some requests starved for
seconds while others were served at once. So whoever wants a connection takes a turn first.

Taking one from the pool and giving it back costs as much as a small statement. So a few that
carried a statement of its own, and are as they were, are laid aside with their turns for whoever
comes next.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

MOST_ASIDE = 4
"""Connections laid aside: as many as readings are under way together, not what a rush had."""

_turns: WeakKeyDictionary[AsyncpgDBClient, asyncio.Semaphore] = WeakKeyDictionary()
_leaving: set[asyncio.Task[None]] = set()
_aside: WeakKeyDictionary[AsyncpgDBClient, list[Any]] = WeakKeyDictionary()


def _turns_of(client: AsyncpgDBClient) -> asyncio.Semaphore:
    turns = _turns.get(client)
    if turns is None:
        assert client._pool is not None
        turns = _turns[client] = asyncio.Semaphore(client._pool.get_max_size())
    return turns


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        # Closed by the server: the pool has taken it back by itself.
        return False


async def take_connection(client: AsyncpgDBClient, *, timeout_seconds: float) -> Any:
    """Wait for a turn and take a connection from the client's open pool.

    Returns:
        asyncpg's proxy of a connection, which does all that one does.

    Raises:
        TimeoutError: none was free, or none could be made, in time.
    """
    # Who finds one overtakes nobody: while somebody waits for a turn, none is laid aside.
    aside = _aside.get(client)
    while aside:
        connection = aside.pop()
        if _is_open(connection):
            return connection
        await give_connection_back(client, connection)
    turns = _turns_of(client)
    async with asyncio.timeout(timeout_seconds):
        await turns.acquire()
    try:
        pool = client._pool
        assert pool is not None
        # A turn is a connection that is free: this waits only where it has to be made.
        acquired = pool.acquire(timeout=timeout_seconds)
        return await (acquired if pool.get_idle_size() else _make(pool, acquired))
    except BaseException:
        turns.release()
        raise


async def _make(pool: asyncpg.Pool, acquired: Awaitable[Any]) -> Any:
    """Return a connection that is being made; who goes away meanwhile leaves it to the pool.

    Cancelled in the middle it would stay open, and nobody's.
    """
    making = asyncio.ensure_future(acquired)
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        leaving = asyncio.create_task(_leave_to_pool(pool, making), name="leave-to-pool")
        _leaving.add(leaving)
        leaving.add_done_callback(_leaving.discard)
        raise


async def _leave_to_pool(pool: asyncpg.Pool, making: "asyncio.Future[Any]") -> None:
    # That none could be made is nothing to anybody any more.
    with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await pool.release(await making)


async def give_connection_back(client: AsyncpgDBClient, connection: Any) -> None:
    """Let the next in turn have the connection. Finishes even when the caller is cancelled."""
    try:
        if client._pool is not None:
            await asyncio.shield(client._pool.release(connection))
    finally:
        end_turn(client)


async def lay_connection_aside(client: AsyncpgDBClient, connection: Any) -> None:
    """Leave a connection that has carried one statement to the next who wants one, or give it back.

    Its session has to be as it was: nothing is undone here.
    """
    aside, pool = _aside.setdefault(client, []), client._pool
    if (
        pool is None
        or pool.is_closing()
        or len(aside) >= MOST_ASIDE
        or _turns_of(client).locked()
        or not _is_open(connection)
        or connection.is_in_transaction()
    ):
        await give_connection_back(client, connection)
    else:
        aside.append(connection)


def count_aside(client: AsyncpgDBClient) -> int:
    """Return how many connections are laid aside."""
    return len(_aside.get(client, ()))


async def give_all_aside_back(client: AsyncpgDBClient) -> None:
    """Give back what is laid aside: a pool that closes waits for all that was taken from it."""
    aside = _aside.get(client, [])
    while aside:
        await give_connection_back(client, aside.pop())


def end_turn(client: AsyncpgDBClient) -> None:
    """Let the next one in turn go on, where the connection itself is given back already."""
    _turns_of(client).release()
