"""Product files that tests write, and the rows that came of them."""

import csv
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from headless_presale.catalog import ImportReport

Import = Callable[..., Awaitable[ImportReport]]

COLUMNS = (
    "Handle", "Title", "Body (HTML)", "Tags", "Option1 Name", "Option1 Value", "Variant SKU",
    "Variant Price", "Variant Inventory Qty", "Image Src", "Image Alt Text", "Variant Image",
)  # fmt: skip


def write_products(
    path: Path, rows: Iterable[dict[str, str]], columns: Sequence[str] = COLUMNS
) -> Path:
    """Write a product file; cells that a row does not name are empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(
    handle: str,
    title: str = "",
    price: str = "",
    *,
    size: str = "",
    sku: str = "",
    **cells: str,
) -> dict[str, str]:
    """Return a row; with ``size`` it is a variant of the option Size."""
    values = {"Handle": handle, "Title": title, "Variant Price": price}
    if title and size:
        values["Option1 Name"] = "Size"
    return values | {"Option1 Value": size, "Variant SKU": sku} | cells


async def row_versions(connection: asyncpg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return id and xmin of every row of the catalogue and its events: equal means untouched."""
    return {
        table: [
            tuple(found)
            for found in await connection.fetch(f"SELECT id, xmin::text FROM {table} ORDER BY id")
        ]
        for table in ("product", "product_option", "product_variant", "product_media", "event")
    }


async def variants_of(connection: asyncpg.Connection, handle: str) -> list[tuple[Any, ...]]:
    """Return (SKU, option values, price in minor units) of a product's variants, in order."""
    found = await connection.fetch(
        "SELECT v.sku, v.option_values, v.price_minor FROM product_variant v "
        "JOIN product p ON p.id = v.product_id WHERE p.handle = $1 ORDER BY v.position, v.id",
        handle,
    )
    return [tuple(record) for record in found]
