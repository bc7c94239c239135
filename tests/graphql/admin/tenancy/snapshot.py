"""A database as it was: built once per worker, compared and put back in a few milliseconds.

A table is known by the number of its rows and the sum of their hashes, which PostgreSQL works out
where the rows are: a row that is added, removed or changed in a single letter changes it. Only
tables that differ are touched when the world is put back, and of those only the rows that do.
"""

import asyncpg

State = dict[str, tuple[int, int]]
"""Table -> how many rows it has, and the sum of their 64-bit hashes."""

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'tortoise_migrations'"
)
_COLUMNS = """
SELECT relname AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relname = ANY($1)
  AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
GROUP BY relname
"""


async def save(admin: asyncpg.Connection, kept: str = "saved") -> None:
    """Copy every table that has rows aside.

    Args:
        kept: the schema they are copied to; each world has its own.
    """
    await admin.execute(f"DROP SCHEMA IF EXISTS {kept} CASCADE; CREATE SCHEMA {kept}")
    names = [row["tablename"] for row in await admin.fetch(_TABLES, "public")]
    for name in names:
        if await admin.fetchval(f'SELECT EXISTS (SELECT 1 FROM public."{name}")'):
            await admin.execute(f'CREATE TABLE {kept}."{name}" AS TABLE public."{name}"')
    # Views, so that what is asked a thousand times is short.
    for view, schema, tables in (
        ("now", "public", names),
        ("before", kept, [row["tablename"] for row in await admin.fetch(_TABLES, kept)]),
    ):
        union = " UNION ALL ".join(_digest(schema, name) for name in tables)
        await admin.execute(f"CREATE VIEW {kept}.tables_{view} AS {union}")


def _digest(schema: str, name: str) -> str:
    return (
        f"SELECT '{name}' AS name, count(*) AS rows, "
        f'coalesce(sum(hashtextextended(t::text, 0)), 0) AS hashes FROM {schema}."{name}" AS t'
    )


async def state(admin: asyncpg.Connection, kept: str = "saved") -> State:
    """Return what there is, table by table; equal states hold equal rows."""
    return {
        row["name"]: (row["rows"], int(row["hashes"]))
        for row in await admin.fetch(f"SELECT * FROM {kept}.tables_now")
    }


async def restore(admin: asyncpg.Connection, kept: str = "saved") -> None:
    """Put every row back as ``save`` saw it."""
    saved = {
        row["name"]: (row["rows"], int(row["hashes"]))
        for row in await admin.fetch(f"SELECT * FROM {kept}.tables_before")
    }
    changed = [
        name
        for name, digest in (await state(admin, kept)).items()
        if digest != saved.get(name, (0, 0))
    ]
    if not changed:
        return
    columns = {row["name"]: row["columns"] for row in await admin.fetch(_COLUMNS, changed)}
    # Foreign keys and triggers look away: the rows were consistent when they were saved.
    statements = ["SET LOCAL session_replication_role = replica"]
    for name in changed:
        if name not in saved:
            statements.append(f'DELETE FROM public."{name}"')
            continue
        statements += [
            f'DELETE FROM public."{name}" AS t '
            f'WHERE t::text NOT IN (SELECT s::text FROM {kept}."{name}" AS s)',
            f'INSERT INTO public."{name}" ({columns[name]}) OVERRIDING SYSTEM VALUE '
            f'SELECT {columns[name]} FROM {kept}."{name}" AS s '
            f'WHERE s::text NOT IN (SELECT t::text FROM public."{name}" AS t)',
        ]
    # Beyond what was saved: emptying the database begins its numbers anew.
    statements.append(
        "SELECT setval(quote_ident(sequencename)::regclass, 1000000) FROM pg_sequences "
        "WHERE schemaname = 'public' AND coalesce(last_value, 0) < 1000000"
    )
    async with admin.transaction():
        await admin.execute(";".join(statements))


async def rows(admin: asyncpg.Connection) -> dict[str, frozenset[str]]:
    """Return every row of every table as text."""
    names = [row["tablename"] for row in await admin.fetch(_TABLES, "public")]
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS name, t::text AS row FROM public.\"{name}\" AS t" for name in names
    )
    found: dict[str, set[str]] = {}
    for record in await admin.fetch(union):
        found.setdefault(record["name"], set()).add(record["row"])
    return {name: frozenset(texts) for name, texts in found.items()}
