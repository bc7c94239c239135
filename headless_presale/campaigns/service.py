"""Campaigns: published, extended by batches, opened and closed by the clock, called off."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

from headless_presale.campaigns import snapshot
from headless_presale.campaigns.creating import append_batch, write_terms
from headless_presale.campaigns.errors import (
    CampaignNotFound,
    CampaignNotOpen,
    CampaignNotPublishable,
    ItemNotFound,
)
from headless_presale.campaigns.events import (
    BatchAdded,
    CampaignCancelled,
    CampaignClosed,
    CampaignOpened,
    CampaignPublished,
    TermsRevised,
)
from headless_presale.campaigns.models import (
    Campaign,
    CampaignItem,
    CampaignTerms,
    ProductionBatch,
)
from headless_presale.campaigns.rules import (
    MAX_CAPACITY,
    BatchPlan,
    CampaignPlan,
    Fault,
    ItemPlan,
    PaymentPlan,
    TermsPlan,
    find_faults,
    find_terms_faults,
    find_warnings,
    tiers_from_json,
)
from headless_presale.campaigns.states import CAMPAIGN_LIFECYCLE, CampaignStatus, status_at
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput, TransitionNotAllowed
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import close_pools, discard_pools


async def lock_campaign(campaign_id: UUID) -> Campaign:
    """Return the campaign with its row locked until the transaction ends.

    Not for its key: orders that refer to the campaign go on being placed meanwhile.

    Raises:
        CampaignNotFound: there is none.
    """
    campaign = await Campaign.filter(id=campaign_id).select_for_update(no_key=True).first()
    if campaign is None:
        raise CampaignNotFound()
    return campaign


@shielded
async def judge(campaign_id: UUID, default_locale: str) -> tuple[list[Fault], list[Fault]]:
    """Return what forbids publishing and what a merchant should know, without changing a thing.

    Raises:
        CampaignNotFound: there is none.
    """
    async with unit_of_work():
        plan = await read_plan(await lock_campaign(campaign_id))
    return find_faults(plan, at=clock.now(), default_locale=default_locale), find_warnings(plan)


async def read_plan(campaign: Campaign) -> CampaignPlan:
    """Return all of a campaign that is judged.

    A batch counts with every number it may ever sell: those taken away can be put back.
    """
    items = await CampaignItem.filter(campaign_id=campaign.id).order_by("position")
    batches = await ProductionBatch.filter(item_id__in=[item.id for item in items]).order_by(
        "position"
    )
    terms = await CampaignTerms.filter(campaign_id=campaign.id).order_by("-version").first()
    return CampaignPlan(
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        payment_plan=PaymentPlan.from_json(campaign.payment_plan),
        items=[
            ItemPlan(
                price_minor=item.price_minor,
                tiers=tiers_from_json(item.price_tiers),
                limit_per_customer=item.limit_per_customer,
                batches=[
                    BatchPlan(
                        capacity=batch.last_number - batch.first_number + 1,
                        ships_by=batch.ships_by,
                    )
                    for batch in batches
                    if batch.item_id == item.id
                ],
            )
            for item in items
        ],
        terms=TermsPlan(
            ships_by=terms.ships_by,
            refund_policy=terms.refund_policy,
            cancel_conditions=terms.cancel_conditions,
        )
        if terms
        else None,
    )


@shielded
async def publish_campaign(campaign_id: UUID, *, default_locale: str) -> Campaign:
    """Schedule a draft. From now on the clock opens and closes it, and its terms are a promise.

    Raises:
        CampaignNotPublishable: with every fault found; nothing has changed.
        TransitionNotAllowed: it is not a draft.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        CAMPAIGN_LIFECYCLE.check(campaign.status, CampaignStatus.SCHEDULED)
        plan = await read_plan(campaign)
        if faults := find_faults(plan, at=clock.now(), default_locale=default_locale):
            raise CampaignNotPublishable(faults=faults)
        campaign.status = CampaignStatus.SCHEDULED
        campaign.published_at = clock.now()
        campaign.terms_version = await CampaignTerms.filter(campaign_id=campaign.id).count()
        campaign.version += 1
        await campaign.save()
        work.emit(CampaignPublished(campaign_id=campaign.id, opens_at=campaign.opens_at))
        forget_after(work, [campaign.id])
    return campaign


