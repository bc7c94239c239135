"""Reads and writes the rows of products: a handful of statements for any number of them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from headless_presale.catalog.product_plan import (
    MEDIA_FIELDS,
    OPTION_FIELDS,
    TEXT_FIELDS,
    VARIANT_FIELDS,
    ProductPlan,
    StoredProduct,
    StoredRow,
    TableChanges,
)
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.postgres import allow_slow_statements
from headless_presale.kernel.unit_of_work import UnitOfWork

LOCK_WAIT_MS = 120_000
"""An import waits this long for another one of the same shop, and each of its statements may
take this long; what buyers wait for keeps the pool's own, shorter limit."""

LOCKED = "ORDER BY id FOR NO KEY UPDATE"
"""Whoever writes to several products locks them in this order, so that two of them queue up."""


async def lock_catalog(work: UnitOfWork, shop_id: UUID, *, is_patient: bool = False) -> None:
    """Let one import, or one change of many products, at a time write to a shop's catalogue.

    Held until this transaction ends.

    Args:
        is_patient: wait as long as an import may; else as long as any statement may take.
    """
    if is_patient:
        await allow_slow_statements(work.connection, LOCK_WAIT_MS)
    await work.lock("catalog-import", shop_id)


async def load_products(
    work: UnitOfWork, shop_id: UUID, handles: Sequence[str], *, is_locked: bool = False
) -> dict[str, StoredProduct]:
    """Return what is stored of these products, by handle. Four statements.

    Args:
        is_locked: let nobody else change them until this transaction ends.
    """
    found = await _load(
        work,
        f"shop_id = $1 AND handle = ANY($2::text[]) {LOCKED if is_locked else ''}",
        shop_id,
        handles,
    )
    return {product.values["handle"]: product for product in found.values()}


async def lock_products(
    work: UnitOfWork, shop_ids: Collection[UUID], product_ids: Collection[UUID]
) -> dict[UUID, StoredProduct]:
    """Return those of the products that these shops have, by id, locked until the end."""
    return await _load(
        work,
        f"shop_id = ANY($1::uuid[]) AND id = ANY($2::uuid[]) {LOCKED}",
        list(shop_ids),
        list(product_ids),
    )


async def _load(work: UnitOfWork, where: str, *args: object) -> dict[UUID, StoredProduct]:
    rows = await work.fetch(
        f"SELECT id, shop_id, {', '.join(TEXT_FIELDS)} FROM product WHERE {where}", *args
    )
    products = {row["id"]: StoredProduct(row["id"], _values(row)) for row in rows}
    if not products:
        return products
    for row in await _children(work, "product_option", OPTION_FIELDS, products):
        products[row["product_id"]].options[row["position"]] = StoredRow(row["id"], _values(row))
    for row in await _children(work, "product_media", ("url", "asset_id", *MEDIA_FIELDS), products):
        products[row["product_id"]].media[row["url"]] = StoredRow(row["id"], _values(row))
    for row in await _children(work, "product_variant", VARIANT_FIELDS, products):
        products[row["product_id"]].variants.append(StoredRow(row["id"], _values(row)))
    return products


async def _children(
    work: UnitOfWork, table: str, columns: Sequence[str], product_ids: Iterable[UUID]
) -> list[asyncpg.Record]:
    return await work.fetch(
        f"SELECT id, product_id, {', '.join(columns)} FROM {table} "
        "WHERE product_id = ANY($1::uuid[]) ORDER BY product_id, position, id",
        list(product_ids),
    )


def _values(row: asyncpg.Record) -> dict[str, Any]:
    values = dict(row.items())
    if "translations" in values:
        values["translations"] = orjson.loads(values["translations"])
    return values


async def write_plans(work: UnitOfWork, plans: Sequence[ProductPlan]) -> None:
    """Write what the plans hold: at most fourteen statements, none where there is nothing to do.

    Pictures go before the variants that show them; positions and option values are let go of
    before they are taken over, and rows go before others take their place.
    """

    async def delete(table: str, of: Callable[[ProductPlan], list[UUID]]) -> None:
        if stale := [row_id for plan in plans for row_id in of(plan)]:
            await _write(work, f"DELETE FROM {table} WHERE id = ANY($1::uuid[])", stale)

    async def write(
        table: str,
        fields: Sequence[str],
        of: Callable[[ProductPlan], TableChanges],
        keys: Sequence[str],
    ) -> None:
        changes = [of(plan) for plan in plans]
        await _update(work, table, fields, [row for c in changes for row in c.updates])
        await _insert(work, table, [*keys, *fields], [row for c in changes for row in c.inserts])

    await write(
        "product",
        [*TEXT_FIELDS, "updated_at"],
        lambda plan: plan.products,
        ["id", "shop_id", "created_at"],
    )
    await delete("product_option", lambda plan: plan.stale_options)
    await delete("product_variant", lambda plan: plan.stale_variants)
    await delete("product_media", lambda plan: plan.stale_media)
    if parked := [option for plan in plans for option in plan.parked_options]:
        await _write(
            work,
            "UPDATE product_option SET position = -position WHERE id = ANY($1::uuid[])",
            parked,
        )
    await write("product_option", OPTION_FIELDS, lambda plan: plan.options, ["id", "product_id"])
    await write(
        "product_media",
        MEDIA_FIELDS,
        lambda plan: plan.media,
        ["id", "product_id", "url", "asset_id"],
    )
    if parked := [variant for plan in plans for variant in plan.parked_variants]:
        await _write(
            work,
            "UPDATE product_variant SET option_values = ARRAY[id::text] WHERE id = ANY($1::uuid[])",
            parked,
        )
    await write(
        "product_variant",
        [*VARIANT_FIELDS, "updated_at"],
        lambda plan: plan.variants,
        ["id", "product_id", "created_at"],
    )


async def _insert(
    work: UnitOfWork, table: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    if not rows:
        return
    names = ", ".join(columns)
    await _write(
        work,
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
    await _write(
        work,
        f"UPDATE {table} AS t SET ({', '.join(columns)}) = "
        f"(SELECT {patched} FROM jsonb_populate_record(t, c.patch) AS r) "
        "FROM jsonb_to_recordset($1::jsonb) AS c (id uuid, patch jsonb) WHERE t.id = c.id",
        _json([{"id": row_id, "patch": patch} for row_id, patch in rows]),
    )


async def _write(work: UnitOfWork, sql: str, *args: object) -> None:
    await work.execute(sql, *args)
    reach("catalog.rows_written")


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows, default=_driver_uuid).decode()


def _driver_uuid(value: object) -> str:
    """Serialise asyncpg's own subclass of UUID, which orjson does not take for one."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a row")
