"""The catalogue's migration on a shop that has products already."""

from collections.abc import Awaitable, Callable

import asyncpg

from headless_presale.database import migrate
from tests.integration.migrations.filling import insert


async def test_products_get_a_version_and_pictures_elsewhere_stay(
    database_of: Callable[[str], Awaitable[str]],
) -> None:
    url = await database_of("0004_identity")
    connection = await asyncpg.connect(url)
    merchant = await insert(connection, "merchant")
    shop = await insert(connection, "shop", merchant_id=merchant, slug="forge", currency="CNY")
    product = await insert(connection, "product", shop_id=shop, handle="mug")
    await insert(connection, "product_media", product_id=product, url="https://example.com/mug.jpg")

    assert "0006_catalog" in await migrate(url)

    row = await connection.fetchrow(
        "SELECT p.handle, p.version, m.url, m.asset_id FROM product p "
        "JOIN product_media m ON m.product_id = p.id"
    )
    await connection.close()
    assert row is not None
    assert tuple(row) == ("mug", 1, "https://example.com/mug.jpg", None)
