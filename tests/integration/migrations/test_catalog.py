"""The catalogue's migration on a shop that has products already."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from headless_presale.database import migrate, tortoise_config
from headless_presale.kernel.ids import new_id
from tests.conftest import with_database


@pytest.fixture
async def filled_database(engine_urls: tuple[str, str], worker_id: str) -> AsyncIterator[str]:
    """Return the address of a database of the version before, with a product in it."""
    name = f"presale_filled_{worker_id}"
    admin = await asyncpg.connect(engine_urls[0])
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {name}")
    url = with_database(engine_urls[0], name)
    config = tortoise_config(url, pool_size=2, statement_timeout_ms=0)
    async with TortoiseContext() as context:
        await context.init(config=config)
        executor = MigrationExecutor(get_connection("default"), config["apps"])
        await executor.migrate([MigrationTarget(app_label="presale", name="0004_identity")])
        await get_connection("default").close()
    connection = await asyncpg.connect(url)
    shop_id, product_id = new_id(), new_id()
    await connection.execute(
        "INSERT INTO merchant (id, name, created_at) VALUES ($1, 'Forge', now())", shop_id
    )
    await connection.execute(
        "INSERT INTO shop (id, merchant_id, slug, name, currency, default_locale, translations, "
        "created_at) VALUES ($1, $1, 'forge', 'Forge', 'CNY', 'en', '{}', now())",
        shop_id,
    )
    await connection.execute(
        "INSERT INTO product (id, shop_id, handle, title, description_html, vendor, product_type, "
        "tags, is_published, seo_title, seo_description, translations, created_at, updated_at) "
        "VALUES ($1, $2, 'mug', 'Mug', '', '', '', '{}', true, '', '', '{}', now(), now())",
        product_id,
        shop_id,
    )
    await connection.execute(
        "INSERT INTO product_media (id, product_id, url, alt, position) "
        "VALUES ($1, $2, 'https://example.com/mug.jpg', '', 1)",
        new_id(),
        product_id,
    )
    await connection.close()
    yield url
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_products_get_a_version_and_pictures_elsewhere_stay(filled_database: str) -> None:
    assert "0006_catalog" in await migrate(filled_database)

    connection = await asyncpg.connect(filled_database)
    product = await connection.fetchrow(
        "SELECT p.handle, p.version, m.url, m.asset_id FROM product p "
        "JOIN product_media m ON m.product_id = p.id"
    )
    await connection.close()
    assert product is not None
    assert tuple(product) == ("mug", 1, "https://example.com/mug.jpg", None)
