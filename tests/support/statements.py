"""Counts what is sent to PostgreSQL, BEGIN and COMMIT included."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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

    # A logger is told of a statement some turns later: who counts by then has missed it.
    @contextmanager
    def note(_connection: Any, query: str, _args: Any, _timeout: Any) -> Iterator[None]:
        try:
            yield
        finally:
            sent.append(query)

    connect = asyncpg.Connection.__init__

    def connect_and_listen(self: Any, *args: Any, **kwargs: Any) -> None:
        connect(self, *args, **kwargs)
        self.add_query_logger(lambda _: None)  # what makes it time its queries at all

    # A new pool, so that each of its connections has the listener from its first statement.
    client = get_connection("default")
    await client.close()
    try:
        with (
            patch.object(asyncpg.Connection, "__init__", connect_and_listen),
            patch.object(asyncpg.Connection, "_time_and_log", note),
        ):
            yield sent
    finally:
        await client.close()
