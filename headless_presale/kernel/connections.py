"""A free database connection, first come, first served.

asyncpg's pool wakes whoever has waited longest, but lets a newcomer take the connection before the
woken one has moved, which then waits anew, behind everybody. Under load some requests starved for
seconds while others were served at once. So whoever wants a connection takes a turn first.
"""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from tortoise.backends.asyncpg.client import AsyncpgDBClient

_turns: WeakKeyDictionary[AsyncpgDBClient, asyncio.Semaphore] = WeakKeyDictionary()


def _turns_of(client: AsyncpgDBClient) -> asyncio.Semaphore:
    turns = _turns.get(client)
    if turns is None:
        assert client._pool is not None
        turns = _turns[client] = asyncio.Semaphore(client._pool.get_max_size())
    return turns


async def take_connection(client: AsyncpgDBClient, *, timeout_seconds: float) -> Any:
    """Wait for a turn and take a connection from the client's open pool.

    Returns:
        asyncpg's proxy of a connection, which does all that one does.

    Raises:
        TimeoutError: none was free, or none could be made, in time.
    """
    turns = _turns_of(client)
    async with asyncio.timeout(timeout_seconds):
        await turns.acquire()
    try:
        assert client._pool is not None
        # A turn is a connection that is free: this waits only where it has to be made.
        return await client._pool.acquire(timeout=timeout_seconds)
    except BaseException:
        turns.release()
        raise


async def give_connection_back(client: AsyncpgDBClient, connection: Any) -> None:
    """Let the next in turn have the connection. Finishes even when the caller is cancelled."""
    try:
        if client._pool is not None:
            await asyncio.shield(client._pool.release(connection))
    finally:
        end_turn(client)


def end_turn(client: AsyncpgDBClient) -> None:
    """Let the next one in turn go on, where the connection itself is given back already."""
    _turns_of(client).release()
