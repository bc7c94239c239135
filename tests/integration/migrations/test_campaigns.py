"""The migration of batches on a shop whose caps were lowered before."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from headless_presale.database import migrate
from headless_presale.kernel.ids import new_id
from tests.integration.migrations.filling import insert


async def _fill(connection: asyncpg.Connection) -> None:
    """Make an item of ten numbers in two batches, of which 8 and 10 were taken away."""
    merchant = await insert(connection, "merchant")
    shop = await insert(connection, "shop", merchant_id=merchant, slug="forge", currency="CNY")
    product = await insert(connection, "product", shop_id=shop, is_published=True, tags=[])
    variant: UUID = await insert(
        connection,
        "product_variant",
        product_id=product,
        option_values=[],
        currency="CNY",
        is_taxable=True,
        is_shippable=True,
    )
    campaign = new_id()
    await connection.execute(
        "INSERT INTO campaign (id, shop_id, handle, title, story, translations, currency, status,"
        " opens_at, closes_at, payment_plan, cancel_policy, hold_seconds, version, cancel_reason,"
        " created_at) VALUES ($1, $2, 'fox', 'Fox', '', '{}', 'CNY', 'LIVE', now(),"
        " now() + interval '7 days', '{}', '{}', 900, 2, '', now())",
        campaign,
        shop,
    )
    pool = await insert(connection, "slot_pool", capacity=8, is_open=True)
    item = await insert(
        connection,
        "campaign_item",
        campaign_id=campaign,
        variant_id=variant,
        pool_id=pool,
        price_minor=100,
    )
    for position, first, last in ((0, 1, 6), (1, 7, 10)):
        await connection.execute(
            "INSERT INTO production_batch (id, item_id, position, first_number, last_number,"
            " ships_by) VALUES ($1, $2, $3, $4, $5, '2026-06-30')",
            new_id(),
            item,
            position,
            first,
            last,
        )
    await connection.execute(
        "INSERT INTO slot (pool_id, number) SELECT $1, n FROM generate_series(1, 10) AS n "
        "WHERE n NOT IN (8, 10)",
        pool,
    )


async def test_each_batch_says_what_it_has(
    database_of: Callable[[str], Awaitable[str]],
) -> None:
    url = await database_of("0010_media_texts")
    connection = await asyncpg.connect(url)
    await _fill(connection)

    assert "0011_campaigns" in await migrate(url)

    counts = await connection.fetch("SELECT capacity FROM production_batch ORDER BY position")
    await connection.close()
    # Of 1 to 6 all, of 7 to 10 two are gone.
    assert [row["capacity"] for row in counts] == [6, 4 - 2]
