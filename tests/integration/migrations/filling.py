"""Rows for databases of an earlier version, where the models of today do not fit."""

from typing import Any
from uuid import UUID

import asyncpg
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from headless_presale.database import models_without_filters, tortoise_config
from headless_presale.kernel.ids import new_id

MORNING = "2026-03-01 08:07Z"
EMPTY = {
    **dict.fromkeys(("text", "character varying"), ""),
    **dict.fromkeys(("smallint", "integer", "bigint"), 0),
    "jsonb": "{}",
    "boolean": False,
    "ARRAY": (),
    "timestamp with time zone": MORNING,
}


async def migrate_to(url: str, version: str) -> None:
    """Apply the migrations up to one of them, that one included."""
    config = tortoise_config(url, pool_size=2, statement_timeout_ms=0)
    async with TortoiseContext() as context:
        await context.init(config=config)
        executor = MigrationExecutor(get_connection("default"), config["apps"])
        with models_without_filters():
            await executor.migrate([MigrationTarget(app_label="presale", name=version)])
        await get_connection("default").close()


async def insert(connection: asyncpg.Connection, table: str, **values: Any) -> UUID:
    """Insert a row and return its id; what is not named and has no default is empty.

    Moments and dates are texts.
    """
    columns = await connection.fetch(
        "SELECT column_name AS name, data_type AS type, "
        "is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AS is_needed "
        "FROM information_schema.columns WHERE table_name = $1",
        table,
    )
    types = {column["name"]: column["type"] for column in columns}
    needed = {
        column["name"]: EMPTY.get(column["type"]) for column in columns if column["is_needed"]
    }
    row = {**needed, "id": new_id(), **values}
    marks = (
        f"(${n}::text)::{types[name]}" if types[name].startswith(("timestamp", "date")) else f"${n}"
        for n, name in enumerate(row, 1)
    )
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(marks)})", *row.values()
    )
    row_id: UUID = row["id"]
    return row_id
