"""Changing a campaign while it sells: how many slots an item has, and how long it sells."""

from datetime import datetime
from uuid import UUID

from headless_presale.campaigns.errors import (
    CampaignNotOpen,
    CampaignNotPublishable,
    ItemNotFound,
)
from headless_presale.campaigns.events import CampaignExtended, CapacityChanged
from headless_presale.campaigns.models import Campaign, CampaignItem, ProductionBatch
from headless_presale.campaigns.rules import MAX_CAPACITY, find_faults
from headless_presale.campaigns.service import (
    forget_after,
    lock_campaign,
    read_plan,
    refuse_if_over,
    status_of,
)
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.texts import is_storable
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import extend_pool, lock_capacity, refill_pool, shrink_pool


@shielded
async def change_capacity(item_id: UUID, *, capacity: int) -> int:
    """Set how many slots an item has; return it. Repeating changes nothing.

    Lowering takes free numbers away, the highest first. Raising puts back what was taken away,
    the lowest first, then appends to the last batch: new numbers under its promise.

    Raises:
        ItemNotFound: there is no such item.
        CampaignNotOpen: the campaign is over.
        InvalidInput: the capacity is out of range, or no batch says when more would ship.
        CapacityBelowSold: orders own more; nothing has changed.
    """
    async with unit_of_work() as work:
        item = await CampaignItem.filter(id=item_id).first()
        if item is None:
            raise ItemNotFound()
        campaign = await lock_campaign(item.campaign_id)
        refuse_if_over(campaign)
        if not 1 <= capacity <= MAX_CAPACITY:
            raise InvalidInput(
                reason="capacity must be within 1..{most}", most=MAX_CAPACITY, field=("capacity",)
            )
        before = await lock_capacity(work, item.pool_id)
        if capacity == before:
            return capacity
        if capacity < before:
            await shrink_pool(work, item.pool_id, to=capacity)
        else:
            await _add_slots(work, item, by=capacity - before)
        campaign.version += 1
        await campaign.save()
        work.emit(
            CapacityChanged(campaign_id=campaign.id, item_id=item.id, before=before, after=capacity)
        )
        forget_after(work, [campaign.id])
    return capacity


async def _add_slots(work: UnitOfWork, item: CampaignItem, *, by: int) -> None:
    last = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
    if last is None:
        raise InvalidInput(reason="the item has no batch yet; add one", field=("capacity",))
    back = await refill_pool(work, item.pool_id, by=by, up_to=last.last_number)
    if back < by:
        last.last_number = await extend_pool(
            work, item.pool_id, by=by - back, behind=last.last_number
        )
        await last.save()


@shielded
async def extend_campaign(
    campaign_id: UUID, *, closes_at: datetime, reason: str, default_locale: str
) -> Campaign:
    """Let a campaign sell longer. Orders placed keep their dates.

    The sweep that records closes looks again at a campaign it had to wait for: in the moment of
    the close either the extension comes first and the sale goes on, or it is refused.

    Args:
        closes_at: the new close, aware.
        reason: why, for whoever reads the history.
        default_locale: the shop's; its texts are what the terms must have.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: it is a draft, or over.
        InvalidInput: not later than the close it has, or no reason.
        CampaignNotPublishable: with every fault the new close brings, such as a balance window
            that opens before it; nothing has changed.
    """
    if not reason.strip():
        raise InvalidInput(reason="must not be empty", field=("reason",))
    if not is_storable(reason):
        raise InvalidInput(
            reason="must not contain NUL characters or halves of surrogate pairs",
            field=("reason",),
        )
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        status = status_of(campaign)
        if status not in (CampaignStatus.SCHEDULED, CampaignStatus.LIVE):
            raise CampaignNotOpen(status=str(status))
        before = campaign.closes_at
        # Open or yet to open, so the close it has lies ahead, and a later one does all the more.
        if closes_at <= before:
            raise InvalidInput(
                reason="the new close is not later than the present one", field=("closesAt",)
            )
        at = clock.now()
        known = find_faults(await read_plan(campaign), at=at, default_locale=default_locale)
        campaign.closes_at = closes_at
        found = find_faults(await read_plan(campaign), at=at, default_locale=default_locale)
        # What it lacked before, it lacks whether it sells longer or not.
        if faults := [fault for fault in found if fault not in known]:
            raise CampaignNotPublishable(faults=faults)
        campaign.version += 1
        await campaign.save()
        work.emit(
            CampaignExtended(campaign_id=campaign.id, before=before, after=closes_at, reason=reason)
        )
        forget_after(work, [campaign.id])
    return campaign
