"""Discarding a draft: gone with all of it, and its handle free again; a promise stays."""

import asyncpg
import pytest

from headless_presale.campaigns import (
    Campaign,
    ShopRef,
    create_campaign,
    discard_draft,
    publish_campaign,
)
from headless_presale.kernel.errors import TransitionNotAllowed
from tests.support.shop import draft, make_shop, make_variant

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

TABLES = ("campaign", "campaign_item", "campaign_terms", "production_batch", "slot", "slot_pool")


async def _rows(admin: asyncpg.Connection) -> dict[str, int]:
    return {table: await admin.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def _draft() -> Campaign:
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    return await create_campaign(ref, draft(capacity=5))


async def test_a_draft_goes_with_all_that_belongs_to_it(
    database_admin: asyncpg.Connection,
) -> None:
    campaign = await _draft()
    assert await _rows(database_admin) == dict(zip(TABLES, (1, 1, 1, 1, 5, 1), strict=True))

    await discard_draft(campaign.id)

    assert await _rows(database_admin) == dict.fromkeys(TABLES, 0)


async def test_what_is_published_cannot_be_discarded(database_admin: asyncpg.Connection) -> None:
    campaign = await _draft()
    await publish_campaign(campaign.id, default_locale="en")
    before = await _rows(database_admin)

    with pytest.raises(TransitionNotAllowed):
        await discard_draft(campaign.id)

    assert await _rows(database_admin) == before
