"""The campaigns of a house: one a draft, one scheduled, one on sale."""

from datetime import date, datetime, timedelta
from typing import Any

from headless_presale.campaigns import (
    Campaign,
    CampaignItem,
    ShopRef,
    create_campaign,
    publish_campaign,
    sweep_openings_and_closings,
)
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.notify_me import CampaignWatcher
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.support.shop import TERMS, draft, make_variant

FAR = date(2099, 6, 30)
"""A day that is far ahead by any clock."""


async def add_campaigns(shop: Shop, mark: str) -> dict[str, str]:
    """Make them; return their ids by what they are to the house."""
    variant = await make_variant(shop, "OWL-1", title=f"Owl of {mark}")
    ids = {"variant": seal("ProductVariant", variant.id)}
    at = clock.now()
    for name, opens_at in {
        "draft campaign": at + timedelta(days=300),
        "scheduled campaign": at + timedelta(days=300),
        "open campaign": at,
    }.items():
        campaign = await _make(shop, mark, name, opens_at)
        ids[name] = seal("Campaign", campaign.id)
        item = await CampaignItem.get(campaign_id=campaign.id)
        ids[f"item of the {name}"] = seal("CampaignItem", item.id)
        if name == "open campaign":
            await _tell_somebody(campaign, mark)
    await sweep_openings_and_closings()
    return ids


async def _tell_somebody(campaign: Campaign, mark: str) -> None:
    """Let somebody have waited for a campaign, and know by now that it is open."""
    at = clock.now()
    await CampaignWatcher.create(
        id=new_id(),
        campaign_id=campaign.id,
        person=new_id(),
        email=f"waits@{mark}.example.com",
        locale="en",
        source=mark,
        consented_at=at,
        confirmed_at=at,
        told_at=at,
    )


async def _make(shop: Shop, mark: str, name: str, opens_at: datetime) -> Campaign:
    wish: dict[str, Any] = {
        "skus": ("OWL-1",),
        "handle": name.replace(" ", "-"),
        "title": f"{name.capitalize()} of {mark}",
        "opens_at": opens_at,
        "item": {"batches": [{"capacity": 5, "ships_by": FAR}]},
        "terms": {**TERMS, "ships_by": FAR},
    }
    campaign = await create_campaign(
        ShopRef(shop.id, shop.currency, shop.default_locale), draft(**wish)
    )
    if name != "draft campaign":
        await publish_campaign(campaign.id, default_locale="en")
    return campaign
