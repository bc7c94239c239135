"""Reading with one statement, outside of any transaction.

One statement sees one moment by itself: BEGIN and COMMIT around it would be two round trips more.
It is shielded like a command. Nothing would be torn where its caller goes away, but a connection
that is being made just then, or given back, would be lost to the pool, and stay open.
"""

from collections.abc import Sequence
from typing import cast

import asyncpg
import structlog
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import DATABASE_DOWN, find_current_work, shielded

log = structlog.get_logger(__name__)


async def read_rows(sql: str, *args: object) -> list[asyncpg.Record]:
    """Return the rows of one statement; within a unit of work, what that one sees.

    Raises:
        Unavailable: the database cannot be reached, is out of connections, or broke off.
    """
    work = find_current_work()
    if work is not None:
        return await work.fetch(sql, *args)
    return await _read(sql, args)


@shielded
async def _read(sql: str, args: Sequence[object]) -> list[asyncpg.Record]:
    client = cast(AsyncpgDBClient, get_connection("default"))
    try:
        async with client.acquire_connection() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
    except DATABASE_DOWN as error:
        metrics.DATABASE_FAILURES.inc()
        log.warning("database.unavailable", error=repr(error))
        raise Unavailable("database") from error
    return rows


async def read_row(sql: str, *args: object) -> asyncpg.Record | None:
    """Return the first row of one statement, or None; see :func:`read_rows`."""
    rows = await read_rows(sql, *args)
    return rows[0] if rows else None
