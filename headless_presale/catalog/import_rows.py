"""Reads and writes the rows of an import: a handful of statements for any number of products."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from headless_presale.catalog.import_plan import (
    MEDIA_FIELDS,
    OPTION_FIELDS,
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    ProductPlan,
    StoredProduct,
    StoredRow,
    TableChanges,
)
from headless_presale.kernel.postgres import allow_slow_statements
from headless_presale.kernel.unit_of_work import UnitOfWork

LOCK_WAIT_MS = 120_000
"""An import waits this long for another one of the same shop, and each of its statements may
take this long; what buyers wait for keeps the pool's own, shorter limit."""


async def lock_catalog(work: UnitOfWork, shop_id: UUID) -> None:
    """Let one import at a time write to a shop's catalogue, until this transaction ends."""
    await allow_slow_statements(work.connection, LOCK_WAIT_MS)
    await work.fetch(
        "SELECT pg_advisory_xact_lock(hashtextextended('catalog-import:' || $1::text, 0))",
        str(shop_id),
    )


async def load_products(
    work: UnitOfWork, shop_id: UUID, handles: Sequence[str]
) -> dict[str, StoredProduct]:
    """Return what is stored of these products, by handle. Four statements."""
    rows = await work.fetch(
        f"SELECT id, handle, {', '.join(PRODUCT_FIELDS)} FROM product "
        "WHERE shop_id = $1 AND handle = ANY($2::text[])",
        shop_id,
        handles,
    )
    products = {row["handle"]: StoredProduct(row["id"], _values(row)) for row in rows}
    if not products:
        return products
    by_id = {product.id: product for product in products.values()}
    for row in await _children(work, "product_option", "position, name", by_id):
        by_id[row["product_id"]].options[row["position"]] = StoredRow(row["id"], _values(row))
    for row in await _children(work, "product_media", "url, alt, position", by_id):
        by_id[row["product_id"]].media[row["url"]] = StoredRow(row["id"], _values(row))
    for row in await _children(work, "product_variant", ", ".join(VARIANT_FIELDS), by_id):
        by_id[row["product_id"]].variants.append(StoredRow(row["id"], _values(row)))
    return products


async def _children(
    work: UnitOfWork, table: str, columns: str, product_ids: Iterable[UUID]
) -> list[asyncpg.Record]:
    return await work.fetch(
        f"SELECT id, product_id, {columns} FROM {table} WHERE product_id = ANY($1::uuid[]) "
        "ORDER BY product_id, position, id",
        list(product_ids),
    )


def _values(row: asyncpg.Record) -> dict[str, Any]:
    return dict(row.items())


async def write_plans(work: UnitOfWork, plans: Sequence[ProductPlan]) -> None:
    """Write what the plans hold: at most ten statements, none where there is nothing to do.

    Pictures go before the variants that show them, and option values are let go of before they
    are taken over.
    """

    async def write(
        table: str,
        fields: Sequence[str],
        of: Callable[[ProductPlan], TableChanges],
        keys: Sequence[str],
    ) -> None:
        changes = [of(plan) for plan in plans]
        await _update(work, table, fields, [row for c in changes for row in c.updates])
        await _insert(work, table, [*keys, *fields], [row for c in changes for row in c.inserts])

    stamps = ("created_at", "updated_at")
    await write(
        "product",
        [*PRODUCT_FIELDS, "updated_at"],
        lambda plan: plan.products,
        ["id", "shop_id", "handle", "translations", "created_at"],
    )
    if stale := [option for plan in plans for option in plan.stale_options]:
        await work.execute("DELETE FROM product_option WHERE id = ANY($1::uuid[])", stale)
    await write(
        "product_option",
        OPTION_FIELDS,
        lambda plan: plan.options,
        ["id", "product_id", "position", "translations"],
    )
    await write("product_media", MEDIA_FIELDS, lambda plan: plan.media, ["id", "product_id", "url"])
    if parked := [variant for plan in plans for variant in plan.parked_variants]:
        await work.execute(
            "UPDATE product_variant SET option_values = ARRAY[id::text] WHERE id = ANY($1::uuid[])",
            parked,
        )
    await write(
        "product_variant",
        [*VARIANT_FIELDS, "updated_at"],
        lambda plan: plan.variants,
        ["id", "product_id", stamps[0]],
    )


async def _insert(
    work: UnitOfWork, table: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    if not rows:
        return
    names = ", ".join(columns)
    await work.execute(
        f"INSERT INTO {table} ({names}) "
        f"SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)",
        _json(rows),
    )


async def _update(
    work: UnitOfWork,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[UUID, dict[str, Any]]],
) -> None:
    """Change rows, each in its own fields only: what a patch does not name keeps its value."""
    if not rows:
        return
    patched = ", ".join(f"r.{column}" for column in columns)
    await work.execute(
        f"UPDATE {table} AS t SET ({', '.join(columns)}) = "
        f"(SELECT {patched} FROM jsonb_populate_record(t, c.patch) AS r) "
        "FROM jsonb_to_recordset($1::jsonb) AS c (id uuid, patch jsonb) WHERE t.id = c.id",
        _json([{"id": row_id, "patch": patch} for row_id, patch in rows]),
    )


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=_driver_uuid).decode()


def _driver_uuid(value: object) -> str:
    """Serialise asyncpg's own subclass of UUID, which orjson does not take for one."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a row")
