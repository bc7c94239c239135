"""What was written down of what happened."""

from typing import Any

import asyncpg
import orjson


async def last_event(admin: asyncpg.Connection) -> tuple[str, str, dict[str, Any]]:
    """Return the type, the actor and the payload of the newest event."""
    row = await admin.fetchrow("SELECT type, actor, payload FROM event ORDER BY id DESC LIMIT 1")
    assert row is not None
    return row["type"], row["actor"], orjson.loads(row["payload"])


async def event_types(admin: asyncpg.Connection) -> list[str]:
    """Return the types of all events, the oldest first."""
    return [row["type"] for row in await admin.fetch("SELECT type FROM event ORDER BY id")]
