"""Looking for words in everything that is kept: every column of every table, Redis, the log."""

import logging
from collections.abc import Iterable
from typing import Any

import asyncpg
from redis.asyncio import Redis

from tests.support.state import stored_keys

_COLUMNS = """
SELECT table_name, column_name, udt_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name IN (
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE')
ORDER BY table_name, ordinal_position
"""


async def tables_of(admin: asyncpg.Connection) -> set[str]:
    """Return the name of every table."""
    return {row["table_name"] for row in await admin.fetch(_COLUMNS)}


async def columns_that_say(
    connection: asyncpg.Connection, words: Iterable[str]
) -> dict[str, set[str]]:
    """Return where a word stands, whatever its case: table -> columns; bytes are read as text."""
    rows = await connection.fetch(_COLUMNS)
    parts = []
    for row in rows:
        column = f'"{row["column_name"]}"'
        text = f"encode({column}, 'escape')" if row["udt_name"] == "bytea" else f"{column}::text"
        parts.append(
            f"SELECT '{row['table_name']}' AS t, '{row['column_name']}' AS c WHERE EXISTS ("
            f'SELECT 1 FROM "{row["table_name"]}" WHERE lower({text}) LIKE ANY($1::text[]))'
        )
    patterns = [f"%{word.lower()}%" for word in words]
    found: dict[str, set[str]] = {}
    for row in await connection.fetch(" UNION ALL ".join(parts), patterns):
        found.setdefault(row["t"], set()).add(row["c"])
    return found


async def keys_that_say(redis: Redis, words: Iterable[str]) -> list[str]:
    """Return the keys of Redis that have a word in their name or value."""
    kept: dict[str, Any] = await stored_keys(redis)
    for key, value in kept.items():
        if value == "string":
            kept[key] = await redis.get(key)
        elif value in ("list", "stream"):
            kept[key] = await redis.dump(key)
    wanted = [word.lower() for word in words]
    return [
        key
        for key, value in kept.items()
        if any(word in f"{key} {value}".lower() for word in wanted)
    ]


def logged(lines: list[Any]) -> str:
    """Return all that was logged, in small letters."""
    entries, caplog = lines
    formatter = logging.Formatter()
    texts = [repr(entry) for entry in entries]
    # The mail server is not ours.
    for record in (record for record in caplog.records if record.name != "mail.log"):
        texts.append(record.getMessage())
        if record.exc_info:
            texts.append(formatter.formatException(record.exc_info))
    return "\n".join(texts).lower()


def said_in(text: str, words: Iterable[str]) -> list[str]:
    """Return the words that stand in a text of small letters."""
    return [word for word in words if word.lower() in text]
