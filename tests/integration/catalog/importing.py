"""Imports that are asked for, and how they stand."""

from typing import Any

from headless_presale.catalog import (
    ProductImport,
    StartImport,
    start_import,
)
from headless_presale.shops import Shop
from tests.support.product_files import put_file

BATCH = 100
"""Products that are committed together."""


async def ask(shop: Shop, content: str | bytes, **options: Any) -> ProductImport:
    """Upload a file and ask for its import."""
    file = await put_file(shop.id, content)
    return await start_import(
        StartImport(shop_id=shop.id, file_id=file.id, requested_by="lin@example.com", **options)
    )


async def done(import_: ProductImport) -> ProductImport:
    """Return an import as it is now."""
    return await ProductImport.get(id=import_.id)


async def report_of(import_: ProductImport) -> dict[str, Any]:
    """Return what an import that has ended says of itself."""
    found = await done(import_)
    assert found.report is not None
    return found.report
