"""Every migration since the first release's, on tables with rows in them."""

import importlib
import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import asyncpg
from tortoise.migrations.operations import (
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    RemoveField,
    RemoveIndex,
    RunSQL,
)

from headless_presale import migrations
from headless_presale.kernel.ids import display_number
from tests.integration.migrations.filling import insert, migrate_to

FIRST = "0003_procrastinate"
NAMES = sorted(path.stem for path in Path(migrations.__file__).parent.glob("0*.py"))
CHANGES = AddField | AddIndex | AlterField | RemoveField | RemoveIndex
IN_SQL = re.compile(
    r"ALTER TABLE (\w+)|^UPDATE (\w+)|INDEX \w+ ON (\w+)|^ *AFTER .* ON (\w+)", re.MULTILINE
)
STOPS = (
    "0004_identity",
    "0006_catalog",
    "0009_sales",
    "0015_customers",
    "0028_personal_data_exports",
    NAMES[-1],
)
"""Where rows are looked for, and put, on the way: in tables that a later migration changes."""


async def test_each_applies_where_the_tables_it_changes_have_rows(
    database_of: Callable[[str], Awaitable[str]],
) -> None:
    url = await database_of(FIRST)
    connection = await asyncpg.connect(url)
    order_id = await _sell(connection)

    changed = {name: tables for name, tables in _tables_changed() if name > FIRST}
    for before, stop in pairwise((FIRST, *STOPS)):
        for name in (name for name in changed if before < name <= stop):
            empty = [table for table in changed[name] if not await _has_rows(connection, table)]
            assert empty == [], f"{name} changes tables that have no rows here: put some into them"
        await migrate_to(url, stop)
        await _fill_after(connection, stop)

    # Spelt out, so that a reading of migrations that finds nothing is noticed.
    assert changed["0007_order_version"] == {"sales_order"}
    assert changed["0010_media_texts"] == {"media_asset"}
    assert {"sales_order", "audit_entry", "sales_sum"} < changed["0013_charts_and_lists"]
    order = await connection.fetchrow(
        "SELECT o.number, o.quantity, o.version, m.name FROM sales_order o "
        "JOIN shop s ON s.id = o.shop_id JOIN merchant m ON m.id = s.merchant_id"
    )
    picture = await connection.fetchrow("SELECT alt, translations, version FROM media_asset")
    copy = await connection.fetch(
        "SELECT p.number, p.content FROM personal_data_export e JOIN personal_data_export_piece p "
        "ON p.export_id = e.id AND p.attempt = e.attempt"
    )
    await connection.close()
    assert order is not None
    assert picture is not None
    assert tuple(order) == (display_number(order_id), 3, 1, "Forge")
    assert tuple(picture) == ("", "{}", 1)
    assert [tuple(piece) for piece in copy] == [(0, b"a copy")]


def _tables_changed() -> Iterator[tuple[str, set[str]]]:
    """Name the tables that each migration finds there and changes."""
    tables: dict[str, str] = {}
    for name in NAMES:
        made, changed = set(), set()
        operations = importlib.import_module(f"{migrations.__name__}.{name}").Migration.operations
        for operation in operations:
            if isinstance(operation, CreateModel):
                assert operation.options is not None
                tables[operation.name] = operation.options["table"]
                made.add(tables[operation.name])
            elif isinstance(operation, CHANGES):
                changed.add(tables[operation.model_name])
            elif isinstance(operation, RunSQL):
                made |= set(re.findall(r"CREATE TABLE (\w+)", operation.sql))
                changed |= {table for found in IN_SQL.findall(operation.sql) for table in found}
        yield name, changed - made - {""}


async def _has_rows(connection: asyncpg.Connection, table: str) -> bool:
    if await connection.fetchval("SELECT to_regclass($1)", table) is None:
        return False
    return bool(await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"))


async def _sell(connection: asyncpg.Connection) -> UUID:
    """Sell three of something, in the first release's tables; return the order's id."""
    shop = await insert(connection, "shop", slug="forge", name="Forge", currency="CNY")
    product = await insert(connection, "product", shop_id=shop, handle="mug")
    await insert(connection, "product_media", product_id=product)
    variant = await insert(connection, "product_variant", product_id=product, currency="CNY")
    campaign = await insert(
        connection, "campaign", shop_id=shop, currency="CNY", hold_seconds=900,
        closes_at="2026-03-08 08:07Z",
    )  # fmt: skip
    item = await insert(
        connection, "campaign_item", campaign_id=campaign, variant_id=variant, price_minor=500,
        pool_id=await insert(connection, "slot_pool", capacity=10),
    )  # fmt: skip
    await insert(
        connection, "production_batch", item_id=item, first_number=1, last_number=10,
        ships_by="2026-06-30",
    )  # fmt: skip
    order = await insert(
        connection, "sales_order", shop_id=shop, campaign_id=campaign, currency="CNY",
        customer_id=shop, status="PAID", total_minor=1500, balance_minor=1500,
    )  # fmt: skip
    await insert(
        connection, "order_line", order_id=order, item_id=item, pool_id=item, quantity=3
    )  # fmt: skip
    payment = await insert(
        connection, "payment", shop_id=shop, order_id=order, leg="FULL", status="CAPTURED",
        amount_minor=1500, currency="CNY", captured_at="2026-03-01 08:08Z",
    )  # fmt: skip
    await insert(connection, "message", subject_id=order, recipient="lin@example.com")
    async with connection.transaction():
        booked = await insert(
            connection, "ledger_transaction", shop_id=shop, order_id=order, kind="capture",
            source=f"capture:{payment}",
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
            "VALUES ($1, 'GATEWAY', 1500, 'CNY'), ($1, 'CUSTOMER_FUNDS', -1500, 'CNY')",
            booked,
        )
    await connection.execute(
        "INSERT INTO event (topic, type, payload, actor, created_at) "
        "VALUES ('order:' || $1::uuid, 'order.confirmed', '{}', 'buyer', now())",
        order,
    )
    return order


async def _fill_after(connection: asyncpg.Connection, version: str) -> None:
    """Put a row into tables that a migration has made and a later one changes."""
    shop = await connection.fetchval("SELECT id FROM shop")
    if version == "0004_identity":
        await connection.execute(
            "INSERT INTO audit_entry (owner_id, at, actor, actor_label, client_id, request_id, "
            "action, subject_type, subject_id, subject_label, before, after) VALUES "
            "($1, now(), 'staff', '', '', '', 'shop.update', 'Shop', $1, 'Forge', '{}', '{}')",
            shop,
        )
    elif version == "0015_customers":
        await insert(connection, "customer", shop_id=shop, email="ann@example.com", locale="en")
        await insert(connection, "message", kind="order_confirmed", subject_id=shop)
    elif version == "0006_catalog":
        await insert(
            connection, "media_asset", shop_id=shop, sha256="0" * 64, width=1, height=1, bytes=1
        )  # fmt: skip
    elif version == "0028_personal_data_exports":
        await insert(
            connection, "personal_data_export", shop_id=shop, document=b"a copy",
            customer_id=await connection.fetchval("SELECT id FROM customer"),
            ready_at="2026-03-01 08:08Z",
        )  # fmt: skip
