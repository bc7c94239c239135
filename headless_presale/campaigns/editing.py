"""Changing what a campaign is: all of a draft, only what is shown of one that buyers rely on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from headless_presale.campaigns.creating import (
    ShopRef,
    check_window,
    conflict_of,
    find_variant,
    plan_of_draft,
    write_item,
)
from headless_presale.campaigns.draft import (
    BatchDraft,
    CampaignDraft,
    CancelPolicyDraft,
    CancelRuleDraft,
    ItemDraft,
    PaymentPlanDraft,
    QuantityTierDraft,
    TermsDraft,
    TimeTierDraft,
    VariantRef,
)
from headless_presale.campaigns.errors import CampaignFixed
from headless_presale.campaigns.events import CampaignEdited
from headless_presale.campaigns.models import Campaign, CampaignItem, ProductionBatch
from headless_presale.campaigns.reading import read_rows
from headless_presale.campaigns.recording import (
    check_read,
    facts_of,
    lock_campaign,
    save_change,
)
from headless_presale.campaigns.rules import CancelPolicy, PaymentPlan, tiers_from_json
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.campaigns.terms import write_terms
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import discard_pools

FREE_WHEN_PUBLISHED = frozenset({"title", "story", "translations", "hold_seconds"})
"""What orders do not hang on, or carry themselves from the moment they are placed."""

API_NAMES = {
    "opens_at": "opensAt",
    "closes_at": "closesAt",
    "payment_plan": "paymentPlan",
    "cancel_policy": "cancelPolicy",
    "hold_seconds": "holdSeconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCampaign:
    """What a campaign is to be from now on.

    Attributes:
        changes: by the names of ``CampaignDraft``, in its types; what is left out stays. Items
            are all items: one that is left out is removed.
        version: the one that was read; None changes what is there now.
    """

    campaign_id: UUID
    changes: Mapping[str, Any]
    version: int | None = None


async def read_draft(campaign: Campaign) -> CampaignDraft:
    """Return a campaign as it would be written down to make it again, its latest terms included.

    An item whose cap was lowered has batches of what is left of them.
    """
    items, batches, terms = await read_rows(campaign)
    return CampaignDraft(
        handle=campaign.handle,
        title=campaign.title,
        story=campaign.story,
        translations=campaign.translations,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        payment_plan=_plan_draft(campaign),
        cancel_policy=_policy_draft(campaign),
        hold_seconds=campaign.hold_seconds,
        items=tuple(
            _item_draft(campaign, item, [batch for batch in batches if batch.item_id == item.id])
            for item in items
        ),
        terms=TermsDraft(
            ships_by=terms.ships_by,
            refund_policy=terms.refund_policy,
            cancel_conditions=terms.cancel_conditions,
        )
        if terms is not None
        else None,
    )


def _plan_draft(campaign: Campaign) -> PaymentPlanDraft:
    plan = PaymentPlan.from_json(campaign.payment_plan)
    per_unit = plan.deposit_per_unit_minor
    return PaymentPlanDraft(
        kind=plan.kind,
        deposit_bps=plan.deposit_bps,
        deposit_per_unit=None if per_unit is None else Money(per_unit, campaign.currency).amount,
        balance_opens_at=plan.balance_opens_at,
        balance_due_at=plan.balance_due_at,
        reminder=plan.reminder,
        missed_balance=plan.missed_balance,
    )


def _policy_draft(campaign: Campaign) -> CancelPolicyDraft:
    policy = CancelPolicy.from_json(campaign.cancel_policy)
    return CancelPolicyDraft(
        **{
            stage: CancelRuleDraft(
                allowed=rule.is_allowed,
                refund_deposit_bps=rule.refund_deposit_bps,
                refund_balance_bps=rule.refund_balance_bps,
            )
            for stage, rule in (
                ("deposit_paid", policy.deposit_paid),
                ("awaiting_balance", policy.awaiting_balance),
                ("paid", policy.paid),
            )
        }
    )


def _item_draft(
    campaign: Campaign, item: CampaignItem, batches: list[ProductionBatch]
) -> ItemDraft:
    tiers = tiers_from_json(item.price_tiers)
    return ItemDraft(
        variant=VariantRef(id=item.variant_id),
        price=Money(item.price_minor, campaign.currency).amount,
        limit_per_customer=item.limit_per_customer,
        time_tiers=tuple(
            TimeTierDraft(name=tier.name, lasts=tier.duration, price_bps=tier.price_bps)
            for tier in tiers.time
        ),
        quantity_tiers=tuple(
            QuantityTierDraft(
                name=tier.name, up_to=tier.up_to, price_bps=tier.price_bps, gift=tier.gift
            )
            for tier in tiers.quantity
        ),
        batches=tuple(
            BatchDraft(capacity=batch.capacity, ships_by=batch.ships_by)
            for batch in batches
            if batch.capacity
        ),
    )


@shielded
async def update_campaign(shop: ShopRef, command: UpdateCampaign) -> Campaign:
    """Change a campaign. What is equal already changes nothing, the version included.

    Raises:
        CampaignNotFound: there is none.
        VersionConflict: it has changed since it was read.
        CampaignFixed: it is published, and a change is of what buyers rely on.
        CampaignConflict: the handle is taken, or a variant appears twice.
        InvalidInput: as for a campaign that is made.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(command.campaign_id)
        stored = await read_draft(campaign)
        wanted = stored.model_copy(update=dict(command.changes))
        plan = plan_of_draft(wanted.payment_plan, shop.currency)
        items = await _resolved(work, shop, wanted) if "items" in command.changes else stored.items
        is_new = _changed(stored, wanted, plan=plan, items=items, currency=shop.currency)
        if not is_new:
            return campaign
        check_read(
            campaign,
            command.version,
            yours={API_NAMES.get(name, name): _plain(wanted, name) for name in is_new},
            stored={API_NAMES.get(name, name): _plain(stored, name) for name in is_new},
        )
        if campaign.status is not CampaignStatus.DRAFT:
            fixed = [name for name in is_new if name not in FREE_WHEN_PUBLISHED]
            if fixed:
                raise CampaignFixed(field=(fixed[0],), setting=fixed[0])
        check_window(wanted)
        before = {**facts_of(campaign), **_parts(stored, is_new)}
        campaign.update_from_dict(
            {
                "handle": wanted.handle,
                "title": wanted.title,
                "story": wanted.story,
                "translations": wanted.translations,
                "opens_at": wanted.opens_at,
                "closes_at": wanted.closes_at,
                "payment_plan": plan.to_json(),
                "cancel_policy": wanted.cancel_policy.policy().to_json(),
                "hold_seconds": wanted.hold_seconds,
            }
        )
        try:
            if "items" in is_new:
                await _write_items(work, shop, campaign, items)
            if "terms" in is_new and wanted.terms is not None:
                await write_terms(campaign, wanted.terms.model_dump())
            await save_change(
                work,
                campaign,
                "campaign.update",
                before=before,
                after={**facts_of(campaign), **_parts(wanted, is_new)},
            )
        except IntegrityError as error:
            raise conflict_of(error) from error
        if campaign.status is not CampaignStatus.DRAFT:
            names = tuple(API_NAMES.get(name, name) for name in is_new)
            work.emit(CampaignEdited(campaign_id=campaign.id, fields=names))
    return campaign


