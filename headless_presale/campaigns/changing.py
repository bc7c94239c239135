"""Changing a campaign while it sells: how many slots an item has, and how long it sells."""

from datetime import date, datetime
from uuid import UUID

from headless_presale.campaigns.creating import append_batch
from headless_presale.campaigns.errors import CampaignNotOpen, ItemNotFound
from headless_presale.campaigns.events import BatchAdded, CampaignExtended, CapacityChanged
from headless_presale.campaigns.models import Campaign, CampaignItem, ProductionBatch
from headless_presale.campaigns.reading import check_times
from headless_presale.campaigns.recording import (
    check_read,
    facts_of,
    lock_campaign,
    refuse_if_over,
    save_change,
    status_of,
)
from headless_presale.campaigns.rules import MAX_CAPACITY
from headless_presale.campaigns.service import read_reason
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import (
    count_in_ranges,
    extend_pool,
    lock_capacity,
    refill_pool,
    shrink_pool,
)


@shielded
async def change_capacity(item_id: UUID, *, capacity: int, version: int | None = None) -> int:
    """Set how many slots an item has; return it. Repeating changes nothing.

    Lowering takes free numbers away, the highest first. Raising puts back what was taken away,
    the lowest first, then appends to the last batch: new numbers under its promise.

    Args:
        version: the campaign's, as it was read.

    Raises:
        ItemNotFound: there is no such item.
        CampaignNotOpen: the campaign is over.
        InvalidInput: the capacity is out of range, or no batch says when more would ship.
        VersionConflict: the campaign has changed since it was read.
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
        check_read(campaign, version, yours={"capacity": capacity}, stored={"capacity": before})
        if capacity < before:
            await shrink_pool(work, item.pool_id, to=capacity)
            await _count_batches(work, item)
        else:
            await _add_slots(work, item, by=capacity - before)
        path = f"items.{item.position}.capacity"
        await save_change(
            work, campaign, "campaign.cap_set", before={path: before}, after={path: capacity}
        )
        work.emit(
            CapacityChanged(campaign_id=campaign.id, item_id=item.id, before=before, after=capacity)
        )
    return capacity


async def _add_slots(work: UnitOfWork, item: CampaignItem, *, by: int) -> None:
    last = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
    if last is None:
        raise InvalidInput(reason="the item has no batch yet; add one", field=("capacity",))
    back = await refill_pool(work, item.pool_id, by=by, up_to=last.last_number)
    if back:
        await _count_batches(work, item)
        await last.refresh_from_db()
    if back < by:
        last.last_number = await extend_pool(
            work, item.pool_id, by=by - back, behind=last.last_number
        )
        last.capacity += by - back
        await last.save(update_fields=["last_number", "capacity"])
        reach("campaigns.batch_extended")


async def _count_batches(work: UnitOfWork, item: CampaignItem) -> None:
    """Write down how many slots each batch has, now that numbers went or came back."""
    batches = await ProductionBatch.filter(item_id=item.id).order_by("position")
    ranges = [(batch.first_number, batch.last_number) for batch in batches]
    for batch, count in zip(
        batches, await count_in_ranges(work, item.pool_id, ranges), strict=True
    ):
        if batch.capacity != count:
            batch.capacity = count
            await batch.save(update_fields=["capacity"])
            reach("campaigns.batch_counted")


@shielded
async def add_batch(
    item_id: UUID, *, capacity: int, ships_by: date, version: int | None = None
) -> ProductionBatch:
    """Append a production batch: more numbers, their own date, no promise before it touched.

    Args:
        version: the campaign's, as it was read: repeating the request adds no second batch.

    Raises:
        ItemNotFound: there is no such item.
        CampaignNotOpen: the campaign is over.
        VersionConflict: the campaign has changed since it was read.
        InvalidInput: the capacity is out of range, or the promise lies before the opening.
    """
    async with unit_of_work() as work:
        item = await CampaignItem.filter(id=item_id).first()
        if item is None:
            raise ItemNotFound()
        campaign = await lock_campaign(item.campaign_id)
        refuse_if_over(campaign)
        last = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
        check_read(
            campaign,
            version,
            yours={"capacity": capacity, "shipsBy": ships_by},
            stored={
                "capacity": last.capacity if last else None,
                "shipsBy": last.ships_by if last else None,
            },
        )
        room = MAX_CAPACITY - (last.last_number if last else 0)
        if not 1 <= capacity <= room:
            raise InvalidInput(
                reason="capacity must be within 1..{most}", most=room, field=("capacity",)
            )
        if ships_by < campaign.opens_at.date():
            raise InvalidInput(
                reason="the batch ships before the campaign opens", field=("shipsBy",)
            )
        batch = await append_batch(work, item, capacity=capacity, ships_by=ships_by)
        path = f"items.{item.position}.batches.{batch.position}"
        await save_change(
            work,
            campaign,
            "campaign.batch_add",
            before={},
            after={path: {"capacity": capacity, "shipsBy": ships_by}},
        )
        work.emit(BatchAdded(campaign_id=campaign.id, item_id=item.id, capacity=capacity))
    return batch


@shielded
async def extend_campaign(
    campaign_id: UUID,
    *,
    closes_at: datetime,
    reason: str,
    default_locale: str,
    version: int | None = None,
) -> Campaign:
    """Let a campaign sell longer. Orders placed keep their dates.

    The sweep that records closes looks again at a campaign it had to wait for: in the moment of
    the close either the extension comes first and the sale goes on, or it is refused.

    Args:
        closes_at: the new close, aware.
        reason: why, for whoever reads the history.
        default_locale: the shop's; its texts are what the terms must have.
        version: the one that was read.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: it is a draft, or over.
        VersionConflict: it has changed since it was read.
        InvalidInput: not later than the close it has, or no reason.
        CampaignNotPublishable: with every fault the new close brings, such as a balance window
            that opens before it; nothing has changed.
    """
    reason = read_reason(reason)
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        status = status_of(campaign)
        if status not in (CampaignStatus.SCHEDULED, CampaignStatus.LIVE):
            raise CampaignNotOpen(status=str(status))
        check_read(campaign, version, yours={"closesAt": closes_at})
        closed_at = campaign.closes_at
        # Open or yet to open, so the close it has lies ahead, and a later one does all the more.
        if closes_at <= closed_at:
            raise InvalidInput(
                reason="the new close is not later than the present one", field=("closesAt",)
            )
        await check_times(
            campaign,
            opens_at=campaign.opens_at,
            closes_at=closes_at,
            default_locale=default_locale,
        )
        before = {**facts_of(campaign), "reason": ""}
        campaign.closes_at = closes_at
        await save_change(
            work,
            campaign,
            "campaign.extend",
            before=before,
            after={**facts_of(campaign), "reason": reason},
        )
        work.emit(
            CampaignExtended(
                campaign_id=campaign.id, before=closed_at, after=closes_at, reason=reason
            )
        )
    return campaign
