"""Running a campaign: each change whole or not at all, and done again it is done once."""

import contextlib
from datetime import date
from typing import Any
from uuid import UUID

from headless_presale.campaigns import (
    Campaign,
    CampaignAlreadyPublished,
    CampaignConflict,
    CampaignDraft,
    CampaignStatus,
    ShopRef,
    change_capacity,
    close_campaign,
    create_campaign,
    publish_campaign,
    revise_terms,
)
from headless_presale.kernel.errors import VersionConflict
from headless_presale.slots import count_available
from tests.failpoints.world import Scenario, World
from tests.support.shop import draft

Made = tuple[ShopRef, CampaignDraft]
Read = tuple[UUID, int]
"""A campaign, and the version that was read."""


async def _events(world: World, kind: str) -> int:
    return await world.count("SELECT count(*) FROM event WHERE type = $1", kind)


# Making and publishing


async def _a_draft(world: World) -> Made:
    shop = world.sale.shop
    return ShopRef(shop.id, shop.currency, "en"), draft(handle="second", capacity=10)


async def _make(made: Made) -> None:
    with contextlib.suppress(CampaignConflict):
        await create_campaign(*made)


async def _is_made_once(world: World, made: Made) -> None:
    campaign = await Campaign.get(handle="second")
    counted = await world.admin.fetchrow(
        "SELECT count(*) AS slots, max(p.capacity) AS capacity, max(b.capacity) AS of_batch "
        "FROM campaign_item i JOIN slot s ON s.pool_id = i.pool_id "
        "JOIN slot_pool p ON p.id = i.pool_id JOIN production_batch b ON b.item_id = i.id "
        "WHERE i.campaign_id = $1",
        campaign.id,
    )
    assert counted is not None
    assert tuple(counted) == (10, 10, 10)
    assert await world.count("SELECT count(*) FROM campaign_terms") == 2
    # The open sale of the world was made as well.
    assert await world.entries("campaign.create") == 1 + 1


async def _a_draft_made(world: World) -> UUID:
    campaign = await create_campaign(*await _a_draft(world))
    return campaign.id


async def _publish(campaign_id: UUID) -> None:
    with contextlib.suppress(CampaignAlreadyPublished):
        await publish_campaign(campaign_id, default_locale="en")


async def _is_published_once(world: World, campaign_id: UUID) -> None:
    campaign = await Campaign.get(id=campaign_id)
    assert (campaign.status, campaign.version) == (CampaignStatus.SCHEDULED, 2)
    assert await _events(world, "campaign.published") == 1 + 1
    assert await world.entries("campaign.publish") == 1 + 1


# Caps


async def _ten_slots(world: World) -> UUID:
    await world.order()
    return world.sale.item_id


async def _six_of_ten_slots(world: World) -> UUID:
    item_id = await _ten_slots(world)
    await change_capacity(item_id, capacity=6)
    return item_id


async def _set_six(item_id: UUID) -> int:
    return await change_capacity(item_id, capacity=6)


async def _set_twelve(item_id: UUID) -> int:
    return await change_capacity(item_id, capacity=12)


async def _has(world: World, item_id: UUID, capacity: int, changes: int) -> None:
    counted = await world.admin.fetchrow(
        "SELECT (SELECT count(*) FROM slot s WHERE s.pool_id = i.pool_id) AS slots, "
        "p.capacity, (SELECT sum(capacity) FROM production_batch b WHERE b.item_id = i.id) "
        "FROM campaign_item i JOIN slot_pool p ON p.id = i.pool_id WHERE i.id = $1",
        item_id,
    )
    assert counted is not None
    assert tuple(counted) == (capacity, capacity, capacity)
    assert await _events(world, "campaign.capacity_changed") == changes
    assert await world.entries("campaign.cap_set") == changes
    await world.come_to_rest()
    pool_id = world.sale.pool_id
    assert await count_available([pool_id]) == {pool_id: capacity - 1}


async def _has_six(world: World, item_id: UUID) -> None:
    await _has(world, item_id, capacity=6, changes=1)


async def _has_twelve(world: World, item_id: UUID) -> None:
    # Six were left of ten; four came back, two are new.
    await _has(world, item_id, capacity=6 + 4 + 2, changes=2)


# Terms and the close


async def _as_read(world: World) -> Read:
    campaign = await Campaign.get(id=world.sale.campaign.id)
    return campaign.id, campaign.version


async def _revise(read: Read) -> None:
    texts: dict[str, Any] = {"refund_policy": {"en": "Half."}, "cancel_conditions": {"en": "No."}}
    with contextlib.suppress(VersionConflict):
        await revise_terms(
            read[0], ships_by=date(2026, 8, 1), default_locale="en", version=read[1], **texts
        )


async def _are_revised_once(world: World, read: Read) -> None:
    assert (await Campaign.get(id=read[0])).terms_version == 2
    assert await world.count("SELECT count(*) FROM campaign_terms") == 2
    assert await _events(world, "campaign.terms_revised") == 1
    assert await world.entries("campaign.terms_create") == 1


async def _close(read: Read) -> Campaign:
    return await close_campaign(read[0], reason="sold enough", version=read[1])


async def _is_closed_once(world: World, read: Read) -> None:
    assert (await Campaign.get(id=read[0])).status is CampaignStatus.CLOSED
    assert await _events(world, "campaign.closed") == 1
    assert await world.entries("campaign.close") == 1


SCENARIOS = [
    Scenario("making a campaign", _a_draft, _make, _is_made_once),
    Scenario("publishing", _a_draft_made, _publish, _is_published_once),
    Scenario("lowering a cap", _ten_slots, _set_six, _has_six),
    Scenario("raising a cap", _six_of_ten_slots, _set_twelve, _has_twelve),
    Scenario("revising terms", _as_read, _revise, _are_revised_once),
    Scenario("closing early", _as_read, _close, _is_closed_once),
]
