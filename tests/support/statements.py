"""Counts what is sent to PostgreSQL, BEGIN and COMMIT included."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from tortoise.connection import get_connection


class Statements(list[str]):
    """The statements in order."""


@asynccontextmanager
async def counted_statements() -> AsyncIterator[Statements]:
    """Record every statement of the process's pool, on all of its connections."""
    sent = Statements()

    def note(record: Any) -> None:
        sent.append(record.query)

    original = asyncpg.Connection.__init__

    def listening(self: asyncpg.Connection, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.add_query_logger(note)

    # A new pool, so that each of its connections has the listener from its first statement.
    client = get_connection("default")
    await client.close()
    asyncpg.Connection.__init__ = listening  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        asyncpg.Connection.__init__ = original  # type: ignore[method-assign]
        await client.close()
