"""Uploaded files: which are kept, and for how long."""

from datetime import timedelta

import asyncpg

from headless_presale.catalog import (
    ProductFile,
    cancel_import,
)
from headless_presale.catalog.product_files import MOST_FILES, PIECE_BYTES, forget_old_files
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import Shop
from tests.integration.catalog.importing import ask
from tests.support.product_files import products_csv, put_file


async def test_the_same_file_is_kept_once_and_for_another_week(
    shop: Shop, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    content = b"x" * (2 * PIECE_BYTES + 5)
    first = await put_file(shop.id, content, name="C:\\files\\spring\x00.csv")
    assert (first.name, first.bytes) == ("spring.csv", len(content))
    sizes = await database_admin.fetch(
        "SELECT length(content) AS size FROM product_file_piece ORDER BY number"
    )
    assert [row["size"] for row in sizes] == [PIECE_BYTES, PIECE_BYTES, 5]

    clock.advance(timedelta(days=6))
    again = await put_file(shop.id, content, name="again.csv")
    assert again.id == first.id
    clock.advance(timedelta(days=6))
    assert await forget_old_files() == 0
    clock.advance(timedelta(days=2))
    assert await forget_old_files() == 1
    assert await database_admin.fetchval("SELECT count(*) FROM product_file_piece") == 0


async def test_a_shop_keeps_ten_files_and_those_that_are_imported(
    shop: Shop, clock: ManualClock
) -> None:
    asked = await ask(shop, products_csv(1))
    for number in range(MOST_FILES + 2):
        clock.advance(timedelta(seconds=1))
        await put_file(shop.id, f"file {number}")

    assert await ProductFile.filter(shop_id=shop.id).count() == MOST_FILES + 1
    assert await ProductFile.exists(id=asked.upload_id)
    clock.advance(timedelta(days=30))
    assert await forget_old_files() == MOST_FILES
    await cancel_import([shop.id], asked.id)
    assert await forget_old_files() == 1
