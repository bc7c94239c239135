"""Making a campaign: a typed draft becomes rows, slots included."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from headless_presale.campaigns.draft import CampaignDraft, ItemDraft, VariantRef
from headless_presale.campaigns.errors import CampaignConflict
from headless_presale.campaigns.models import (
    Campaign,
    CampaignItem,
    CampaignTerms,
    ProductionBatch,
)
from headless_presale.campaigns.rules import PaymentPlan, tiers_to_json
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import create_pool, extend_pool


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
        InvalidInput: a variant does not exist in this shop, an amount does not fit, or the window
            is empty; ``field`` names it.
    """
    if draft.closes_at <= draft.opens_at:
        raise InvalidInput(reason="the campaign closes before it opens", field=("closesAt",))
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
            await write_terms(campaign, draft.terms.model_dump())
    return campaign


def _conflict_of(error: IntegrityError) -> str:
    cause = error.args[0] if error.args else None
    if getattr(cause, "table_name", None) == "campaign_item":
        return "a variant appears twice"
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
    if price.amount_minor <= 0:
        raise InvalidInput(reason="the price must be above 0", field=(*path, "price"))
    if draft.limit_per_customer is not None and draft.limit_per_customer < 1:
        raise InvalidInput(reason="the limit must be at least 1", field=(*path, "limitPerCustomer"))
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
        await append_batch(work, item, capacity=batch.capacity, ships_by=batch.ships_by)


async def _find_variant(
    work: UnitOfWork, shop: ShopRef, ref: VariantRef, path: tuple[str, ...]
) -> tuple[UUID, int]:
    rows = await work.fetch(
        "SELECT v.id, v.price_minor, v.currency "
        "FROM product_variant v JOIN product p ON p.id = v.product_id "
        "WHERE p.shop_id = $1 AND CASE WHEN $2::text IS NOT NULL THEN v.sku = $2 "
        "  ELSE p.handle = $3 AND v.option_values = $4::text[] END LIMIT 2",
        shop.id,
        ref.sku,
        ref.product,
        list(ref.options),
    )
    if not rows:
        reason = f"no variant {ref} in this shop"
    elif len(rows) > 1:
        reason = f"several variants have the SKU {ref}"
    elif rows[0]["currency"] != shop.currency:
        reason = f"{ref} is priced in {rows[0]['currency']}, the shop sells in {shop.currency}"
    else:
        return rows[0]["id"], rows[0]["price_minor"]
    raise InvalidInput(reason=reason, field=(*path, "variant"))


async def append_batch(
    work: UnitOfWork, item: CampaignItem, *, capacity: int, ships_by: date
) -> ProductionBatch:
    """Append a range of numbers with its own promise; the ranges before it stay as they are."""
    before = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
    behind = before.last_number if before else 0
    return await ProductionBatch.create(
        id=new_id(),
        item_id=item.id,
        position=before.position + 1 if before else 0,
        first_number=behind + 1,
        last_number=await extend_pool(work, item.pool_id, by=capacity, behind=behind),
        ships_by=ships_by,
    )


async def write_terms(campaign: Campaign, terms: Mapping[str, Any]) -> int:
    """Add a version of the terms; return its number."""
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
