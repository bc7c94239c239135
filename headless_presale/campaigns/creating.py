"""Making a campaign: a typed draft becomes rows, slots included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from headless_presale.campaigns.draft import (
    BatchDraft,
    CampaignDraft,
    ItemDraft,
    PaymentPlanDraft,
    VariantRef,
)
from headless_presale.campaigns.errors import CampaignConflict
from headless_presale.campaigns.models import Campaign, CampaignItem, ProductionBatch
from headless_presale.campaigns.recording import facts_of, record_campaign
from headless_presale.campaigns.rules import PaymentPlan, tiers_to_json
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.campaigns.terms import write_terms
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import MAX_AMOUNT_MINOR, Money, currency_exponent
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import create_pool, discard_pools, extend_pool, set_limit


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
    check_window(draft)
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
                payment_plan=plan_of_draft(draft.payment_plan, shop.currency).to_json(),
                cancel_policy=draft.cancel_policy.policy().to_json(),
                hold_seconds=draft.hold_seconds,
                created_at=clock.now(),
            )
            reach("campaigns.created")
            for position, item in enumerate(draft.items):
                await write_item(work, shop, campaign, position, item)
        except IntegrityError as error:
            raise conflict_of(error) from error
        if draft.terms is not None:
            await write_terms(campaign, draft.terms.model_dump())
        await record_campaign(
            work, campaign, "campaign.create", before={}, after=facts_of(campaign)
        )
    return campaign


def check_window(draft: CampaignDraft) -> None:
    """Raise InvalidInput for what the database could not hold."""
    if draft.closes_at <= draft.opens_at:
        raise InvalidInput(reason="the campaign closes before it opens", field=("closesAt",))


def conflict_of(error: IntegrityError) -> CampaignConflict:
    """Return which rule of the database a campaign broke."""
    cause = error.args[0] if error.args else None
    if getattr(cause, "table_name", None) == "campaign_item":
        return CampaignConflict(reason="a variant appears twice")
    return CampaignConflict(reason="another campaign of this shop has this handle")


def plan_of_draft(draft: PaymentPlanDraft, currency: str) -> PaymentPlan:
    """Return the plan of a draft.

    Raises:
        InvalidInput: the deposit per unit is no amount of the currency.
    """
    if draft.deposit_per_unit is not None:
        _read_amount(draft.deposit_per_unit, currency, ("paymentPlan", "depositPerUnit"))
    return draft.plan(currency)


def _read_amount(amount: Decimal, currency: str, field: tuple[str, ...]) -> Money:
    try:
        return Money.from_decimal(amount, currency)
    except ValueError:
        if amount.scaleb(currency_exponent(currency)) > MAX_AMOUNT_MINOR:
            raise InvalidInput(reason="the amount is too large", field=field) from None
        raise InvalidInput(
            reason="the amount has more decimals than {currency} allows",
            currency=currency,
            field=field,
        ) from None


async def write_item(
    work: UnitOfWork,
    shop: ShopRef,
    campaign: Campaign,
    position: int,
    draft: ItemDraft,
    *,
    existing: CampaignItem | None = None,
) -> CampaignItem:
    """Write an item of a draft with its batches and its slots.

    Args:
        existing: the item it is from now on. It keeps its slots where its batches have as many
            as before.

    Raises:
        InvalidInput: there is no such variant, or a number does not fit; ``field`` names it.
    """
    path = ("items", str(position))
    variant_id, list_price_minor = await find_variant(work, shop, draft.variant, path)
    price = (
        Money(list_price_minor, shop.currency)
        if draft.price is None
        else _read_amount(draft.price, shop.currency, (*path, "price"))
    )
    if price.amount_minor <= 0:
        raise InvalidInput(reason="the price must be above 0", field=(*path, "price"))
    if draft.limit_per_customer is not None and draft.limit_per_customer < 1:
        raise InvalidInput(reason="the limit must be at least 1", field=(*path, "limitPerCustomer"))
    values: dict[str, Any] = {
        "position": position,
        "price_minor": price.amount_minor,
        "list_price_minor": list_price_minor,
        "price_tiers": tiers_to_json(draft.tiers()),
        "limit_per_customer": draft.limit_per_customer,
    }
    if existing is not None:
        return await _rewrite_item(work, existing, values, draft.batches)
    pool_id = new_id()
    await create_pool(work, pool_id, capacity=0, limit_per_customer=draft.limit_per_customer)
    item = await CampaignItem.create(
        id=new_id(), campaign_id=campaign.id, variant_id=variant_id, pool_id=pool_id, **values
    )
    reach("campaigns.item_written")
    for batch in draft.batches:
        await append_batch(work, item, capacity=batch.capacity, ships_by=batch.ships_by)
    return item


async def _rewrite_item(
    work: UnitOfWork,
    item: CampaignItem,
    values: dict[str, Any],
    wanted: Sequence[BatchDraft],
) -> CampaignItem:
    batches = await ProductionBatch.filter(item_id=item.id).order_by("position")
    is_limit_new = values["limit_per_customer"] != item.limit_per_customer
    item.update_from_dict(values)
    if [batch.capacity for batch in batches] == [batch.capacity for batch in wanted]:
        await item.save()
        if is_limit_new:
            await set_limit(work, item.pool_id, item.limit_per_customer)
        for batch, new in zip(batches, wanted, strict=True):
            if batch.ships_by != new.ships_by:
                batch.ships_by = new.ships_by
                await batch.save(update_fields=["ships_by"])
        return item
    # Other numbers: nobody owns one yet, so they are made anew.
    old_pool, item.pool_id = item.pool_id, new_id()
    await create_pool(work, item.pool_id, capacity=0, limit_per_customer=item.limit_per_customer)
    await item.save()
    await ProductionBatch.filter(item_id=item.id).delete()
    await discard_pools(work, [old_pool])
    for new in wanted:
        await append_batch(work, item, capacity=new.capacity, ships_by=new.ships_by)
    return item


async def find_variant(
    work: UnitOfWork, shop: ShopRef, ref: VariantRef, path: tuple[str, ...]
) -> tuple[UUID, int]:
    """Return the one variant of the shop that is meant, and its price in the catalogue.

    Raises:
        InvalidInput: there is none, or several, or it is priced in another currency.
    """
    rows = await work.fetch(
        "SELECT v.id, v.price_minor, v.currency "
        "FROM product_variant v JOIN product p ON p.id = v.product_id "
        "WHERE p.shop_id = $1 AND CASE WHEN $5::uuid IS NOT NULL THEN v.id = $5 "
        "  WHEN $2::text IS NOT NULL THEN v.sku = $2 "
        "  ELSE p.handle = $3 AND v.option_values = $4::text[] END LIMIT 2",
        shop.id,
        ref.sku,
        ref.product,
        list(ref.options),
        ref.id,
    )
    field = (*path, "variant")
    if not rows and ref.id is not None:
        raise InvalidInput(reason="there is no such variant in this shop", field=field)
    if not rows:
        raise InvalidInput(reason="no variant {variant} in this shop", variant=ref, field=field)
    if len(rows) > 1:
        raise InvalidInput(
            reason="several variants have the SKU {variant}", variant=ref, field=field
        )
    if rows[0]["currency"] != shop.currency:
        raise InvalidInput(
            reason="the variant is priced in {priced}, the shop sells in {currency}",
            priced=rows[0]["currency"],
            currency=shop.currency,
            field=field,
        )
    return rows[0]["id"], rows[0]["price_minor"]


async def append_batch(
    work: UnitOfWork, item: CampaignItem, *, capacity: int, ships_by: date
) -> ProductionBatch:
    """Append a range of numbers with its own promise; the ranges before it stay as they are."""
    before = await ProductionBatch.filter(item_id=item.id).order_by("-position").first()
    behind = before.last_number if before else 0
    batch = await ProductionBatch.create(
        id=new_id(),
        item_id=item.id,
        position=before.position + 1 if before else 0,
        first_number=behind + 1,
        last_number=await extend_pool(work, item.pool_id, by=capacity, behind=behind),
        capacity=capacity,
        ships_by=ships_by,
    )
    reach("campaigns.batch_written")
    return batch
