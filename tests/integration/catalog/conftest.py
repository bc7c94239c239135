"""A shop, and product files to import into it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headless_presale.catalog import ImportProducts, ImportReport, import_products
from headless_presale.shops import CreateShop, Shop, create_shop
from tests.integration.catalog.files import COLUMNS, Import, write_products


@pytest.fixture
async def shop(database: str) -> Shop:
    """Return a shop that prices in yuan and writes in English."""
    return await create_shop(CreateShop(slug="moonlit-forge", name="Moonlit Forge", currency="CNY"))


@pytest.fixture
def import_rows(shop: Shop, tmp_path: Path) -> Import:
    """Return what imports rows: each a mapping of column to cell."""

    async def run(
        *rows: dict[str, str], columns: Sequence[str] = COLUMNS, **options: Any
    ) -> ImportReport:
        path = write_products(tmp_path / "products.csv", rows, columns)
        return await import_products(
            ImportProducts(path=path, shop_id=shop.id, currency=shop.currency, **options)
        )

    return run