def _changed(
    stored: CampaignDraft,
    wanted: CampaignDraft,
    *,
    plan: PaymentPlan,
    items: tuple[ItemDraft, ...],
    currency: str,
) -> list[str]:
    """Return the names of what differs, however it was written down.

    Args:
        plan, items: those that are wanted, as they are stored.
    """
    names = [
        name
        for name in CampaignDraft.model_fields
        if name not in ("payment_plan", "items") and getattr(wanted, name) != getattr(stored, name)
    ]
    if plan != stored.payment_plan.plan(currency):
        names.append("payment_plan")
    if items != stored.items:
        names.append("items")
    return names


async def _resolved(work: UnitOfWork, shop: ShopRef, draft: CampaignDraft) -> tuple[ItemDraft, ...]:
    """Return items as they are stored: the variant by its id, a price where none was given."""
    found = []
    for position, item in enumerate(draft.items):
        path = ("items", str(position))
        variant_id, list_price = await find_variant(work, shop, item.variant, path)
        price = Money(list_price, shop.currency).amount if item.price is None else item.price
        changes = {"variant": VariantRef(id=variant_id), "price": price}
        found.append(item.model_copy(update=changes))
    return tuple(found)


async def _write_items(
    work: UnitOfWork, shop: ShopRef, campaign: Campaign, items: Sequence[ItemDraft]
) -> None:
    existing = {
        item.variant_id: item for item in await CampaignItem.filter(campaign_id=campaign.id)
    }
    kept = {item.variant.id for item in items}
    gone = [item for variant_id, item in existing.items() if variant_id not in kept]
    await ProductionBatch.filter(item_id__in=[item.id for item in gone]).delete()
    await CampaignItem.filter(id__in=[item.id for item in gone]).delete()
    await discard_pools(work, [item.pool_id for item in gone])
    # Out of the way: of two items that change places, one is written first.
    await work.execute(
        "UPDATE campaign_item SET position = -1 - position WHERE campaign_id = $1", campaign.id
    )
    for position, item in enumerate(items):
        known = existing.pop(item.variant.id, None) if item.variant.id else None
        await write_item(work, shop, campaign, position, item, existing=known)


def _plain(draft: CampaignDraft, name: str) -> object:
    return draft.model_dump(mode="json", include={name})[name]


def _parts(draft: CampaignDraft, names: list[str]) -> dict[str, object]:
    """Return what the log says of the parts that are rows of their own."""
    return {name: _plain(draft, name) for name in ("items", "terms") if name in names}
