"""Looks at the process's pool and at what PostgreSQL says of its connections."""

import asyncio
from typing import cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection

from headless_presale.kernel.connections import count_aside


def pool() -> asyncpg.Pool:
    """Return the process's pool, which must be open."""
    found = get_connection("default")._pool
    assert isinstance(found, asyncpg.Pool)
    return found


def busy() -> int:
    """Return how many connections are taken from the pool."""
    aside = count_aside(cast(AsyncpgDBClient, get_connection("default")))
    return pool().get_size() - pool().get_idle_size() - aside


async def all_given_back(*, within_seconds: float = 2.0) -> bool:
    """Wait until no connection is taken; a cancelled release goes on by itself for a moment."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while busy():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


async def open_transactions(admin: asyncpg.Connection) -> int:
    """Return how many of the product's connections are inside a transaction."""
    count: int = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'headless-presale' "
        "AND datname = current_database() AND state <> 'idle'"
    )
    return count
