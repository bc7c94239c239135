"""Everything that is stored, for the tests that say "nothing has changed"."""

from typing import Any

import asyncpg
from redis.asyncio import Redis

from headless_presale.checkout import drain


async def stored_rows(admin: asyncpg.Connection) -> dict[str, list[str]]:
    """Return every row of every table as text; tables without rows are left out."""
    tables = await admin.fetch(
        "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename <> 'tortoise_migrations' ORDER BY tablename"
    )
    rows = {
        table["name"]: [
            row["text"]
            for row in await admin.fetch(
                f"SELECT t::text AS text FROM {table['name']} AS t ORDER BY 1"
            )
        ]
        for table in tables
    }
    return {name: found for name, found in rows.items() if found}


async def stored_keys(redis: Redis) -> dict[str, Any]:
    """Return every key of Redis with its value, settled reservations included."""
    await drain()
    found: dict[str, Any] = {}
    for key in sorted([key async for key in redis.scan_iter("*")]):
        match await redis.type(key):
            case "hash":
                found[key] = await redis.hgetall(key)
            case "set":
                found[key] = sorted(await redis.smembers(key))
            case "zset":
                found[key] = await redis.zrange(key, 0, -1, withscores=True)
            case kind:
                found[key] = kind
    return found


async def everything(admin: asyncpg.Connection, redis: Redis) -> tuple[Any, Any]:
    """Return what both engines hold."""
    return await stored_rows(admin), await stored_keys(redis)
