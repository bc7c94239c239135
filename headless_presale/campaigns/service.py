"""The life of a campaign: published, rescheduled, taken back, opened, closed, called off."""

from datetime import datetime, timedelta
from uuid import UUID

from headless_presale.campaigns.errors import (
    CampaignAlreadyPublished,
    CampaignNotOpen,
    CampaignNotPublishable,
)
from headless_presale.campaigns.events import (
    CampaignCancelled,
    CampaignClosed,
    CampaignOpened,
    CampaignPublished,
    CampaignRescheduled,
    CampaignUnscheduled,
)
from headless_presale.campaigns.judging import find_faults
from headless_presale.campaigns.models import (
    Campaign,
    CampaignItem,
    CampaignTerms,
    ProductionBatch,
)
from headless_presale.campaigns.reading import check_times, read_plan
from headless_presale.campaigns.recording import (
    check_read,
    facts_of,
    forget_after,
    lock_campaign,
    record_campaign,
    save_change,
    status_of,
)
from headless_presale.campaigns.states import CAMPAIGN_LIFECYCLE, CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput, TransitionNotAllowed
from headless_presale.kernel.texts import check_text
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import close_pools, discard_pools

MAX_REASON_LENGTH = 200
SHORTEST_WINDOW = timedelta(microseconds=1)
"""What a campaign that is closed in the moment of its opening was open for."""


@shielded
async def publish_campaign(
    campaign_id: UUID, *, default_locale: str, version: int | None = None
) -> Campaign:
    """Schedule a draft. From now on the clock opens and closes it, and its terms are a promise.

    Args:
        version: the one that was read; None publishes what is there now.

    Raises:
        CampaignNotFound: there is none.
        CampaignAlreadyPublished: it is no draft; nothing has changed.
        TransitionNotAllowed: it is cancelled.
        VersionConflict: it has changed since it was read.
        CampaignNotPublishable: with every fault found; nothing has changed.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        if campaign.published_at is not None and campaign.status is not CampaignStatus.CANCELLED:
            raise CampaignAlreadyPublished(status=str(status_of(campaign)))
        CAMPAIGN_LIFECYCLE.check(campaign.status, CampaignStatus.SCHEDULED)
        check_read(campaign, version, yours={"status": CampaignStatus.SCHEDULED})
        plan = await read_plan(campaign)
        if faults := find_faults(plan, at=clock.now(), default_locale=default_locale):
            raise CampaignNotPublishable(faults=faults)
        before = facts_of(campaign)
        campaign.status = CampaignStatus.SCHEDULED
        campaign.published_at = clock.now()
        campaign.terms_version = await CampaignTerms.filter(campaign_id=campaign.id).count()
        await save_change(work, campaign, "campaign.publish", before=before)
        work.emit(CampaignPublished(campaign_id=campaign.id, opens_at=campaign.opens_at))
    return campaign


@shielded
async def reschedule_campaign(
    campaign_id: UUID,
    *,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    default_locale: str,
    version: int | None = None,
) -> Campaign:
    """Give a campaign that has not opened other times; None leaves one as it is.

    The times it has already are no change, whatever version was read.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: it has opened, or is over. One that is open can be extended or closed.
        VersionConflict: it has changed since it was read.
        InvalidInput: it would open in the past, or close before it opens; ``field`` names it.
        CampaignNotPublishable: it is published, and the times bring faults it did not have.
    """
    async with unit_of_work() as work:
        # No order may slip in by the opening that is being moved.
        campaign = await lock_campaign(campaign_id, against_orders=True)
        status = status_of(campaign)
        if status not in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
            raise CampaignNotOpen(status=str(status))
        wanted = {
            "opensAt": campaign.opens_at if opens_at is None else opens_at,
            "closesAt": campaign.closes_at if closes_at is None else closes_at,
        }
        before = facts_of(campaign)
        if all(before[name] == moment for name, moment in wanted.items()):
            return campaign
        check_read(campaign, version, yours=wanted)
        if wanted["opensAt"] != campaign.opens_at and wanted["opensAt"] < clock.now():
            raise InvalidInput(reason="the opening lies in the past", field=("opensAt",))
        if wanted["closesAt"] <= wanted["opensAt"]:
            raise InvalidInput(reason="the campaign closes before it opens", field=("closesAt",))
        if campaign.status is CampaignStatus.SCHEDULED:
            await check_times(
                campaign,
                opens_at=wanted["opensAt"],
                closes_at=wanted["closesAt"],
                default_locale=default_locale,
            )
        campaign.opens_at, campaign.closes_at = wanted["opensAt"], wanted["closesAt"]
        await save_change(work, campaign, "campaign.schedule", before=before)
        if campaign.status is CampaignStatus.SCHEDULED:
            work.emit(
                CampaignRescheduled(
                    campaign_id=campaign.id,
                    opens_at=campaign.opens_at,
                    closes_at=campaign.closes_at,
                )
            )
    return campaign


@shielded
async def unschedule_campaign(campaign_id: UUID, *, version: int | None = None) -> Campaign:
    """Make a campaign that has not opened a draft again. Repeating changes nothing.

    Its terms keep their number: whoever read them cannot accept others by it.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: it has opened, or is over.
        VersionConflict: it has changed since it was read.
    """
    async with unit_of_work() as work:
        # Orders wait: one that was placed as it opened is seen by the clock, and none follows.
        campaign = await lock_campaign(campaign_id, against_orders=True)
        if campaign.status is CampaignStatus.DRAFT:
            return campaign
        status = status_of(campaign)
        if status is not CampaignStatus.SCHEDULED:
            raise CampaignNotOpen(status=str(status))
        check_read(campaign, version, yours={"status": CampaignStatus.DRAFT})
        CAMPAIGN_LIFECYCLE.check(campaign.status, CampaignStatus.DRAFT)
        before = facts_of(campaign)
        campaign.status = CampaignStatus.DRAFT
        campaign.published_at = None
        await save_change(work, campaign, "campaign.unschedule", before=before)
        work.emit(CampaignUnscheduled(campaign_id=campaign.id))
    return campaign


@shielded
async def close_campaign(campaign_id: UUID, *, reason: str, version: int | None = None) -> Campaign:
    """Close an open campaign before its time. Repeating changes nothing.

    Orders keep all they have: what is held can be paid until the hold runs out, and balances are
    asked for when it was agreed.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: it has not opened, or is cancelled.
        VersionConflict: it has changed since it was read.
        InvalidInput: there is no reason, or it cannot be stored.
    """
    reason = read_reason(reason)
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        status = status_of(campaign)
        if status is CampaignStatus.CLOSED:
            return campaign
        if status is not CampaignStatus.LIVE:
            raise CampaignNotOpen(status=str(status))
        at = clock.now()
        check_read(campaign, version, yours={"closesAt": at})
        # The sweep may not have recorded the opening yet.
        before = {**facts_of(campaign), "reason": ""}
        campaign.status = CampaignStatus.CLOSED
        campaign.closes_at = max(at, campaign.opens_at + SHORTEST_WINDOW)
        await save_change(
            work,
            campaign,
            "campaign.close",
            before=before,
            after={**facts_of(campaign), "reason": reason},
        )
        work.emit(CampaignClosed(campaign_id=campaign.id, is_early=True, reason=reason))
    return campaign


def read_reason(text: str) -> str:
    """Return a reason as it is kept.

    Raises:
        InvalidInput: it is empty, too long, or holds what cannot be stored.
    """
    reason = text.strip()
    check_text(reason, ("reason",), longest=MAX_REASON_LENGTH)
    return reason


@shielded
async def discard_draft(campaign_id: UUID, *, version: int | None = None) -> None:
    """Remove a draft with all that belongs to it: nobody was promised anything.

    Raises:
        CampaignNotFound: there is none.
        TransitionNotAllowed: it is not a draft.
        VersionConflict: it has changed since it was read.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        if campaign.status is not CampaignStatus.DRAFT:
            raise TransitionNotAllowed(
                what="campaign", source=str(campaign.status), target="DISCARDED"
            )
        check_read(campaign, version, yours={})
        items = await CampaignItem.filter(campaign_id=campaign.id)
        pools = [item.pool_id for item in items]
        await ProductionBatch.filter(item_id__in=[item.id for item in items]).delete()
        await CampaignTerms.filter(campaign_id=campaign.id).delete()
        await CampaignItem.filter(campaign_id=campaign.id).delete()
        await discard_pools(work, pools)
        await Campaign.filter(id=campaign.id).delete()
        await record_campaign(
            work, campaign, "campaign.discard", before=facts_of(campaign), after={}
        )
        forget_after(work, [campaign.id])


