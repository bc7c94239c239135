"""What a merchant does with campaigns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from headless_presale.campaigns import (
    Campaign,
    CampaignItem,
    CampaignNotFound,
    ItemNotFound,
    ShopRef,
    UpdateCampaign,
    add_batch,
    change_capacity,
    close_campaign,
    create_campaign,
    discard_draft,
    duplicate_campaign,
    extend_campaign,
    publish_campaign,
    reschedule_campaign,
    revise_terms,
    unschedule_campaign,
    update_campaign,
)
from headless_presale.campaigns.draft import TermsDraft
from headless_presale.orders import CallOffCampaign, call_off_campaign
from headless_presale.shops import Shop, ShopNotFound, ShopPolicies
from resolvers.access import read_shop_id
from resolvers.admin.campaign_drafts import Fields, read_changes, read_draft, refusals_of_draft
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id


@dataclass(frozen=True, slots=True)
class Kept:
    """A campaign as it is after a command, with its shop."""

    campaign: Campaign
    shop: Shop


Command = Callable[[Campaign, Shop], Awaitable[object]]


@reads
async def own_shop(context: RequestContext, shop_id: str) -> Shop:
    """Return a shop that the caller may touch.

    Raises:
        InvalidInput: this is not the id of a shop.
        ShopNotFound: there is none, or not for him.
    """
    shop = await Shop.get_or_none(id=read_shop_id(context, shop_id))
    if shop is None:
        raise ShopNotFound(shop=shop_id, field=("shop_id",))
    return shop


@reads
async def own_campaign(context: RequestContext, campaign_id: str) -> Kept:
    """Return a campaign of a shop that the caller may touch, with the shop.

    Raises:
        InvalidInput: this is not the id of a campaign.
        CampaignNotFound: there is none, or not for him.
    """
    uuid = read_input_id(campaign_id, "Campaign", ("campaignId",))
    campaign = (
        await Campaign.filter(id=uuid, shop_id__in=list(context.principal.shop_ids))
        .select_related("shop")
        .first()
    )
    if campaign is None:
        raise CampaignNotFound(field=("campaignId",))
    return Kept(campaign, campaign.shop)


@reads
async def own_item(context: RequestContext, item_id: str) -> tuple[CampaignItem, Kept]:
    """Return a campaign item of a shop that the caller may touch, with its campaign.

    Raises:
        InvalidInput: this is not the id of a campaign item.
        ItemNotFound: there is none, or not for him.
    """
    uuid = read_input_id(item_id, "CampaignItem", ("itemId",))
    item = (
        await CampaignItem.filter(id=uuid, campaign__shop_id__in=list(context.principal.shop_ids))
        .select_related("campaign__shop")
        .first()
    )
    if item is None:
        raise ItemNotFound(field=("itemId",))
    return item, Kept(item.campaign, item.campaign.shop)


def ref_of(shop: Shop) -> ShopRef:
    """Return what campaigns need to know of a shop."""
    return ShopRef(shop.id, shop.currency, shop.default_locale)


async def _run(context: RequestContext, work: Callable[[], Awaitable[Kept]]) -> Answer[Kept]:
    try:
        return await told(context, work)
    except ValidationError as error:
        return Answer(refusals=refusals_of_draft(error, context.locale))


async def _change(context: RequestContext, campaign_id: str, command: Command) -> Answer[Kept]:
    """Run a command on one of the caller's campaigns; answer with the campaign it left."""

    async def work() -> Kept:
        kept = await own_campaign(context, campaign_id)
        done = await command(kept.campaign, kept.shop)
        return await _after(kept, done)

    return await _run(context, work)


async def _after(kept: Kept, done: object) -> Kept:
    if isinstance(done, Campaign):
        return Kept(done, kept.shop)
    return Kept(await Campaign.get(id=kept.campaign.id), kept.shop)


async def create(context: RequestContext, *, shop_id: str, fields: Fields) -> Answer[Kept]:
    """Make a draft."""

    async def work() -> Kept:
        shop = await own_shop(context, shop_id)
        draft = read_draft(fields, ShopPolicies.from_json(shop.policies))
        return Kept(await create_campaign(ref_of(shop), draft), shop)

    return await _run(context, work)


async def update(
    context: RequestContext, *, campaign_id: str, version: int, fields: Fields
) -> Answer[Kept]:
    """Change what a campaign is."""

    async def command(campaign: Campaign, shop: Shop) -> Campaign:
        changes = read_changes(fields, ShopPolicies.from_json(shop.policies))
        wanted = UpdateCampaign(campaign_id=campaign.id, changes=changes, version=version)
        return await update_campaign(ref_of(shop), wanted)

    return await _change(context, campaign_id, command)


