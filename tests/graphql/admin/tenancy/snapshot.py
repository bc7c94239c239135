"""A database as it was: built once per worker, put back before each test in milliseconds."""

import asyncpg

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'tortoise_migrations'"
)


async def has_saved(admin: asyncpg.Connection) -> bool:
    """Tell whether there is something to put back."""
    return bool(await admin.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = 'saved'"))


async def save(admin: asyncpg.Connection) -> None:
    """Copy every table that has rows aside."""
    await admin.execute("DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved")
    for row in await admin.fetch(_TABLES, "public"):
        name = row["tablename"]
        if await admin.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{name}")'):
            await admin.execute(f'CREATE TABLE saved."{name}" AS TABLE "{name}"')


async def restore(admin: asyncpg.Connection) -> None:
    """Put every row back; the tables are those that ``save`` saw."""
    names = [row["tablename"] for row in await admin.fetch(_TABLES, "public")]
    saved = [row["tablename"] for row in await admin.fetch(_TABLES, "saved")]
    async with admin.transaction():
        # Foreign keys and triggers look away: the rows were consistent when they were saved.
        await admin.execute("SET LOCAL session_replication_role = replica")
        await admin.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in names))
        for name in saved:
            columns = await admin.fetchval(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'",
                name,
            )
            await admin.execute(
                f'INSERT INTO "{name}" ({columns}) OVERRIDING SYSTEM VALUE '
                f'SELECT {columns} FROM saved."{name}"'
            )
        # Beyond what was saved: emptying the database began them anew.
        await admin.execute(
            "SELECT setval(quote_ident(sequencename)::regclass, 1000000) FROM pg_sequences "
            "WHERE schemaname = 'public'"
        )


async def rows(admin: asyncpg.Connection) -> dict[str, frozenset[str]]:
    """Return every row of every table as text."""
    names = [row["tablename"] for row in await admin.fetch(_TABLES, "public")]
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS name, t::text AS row FROM \"{name}\" AS t" for name in names
    )
    found: dict[str, set[str]] = {}
    for record in await admin.fetch(union):
        found.setdefault(record["name"], set()).add(record["row"])
    return {name: frozenset(texts) for name, texts in found.items()}
