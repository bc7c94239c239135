"""Migrations: complete, all or nothing, and safe to start several times at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from tortoise import Model, Tortoise
from tortoise.fields import IntField
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.executor import MigrationExecutor

from headless_presale import migrations
from headless_presale.database import migrate, models_without_filters, tortoise_config
from tests.conftest import with_database

MIGRATIONS = sorted(path.stem for path in Path(migrations.__file__).parent.glob("0*.py"))


@pytest.fixture
async def fresh_database(engine_urls: tuple[str, str], worker_id: str) -> AsyncIterator[str]:
    """Return the address of a database without any table."""
    name = f"presale_fresh_{worker_id}"
    admin = await asyncpg.connect(engine_urls[0])
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {name}")
    yield with_database(engine_urls[0], name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def _tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_every_constraint_and_index_of_the_models_is_in_the_database(
    database: str, database_admin: asyncpg.Connection
) -> None:
    models = (Tortoise.apps or {})["presale"].values()
    checks = await database_admin.fetch("SELECT conname FROM pg_constraint")
    indexes = await database_admin.fetch("SELECT indexname FROM pg_indexes")
    present = {row["conname"] for row in checks} | {row["indexname"] for row in indexes}

    declared = {
        constraint.name
        for model in models
        for constraint in getattr(model.Meta, "constraints", ())
        if isinstance(constraint, CheckConstraint | UniqueConstraint)
    } | {index.name for model in models for index in getattr(model.Meta, "indexes", ())}

    assert len(declared) >= 30
    assert declared - present == set()


async def test_money_is_never_deleted_with_what_it_belongs_to(
    database_admin: asyncpg.Connection,
) -> None:
    cascading = await database_admin.fetch(
        "SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent "
        "FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c' "
        "AND conrelid::regclass::text NOT LIKE 'procrastinate%'"
    )
    assert {(row["child"], row["parent"]) for row in cascading} == {
        ("cart", "customer"),
        ("cart_line", "cart"),
        ("customer_sign_in_flow", "customer_sign_in_provider"),
        ("personal_data_export_piece", "personal_data_export"),
        ("product_file_piece", "product_file"),
        ("campaign_watcher", "campaign"),
        ("product_media", "product"),
        ("product_option", "product"),
        ("product_variant", "product"),
    }


async def test_five_processes_that_start_at_once_migrate_once(fresh_database: str) -> None:
    applied = await asyncio.gather(*(migrate(fresh_database) for _ in range(5)))

    names = [name for names in applied for name in names]
    assert sorted(names) == MIGRATIONS
    assert await migrate(fresh_database) == []


async def test_a_migration_that_breaks_off_leaves_nothing_behind(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MigrationExecutor.migrate

    async def break_off(self: MigrationExecutor, *args: object, **options: object) -> None:
        await run(self, *args, **options)  # type: ignore[arg-type]
        raise ConnectionError("the process is gone")

    monkeypatch.setattr(MigrationExecutor, "migrate", break_off)
    with pytest.raises(ConnectionError):
        await migrate(fresh_database)
    assert await _tables(fresh_database) == set()

    monkeypatch.undo()
    assert await migrate(fresh_database) == MIGRATIONS
    assert await _way_to_an_order(fresh_database) == "Index Scan"


async def _way_to_an_order(url: str) -> str:
    """Return how a foreign key finds an order, in a session that plans it while there is none."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(
            "PREPARE way (uuid) AS "
            "SELECT 1 FROM ONLY sales_order x WHERE id = $1 FOR KEY SHARE OF x"
        )
        said = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE way ('{uuid4()}')")
    finally:
        await connection.close()
    node: str = json.loads(said)[0]["Plan"]["Plans"][0]["Node Type"]
    return node


def test_the_frozen_queue_schema_is_the_installed_procrastinates() -> None:
    frozen = files("headless_presale.migrations.sql").joinpath("procrastinate_3_10.sql")
    installed = files("procrastinate.sql").joinpath("schema.sql")
    assert frozen.read_text() == installed.read_text()


def test_the_configuration_reads_every_form_of_address() -> None:
    def credentials(url: str) -> tuple[object, ...]:
        found = tortoise_config(url)["connections"]["default"]["credentials"]
        return tuple(found[name] for name in ("host", "port", "user", "password", "database"))

    assert credentials("postgresql://postgres@/presale?host=/run/pg&port=5433") == (
        "/run/pg",
        5433,
        "postgres",
        None,
        "presale",
    )
    assert credentials("postgresql://me:p%40ss@db.example:6000/shop") == (
        "db.example",
        6000,
        "me",
        "p@ss",
        "shop",
    )


def test_models_made_while_migrating_cannot_be_filtered_and_later_ones_can() -> None:
    with models_without_filters():
        assert "minute__gt" not in _model("minute")._meta._filters

    assert "minute__gt" in _model("minute")._meta._filters


def _model(field: str) -> type[Model]:
    """Make a model with a number."""
    return type("Clock", (Model,), {"id": IntField(primary_key=True), field: IntField()})