@shielded
async def discard_draft(campaign_id: UUID) -> None:
    """Remove a draft with all that belongs to it: nobody was promised anything.

    Raises:
        CampaignNotFound: there is none.
        TransitionNotAllowed: it is not a draft.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        if campaign.status is not CampaignStatus.DRAFT:
            raise TransitionNotAllowed(
                what="campaign", source=str(campaign.status), target="DISCARDED"
            )
        items = await CampaignItem.filter(campaign_id=campaign.id)
        pools = [item.pool_id for item in items]
        await ProductionBatch.filter(item_id__in=[item.id for item in items]).delete()
        await CampaignTerms.filter(campaign_id=campaign.id).delete()
        await CampaignItem.filter(campaign_id=campaign.id).delete()
        await discard_pools(work, pools)
        await Campaign.filter(id=campaign.id).delete()
        forget_after(work, [campaign.id])


@shielded
async def revise_terms(
    campaign_id: UUID,
    *,
    ships_by: date,
    refund_policy: dict[str, str],
    cancel_conditions: dict[str, str],
    default_locale: str,
) -> int:
    """Add a version of the terms for orders from now on; orders placed keep theirs.

    Returns:
        The number of the new version.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: the campaign is over; there are no orders to come.
        CampaignNotPublishable: the terms lack what publishing demands of them.
    """
    terms = TermsPlan(
        ships_by=ships_by, refund_policy=refund_policy, cancel_conditions=cancel_conditions
    )
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        refuse_if_over(campaign)
        if faults := list(
            find_terms_faults(terms, closes_at=campaign.closes_at, default_locale=default_locale)
        ):
            raise CampaignNotPublishable(faults=faults)
        version = await write_terms(campaign, asdict(terms))
        campaign.terms_version = version
        campaign.version += 1
        await campaign.save()
        work.emit(TermsRevised(campaign_id=campaign.id, version=version))
        forget_after(work, [campaign.id])
    return version


def status_of(campaign: Campaign) -> CampaignStatus:
    """Return where a campaign stands now, by the clock."""
    return status_at(
        campaign.status,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        at=clock.now(),
    )


def refuse_if_over(campaign: Campaign) -> None:
    """Raise CampaignNotOpen for a campaign that will sell nothing more."""
    status = status_of(campaign)
    if status in (CampaignStatus.CLOSED, CampaignStatus.CANCELLED):
        raise CampaignNotOpen(status=str(status))


@shielded
async def add_batch(item_id: UUID, *, capacity: int, ships_by: date) -> ProductionBatch:
    """Append a production batch: more numbers, their own date, no promise before it touched.

    Raises:
        ItemNotFound: there is no such item.
        InvalidInput: the capacity is out of range, or the promise lies before the opening.
        CampaignNotOpen: the campaign is over.
    """
    async with unit_of_work() as work:
        item = await CampaignItem.filter(id=item_id).first()
        if item is None:
            raise ItemNotFound()
        campaign = await lock_campaign(item.campaign_id)
        refuse_if_over(campaign)
        last = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
        room = MAX_CAPACITY - (last.last_number if last else 0)
        if not 1 <= capacity <= room:
            raise InvalidInput(reason=f"capacity must be within 1..{room}", field=("capacity",))
        if ships_by < campaign.opens_at.date():
            raise InvalidInput(
                reason="the batch ships before the campaign opens", field=("shipsBy",)
            )
        batch = await append_batch(work, item, capacity=capacity, ships_by=ships_by)
        campaign.version += 1
        await campaign.save()
        work.emit(BatchAdded(campaign_id=campaign.id, item_id=item.id, capacity=capacity))
        forget_after(work, [campaign.id])
    return batch


@shielded
async def cancel_campaign(campaign_id: UUID, *, reason: str) -> Campaign:
    """Call a campaign off. It sells nothing more; its orders are cancelled and refunded in full.

    The refunds follow in jobs, resumable and each once. Repeating changes nothing.

    Raises:
        CampaignNotFound: there is none.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        if campaign.status is CampaignStatus.CANCELLED:
            return campaign
        CAMPAIGN_LIFECYCLE.check(campaign.status, CampaignStatus.CANCELLED)
        campaign.status = CampaignStatus.CANCELLED
        campaign.cancelled_at = clock.now()
        campaign.cancel_reason = reason
        campaign.version += 1
        await campaign.save()
        reach("campaigns.called_off")
        items = await CampaignItem.filter(campaign_id=campaign.id)
        await close_pools(work, [item.pool_id for item in items])
        work.emit(CampaignCancelled(campaign_id=campaign.id, reason=reason))
        forget_after(work, [campaign.id])
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


def forget_after(work: UnitOfWork, campaign_ids: Sequence[UUID]) -> None:
    """Drop cached snapshots and wake their followers once the change is committed."""

    async def forget() -> None:
        for campaign_id in campaign_ids:
            snapshot.forget(campaign_id)

    work.after_commit(forget)
    for campaign_id in campaign_ids:
        work.wake(f"availability:{campaign_id}")
