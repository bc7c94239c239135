"""Campaigns: made, published, extended by batches, opened and closed by the clock, called off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from headless_presale.campaigns import snapshot
from headless_presale.campaigns.draft import CampaignDraft, ItemDraft, VariantRef
from headless_presale.campaigns.errors import (
    CampaignConflict,
    CampaignNotFound,
    CampaignNotPublishable,
    ItemNotFound,
)
from headless_presale.campaigns.events import (
    BatchAdded,
    CampaignCancelled,
    CampaignClosed,
    CampaignOpened,
    CampaignPublished,
)
from headless_presale.campaigns.models import (
    Campaign,
    CampaignItem,
    CampaignTerms,
    ProductionBatch,
)
from headless_presale.campaigns.rules import (
    BatchPlan,
    CampaignPlan,
    Fault,
    ItemPlan,
    PaymentPlan,
    TermsPlan,
    find_faults,
    find_warnings,
    tiers_from_json,
    tiers_to_json,
)
from headless_presale.campaigns.states import CAMPAIGN_LIFECYCLE, CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import close_pools, create_pool, extend_pool

MAX_BATCH = 1_000_000


@dataclass(frozen=True, slots=True)
class ShopRef:
    """What a campaign needs to know of its shop."""

    id: UUID
    currency: str
    default_locale: str


@shielded
async def create_campaign(shop: ShopRef, draft: CampaignDraft) -> Campaign:
    """Write a draft with its items, batches, slots and terms.

    Nothing is judged yet but what the database could not hold; publishing names every fault.

    Raises:
        CampaignConflict: the handle is taken, or a variant appears twice.
        InvalidInput: a variant does not exist in this shop, or an amount does not fit.
    """
    async with unit_of_work() as work:
        try:
            campaign = await Campaign.create(
                id=new_id(),
                shop_id=shop.id,
                handle=draft.handle,
                title=draft.title,
                story=draft.story,
                translations=draft.translations,
                currency=shop.currency,
                status=CampaignStatus.DRAFT,
                opens_at=draft.opens_at,
                closes_at=draft.closes_at,
                payment_plan=_plan(draft, shop.currency).to_json(),
                cancel_policy=draft.cancel_policy.policy().to_json(),
                hold_seconds=draft.hold_seconds,
                created_at=clock.now(),
            )
            for position, item in enumerate(draft.items):
                await _add_item(work, shop, campaign, position, item)
        except IntegrityError as error:
            raise CampaignConflict(reason=_conflict_of(error)) from error
        if draft.terms is not None:
            await _write_terms(campaign, draft.terms.model_dump())
    return campaign


def _conflict_of(error: IntegrityError) -> str:
    constraint = getattr(error.args[0], "constraint_name", "") if error.args else ""
    if constraint == "campaign_window":
        return "the campaign closes before it opens"
    if "campaign_item" in (constraint or ""):
        return "a variant appears twice, or an item's price or limit is not positive"
    return "another campaign of this shop has this handle"


def _plan(draft: CampaignDraft, currency: str) -> PaymentPlan:
    try:
        return draft.payment_plan.plan(currency)
    except ValueError as error:
        raise InvalidInput(reason=str(error), field=("paymentPlan", "depositPerUnit")) from error


async def _add_item(
    work: UnitOfWork, shop: ShopRef, campaign: Campaign, position: int, draft: ItemDraft
) -> None:
    path = ("items", str(position))
    variant_id, list_price_minor = await _find_variant(work, shop, draft.variant, path)
    try:
        price = (
            Money(list_price_minor, shop.currency)
            if draft.price is None
            else Money.from_decimal(draft.price, shop.currency)
        )
    except ValueError as error:
        raise InvalidInput(reason=str(error), field=(*path, "price")) from error
    pool_id = new_id()
    await create_pool(work, pool_id, capacity=0, limit_per_customer=draft.limit_per_customer)
    item = await CampaignItem.create(
        id=new_id(),
        campaign_id=campaign.id,
        position=position,
        variant_id=variant_id,
        pool_id=pool_id,
        price_minor=price.amount_minor,
        list_price_minor=list_price_minor,
        price_tiers=tiers_to_json(draft.tiers()),
        limit_per_customer=draft.limit_per_customer,
    )
    for batch in draft.batches:
        await _append_batch(work, item, capacity=batch.capacity, ships_by=batch.ships_by)


async def _find_variant(
    work: UnitOfWork, shop: ShopRef, ref: VariantRef, path: tuple[str, ...]
) -> tuple[UUID, int]:
    rows = await work.fetch(
        "SELECT v.id, v.price_minor FROM product_variant v JOIN product p ON p.id = v.product_id "
        "WHERE p.shop_id = $1 AND CASE WHEN $2::text IS NOT NULL THEN v.sku = $2 "
        "  ELSE p.handle = $3 AND v.option_values = $4::text[] END LIMIT 2",
        shop.id,
        ref.sku,
        ref.product,
        list(ref.options),
    )
    if len(rows) != 1:
        problem = "exists" if not rows else "alone"
        reason = (
            f"no variant {ref} in this shop"
            if problem == "exists"
            else f"several variants have the SKU {ref}"
        )
        raise InvalidInput(reason=reason, field=(*path, "variant"))
    return rows[0]["id"], rows[0]["price_minor"]


async def _append_batch(
    work: UnitOfWork, item: CampaignItem, *, capacity: int, ships_by: date
) -> None:
    last = await extend_pool(work, item.pool_id, by=capacity)
    position = await ProductionBatch.filter(item_id=item.id).count()
    await ProductionBatch.create(
        id=new_id(),
        item_id=item.id,
        position=position,
        first_number=last - capacity + 1,
        last_number=last,
        ships_by=ships_by,
    )


async def _write_terms(campaign: Campaign, terms: dict[str, Any]) -> int:
    version = await CampaignTerms.filter(campaign_id=campaign.id).count() + 1
    await CampaignTerms.create(
        id=new_id(),
        campaign_id=campaign.id,
        version=version,
        ships_by=terms["ships_by"],
        refund_policy=terms["refund_policy"],
        cancel_conditions=terms["cancel_conditions"],
        created_at=clock.now(),
    )
    return version


async def lock_campaign(campaign_id: UUID) -> Campaign:
    """Return the campaign with its row locked until the transaction ends.

    Raises:
        CampaignNotFound: there is none.
    """
    campaign = await Campaign.filter(id=campaign_id).select_for_update().first()
    if campaign is None:
        raise CampaignNotFound()
    return campaign


async def judge(campaign_id: UUID, default_locale: str) -> tuple[list[Fault], list[Fault]]:
    """Return what forbids publishing and what a merchant should know, without changing a thing."""
    return await _judge(campaign_id, default_locale)


@shielded
async def _judge(campaign_id: UUID, default_locale: str) -> tuple[list[Fault], list[Fault]]:
    async with unit_of_work():
        plan = await _read_plan(await lock_campaign(campaign_id))
    return find_faults(plan, at=clock.now(), default_locale=default_locale), find_warnings(plan)


async def _read_plan(campaign: Campaign) -> CampaignPlan:
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
        plan = await _read_plan(campaign)
        if faults := find_faults(plan, at=clock.now(), default_locale=default_locale):
            raise CampaignNotPublishable(faults=faults)
        campaign.status = CampaignStatus.SCHEDULED
        campaign.published_at = clock.now()
        campaign.terms_version = await CampaignTerms.filter(campaign_id=campaign.id).count()
        campaign.version += 1
        await campaign.save()
        work.emit(CampaignPublished(campaign_id=campaign.id, opens_at=campaign.opens_at))
        _forget_after(work, [campaign.id])
    return campaign


@shielded
async def revise_terms(
    campaign_id: UUID,
    *,
    ships_by: date,
    refund_policy: dict[str, str],
    cancel_conditions: dict[str, str],
) -> int:
    """Add a version of the terms for orders from now on; orders placed keep theirs."""
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        campaign.terms_version = await _write_terms(
            campaign,
            {
                "ships_by": ships_by,
                "refund_policy": refund_policy,
                "cancel_conditions": cancel_conditions,
            },
        )
        campaign.version += 1
        await campaign.save()
        _forget_after(work, [campaign.id])
        return campaign.terms_version


@shielded
async def add_batch(item_id: UUID, *, capacity: int, ships_by: date) -> ProductionBatch:
    """Append a production batch: more numbers, their own date, no promise before it touched.

    Raises:
        ItemNotFound: there is no such item.
        InvalidInput: the capacity is out of range.
    """
    if not 1 <= capacity <= MAX_BATCH:
        raise InvalidInput(reason=f"capacity must be within 1..{MAX_BATCH}", field=("capacity",))
    async with unit_of_work() as work:
        item = await CampaignItem.filter(id=item_id).first()
        if item is None:
            raise ItemNotFound()
        campaign = await lock_campaign(item.campaign_id)
        if campaign.status in (CampaignStatus.CLOSED, CampaignStatus.CANCELLED):
            raise InvalidInput(reason="the campaign is over")
        await _append_batch(work, item, capacity=capacity, ships_by=ships_by)
        campaign.version += 1
        await campaign.save()
        work.emit(BatchAdded(campaign_id=campaign.id, item_id=item.id, capacity=capacity))
        _forget_after(work, [campaign.id])
        batch = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
        assert batch is not None
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
        items = await CampaignItem.filter(campaign_id=campaign.id)
        await close_pools(work, [item.pool_id for item in items])
        work.emit(CampaignCancelled(campaign_id=campaign.id, reason=reason))
        _forget_after(work, [campaign.id])
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
            _forget_after(work, [row["id"] for row in rows])
            moved += len(rows)
    return moved


def _forget_after(work: UnitOfWork, campaign_ids: Sequence[UUID]) -> None:
    async def forget() -> None:
        for campaign_id in campaign_ids:
            snapshot.forget(campaign_id)

    work.after_commit(forget)