async def duplicate(
    context: RequestContext, *, campaign_id: str, opens_at: datetime | None, handle: str | None
) -> Answer[Kept]:
    """Make a draft of what a campaign is, its dates moved."""

    async def command(campaign: Campaign, shop: Shop) -> Campaign:
        return await duplicate_campaign(ref_of(shop), campaign.id, opens_at=opens_at, handle=handle)

    return await _change(context, campaign_id, command)


async def publish(context: RequestContext, *, campaign_id: str, version: int) -> Answer[Kept]:
    """Let the clock open and close a draft from now on."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: publish_campaign(
            campaign.id, default_locale=shop.default_locale, version=version
        ),
    )


async def schedule(
    context: RequestContext,
    *,
    campaign_id: str,
    version: int,
    opens_at: datetime | None,
    closes_at: datetime | None,
) -> Answer[Kept]:
    """Give a campaign that has not opened other times."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: reschedule_campaign(
            campaign.id,
            opens_at=opens_at,
            closes_at=closes_at,
            default_locale=shop.default_locale,
            version=version,
        ),
    )


async def unschedule(context: RequestContext, *, campaign_id: str, version: int) -> Answer[Kept]:
    """Make a campaign that has not opened a draft again."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: unschedule_campaign(campaign.id, version=version),
    )


async def extend(
    context: RequestContext, *, campaign_id: str, version: int, closes_at: datetime, reason: str
) -> Answer[Kept]:
    """Let a campaign sell longer."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: extend_campaign(
            campaign.id,
            closes_at=closes_at,
            reason=reason,
            default_locale=shop.default_locale,
            version=version,
        ),
    )


async def close(
    context: RequestContext, *, campaign_id: str, version: int, reason: str
) -> Answer[Kept]:
    """Close a campaign before its time."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: close_campaign(campaign.id, reason=reason, version=version),
    )


async def cancel(
    context: RequestContext,
    *,
    campaign_id: str,
    version: int,
    reason: str,
    expected_orders: int,
    expected_refund_minor: int,
) -> Answer[Kept]:
    """Call a campaign off, if it costs no more than was shown."""
    return await _change(
        context,
        campaign_id,
        lambda campaign, shop: call_off_campaign(
            CallOffCampaign(
                campaign_id=campaign.id,
                reason=reason,
                expected_orders=expected_orders,
                expected_refund_minor=expected_refund_minor,
                version=version,
            )
        ),
    )


async def create_terms(
    context: RequestContext, *, campaign_id: str, version: int, terms: Mapping[str, Any]
) -> Answer[Kept]:
    """Put new terms in force for orders to come."""

    async def command(campaign: Campaign, shop: Shop) -> int:
        draft = TermsDraft.model_validate(terms)
        return await revise_terms(
            campaign.id,
            ships_by=draft.ships_by,
            refund_policy=draft.refund_policy,
            cancel_conditions=draft.cancel_conditions,
            default_locale=shop.default_locale,
            version=version,
        )

    return await _change(context, campaign_id, command)


async def _change_item(
    context: RequestContext, item_id: str, command: Callable[[UUID], Awaitable[object]]
) -> Answer[Kept]:
    async def work() -> Kept:
        item, kept = await own_item(context, item_id)
        return await _after(kept, await command(item.id))

    return await _run(context, work)


async def add_item_batch(
    context: RequestContext, *, item_id: str, version: int, capacity: int, ships_by: date
) -> Answer[Kept]:
    """Append a production batch to an item."""
    return await _change_item(
        context,
        item_id,
        lambda item: add_batch(item, capacity=capacity, ships_by=ships_by, version=version),
    )


async def set_cap(
    context: RequestContext, *, item_id: str, version: int, capacity: int
) -> Answer[Kept]:
    """Set how many slots an item has."""
    return await _change_item(
        context, item_id, lambda item: change_capacity(item, capacity=capacity, version=version)
    )


async def discard(context: RequestContext, *, campaign_id: str, version: int) -> Answer[Kept]:
    """Remove a draft; the answer is the campaign as it was."""

    async def work() -> Kept:
        kept = await own_campaign(context, campaign_id)
        await discard_draft(kept.campaign.id, version=version)
        return kept

    return await _run(context, work)
