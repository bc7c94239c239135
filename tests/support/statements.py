"""Counts what is sent to PostgreSQL, BEGIN and COMMIT included."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import asyncpg
from tortoise.connection import get_connection


class Statements(list[str]):
    """The statements in order."""

    @property
    def asked(self) -> list[str]:
        """Those of ours: not what asyncpg asks once, on each new connection, of types in arrays."""
        return [sql for sql in self if "typeinfo_tree" not in sql and "'jit'" not in sql]


@asynccontextmanager
async def counted_statements() -> AsyncIterator[Statements]:
    """Record every statement of the process's pool, on all of its connections."""
    sent = Statements()

    def note(record: Any) -> None:
        sent.append(record.query)

    connect = asyncpg.Connection.__init__

    def connect_and_listen(self: Any, *args: Any, **kwargs: Any) -> None:
        connect(self, *args, **kwargs)
        self.add_query_logger(note)

    # A new pool, so that each of its connections has the listener from its first statement.
    client = get_connection("default")
    await client.close()
    try:
        with patch.object(asyncpg.Connection, "__init__", connect_and_listen):
            yield sent
    finally:
        await client.close()