@shielded
async def cancel_campaign(
    campaign_id: UUID, *, reason: str, version: int | None = None
) -> Campaign:
    """Call a campaign off. It sells nothing more; its orders are cancelled and refunded in full.

    The refunds follow in jobs, resumable and each once. Repeating changes nothing.

    Raises:
        CampaignNotFound: there is none.
        VersionConflict: it has changed since it was read.
        InvalidInput: there is no reason, or it cannot be stored.
    """
    reason = read_reason(reason)
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        if campaign.status is CampaignStatus.CANCELLED:
            return campaign
        CAMPAIGN_LIFECYCLE.check(campaign.status, CampaignStatus.CANCELLED)
        check_read(campaign, version, yours={"status": CampaignStatus.CANCELLED})
        before = facts_of(campaign)
        campaign.status = CampaignStatus.CANCELLED
        campaign.cancelled_at = clock.now()
        campaign.cancel_reason = reason
        await save_change(work, campaign, "campaign.cancel", before=before)
        items = await CampaignItem.filter(campaign_id=campaign.id)
        await close_pools(work, [item.pool_id for item in items])
        work.emit(CampaignCancelled(campaign_id=campaign.id, reason=reason))
    return campaign


@shielded
async def sweep_openings_and_closings() -> int:
    """Record every opening and close that the clock has brought; return how many.

    Safe to run anywhere, any number of times: the conditional UPDATE moves each campaign once.
    """
    at = clock.now()
    moves: list[tuple[CampaignStatus, CampaignStatus, str]] = [
        (CampaignStatus.SCHEDULED, CampaignStatus.LIVE, "opens_at"),
        (CampaignStatus.LIVE, CampaignStatus.CLOSED, "closes_at"),
    ]
    moved = 0
    async with unit_of_work() as work:
        for source, target, column in moves:
            rows = await work.fetch(
                f"UPDATE campaign SET status = $1, version = version + 1 "
                f"WHERE status = $2 AND {column} <= $3 RETURNING id",
                target,
                source,
                at,
            )
            event = CampaignOpened if target is CampaignStatus.LIVE else CampaignClosed
            for row in rows:
                work.emit(event(campaign_id=row["id"]))
            forget_after(work, [row["id"] for row in rows])
            moved += len(rows)
    return moved
