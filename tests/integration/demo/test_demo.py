"""The demo shop: made once, finished after a kill, never beside a real shop."""

import pytest

from headless_presale import demo
from headless_presale.campaigns import (
    Campaign,
    CampaignStatus,
    list_snapshots,
    publish_campaign,
)
from headless_presale.catalog import Product
from headless_presale.kernel import clock
from headless_presale.shops import CreateShop, Shop, create_shop

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_an_empty_database_gets_a_shop_with_a_live_and_a_coming_presale() -> None:
    assert await demo.ensure_demo() is True

    shop = await Shop.get(slug=demo.SHOP_SLUG)
    assert await Product.filter(shop_id=shop.id).count() == 12
    campaigns = await list_snapshots(shop.id, limit=10)
    statuses = {campaign.handle: campaign.status(clock.now()) for campaign in campaigns}
    assert statuses == {
        "moonlit-archivist": CampaignStatus.LIVE,
        "ember-fox-courier": CampaignStatus.SCHEDULED,
    }
    assert await demo.ensure_demo() is False
    assert await Campaign.all().count() == 2


async def test_a_start_that_was_killed_half_way_is_finished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish = publish_campaign
    published: list[object] = []

    async def publish_once(*args: object, **options: object) -> object:
        if published:
            raise ConnectionError("killed")
        published.append(args)
        return await publish(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(demo, "publish_campaign", publish_once)
    with pytest.raises(ConnectionError):
        await demo.ensure_demo()
    monkeypatch.undo()

    assert await demo.ensure_demo() is True
    assert await Campaign.filter(published_at__isnull=False).count() == 2
    assert await Product.all().count() == 12


async def test_a_merchants_own_shop_keeps_the_demo_away() -> None:
    await create_shop(CreateShop(slug="atelier", name="Atelier", currency="USD"))

    assert await demo.ensure_demo() is False
    assert await Shop.all().count() == 1
    assert await Product.all().count() == 0
