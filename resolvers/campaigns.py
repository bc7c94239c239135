"""A campaign as a storefront shows it: by the clock, with what the next buyer gets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from headless_presale.campaigns import (
    CampaignSnapshot,
    CampaignStatus,
    ItemSnapshot,
    PlanKind,
    find_snapshots_of_items,
)
from headless_presale.kernel.locales import parents
from headless_presale.kernel.money import BPS, Money
from headless_presale.pricing import QuotedPrice, next_time_price
from headless_presale.shops import Shop
from resolvers.context import RequestContext
from resolvers.errors import reads
from resolvers.readiness import Soon, all_of, then

SELLING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.LIVE})
"""There is a price: now, or from the opening on."""

MAX_SECONDS = 2**31 - 1
"""What a GraphQL Int can count: 68 years."""


def is_public(campaign: CampaignSnapshot) -> bool:
    """Tell whether storefronts may see the campaign. A draft, or one that was never published
    before it was cancelled, is nobody's business."""
    return campaign.is_published


async def find_public_campaign(
    context: RequestContext, campaign_id: UUID
) -> CampaignSnapshot | None:
    """Return a published campaign, or None.

    Raises:
        OriginNotAllowed: its shop may not be used from the caller's page.
    """
    campaign = await context.loaders.campaigns.load(campaign_id)
    if campaign is None or not is_public(campaign):
        return None
    await context.shops.check_id(campaign.shop_id)
    return campaign


@reads
async def find_public_item(
    context: RequestContext, item_id: UUID
) -> tuple[CampaignSnapshot, ItemSnapshot] | None:
    """Return an item with its published campaign, or None."""
    campaign = (await find_snapshots_of_items([item_id])).get(item_id)
    item = campaign.item(item_id) if campaign is not None and is_public(campaign) else None
    return None if campaign is None or item is None else (campaign, item)


def localized_campaign(campaign: CampaignSnapshot, shop: Shop, locale: str) -> dict[str, str]:
    """Return ``title`` and ``story`` in the best language there is."""
    return campaign.texts(locale, default_locale=shop.default_locale)


def localized_prose(texts: dict[str, str], shop: Shop, locale: str) -> str:
    """Return one of the texts of the terms: in this language, else in the shop's."""
    for candidate in (*parents(locale), *parents(shop.default_locale)):
        if text := texts.get(candidate):
            return text
    return next(iter(texts.values()), "")


def seconds_until(moment: datetime, at: datetime) -> int:
    """Return the whole seconds until a moment, rounded up; 0 when it has come."""
    return min(max(0, math.ceil((moment - at).total_seconds())), MAX_SECONDS)


def seconds_left(campaign: CampaignSnapshot, at: datetime) -> int:
    """Return how long the campaign still sells; 0 when it is over."""
    return seconds_until(campaign.closes_at, at) if campaign.status(at) in SELLING else 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the sale of some slots has come. ``sold`` includes those held for a checkout."""

    capacity: int
    slots_left: int

    @property
    def sold(self) -> int:
        return self.capacity - self.slots_left

    @property
    def sold_bps(self) -> int:
        return self.sold * BPS // self.capacity if self.capacity else 0


async def await_progress(context: RequestContext, campaigns: Sequence[CampaignSnapshot]) -> None:
    """Have what is left of these campaigns loaded, in one round trip, before their fields ask.

    What cannot be loaded each field says for itself.
    """
    pools = [item.pool_id for campaign in campaigns for item in campaign.items]
    await context.loaders.slots_left.prepare(pools)


def progress_of_item(context: RequestContext, item: ItemSnapshot) -> Soon[Progress]:
    """Return the live progress of one item."""
    # A batch may have been added a moment before this snapshot was read, or after.
    return then(
        context.loaders.slots_left.find(item.pool_id),
        lambda left: Progress(item.capacity, min(left, item.capacity)),
    )


def progress_of(context: RequestContext, campaign: CampaignSnapshot) -> Soon[Progress]:
    """Return the live progress of all items together."""
    find = context.loaders.slots_left.find
    capacities = [item.capacity for item in campaign.items]
    return then(
        all_of([find(item.pool_id) for item in campaign.items]),
        lambda left: Progress(sum(capacities), sum(map(min, left, capacities))),
    )


def next_number(context: RequestContext, item: ItemSnapshot) -> Soon[int]:
    """Return the slot number that the next buyer is quoted for."""
    return then(
        progress_of_item(context, item), lambda progress: item.next_number(progress.slots_left)
    )


def current_price(
    context: RequestContext, campaign: CampaignSnapshot, item: ItemSnapshot
) -> Soon[QuotedPrice | None]:
    """Return what the next unit costs; before the opening, what it will cost then.

    None once the campaign is over.
    """
    if campaign.status(context.at) not in SELLING:
        return None
    return then(
        next_number(context, item),
        lambda number: item.quote(opens_at=campaign.opens_at, at=context.at, number=number),
    )


@dataclass(frozen=True, slots=True)
class ComingPrice:
    """A price and the moment it starts at."""

    starts_at: datetime
    quoted: QuotedPrice


def next_price(
    context: RequestContext, campaign: CampaignSnapshot, item: ItemSnapshot
) -> Soon[ComingPrice | None]:
    """Return the price that the clock brings next; None if it will bring no other."""
    if campaign.status(context.at) not in SELLING:
        return None
    change = next_time_price(
        item.price,
        item.tiers,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        at=context.at,
    )
    if change is None:
        return None
    starts_at, _ = change
    return then(
        next_number(context, item),
        lambda number: ComingPrice(
            starts_at, item.quote(opens_at=campaign.opens_at, at=starts_at, number=number)
        ),
    )


def deposit_for_one(
    context: RequestContext, campaign: CampaignSnapshot, item: ItemSnapshot
) -> Soon[Money | None]:
    """Return what is due now for one unit at its current price; None on full payment."""
    plan = campaign.payment_plan
    if plan.kind is not PlanKind.DEPOSIT:
        return None
    return then(
        current_price(context, campaign, item),
        lambda price: None if price is None else plan.split(price.unit_price, quantity=1).deposit,
    )


def next_ships_by(context: RequestContext, item: ItemSnapshot) -> Soon[date | None]:
    """Return the date that the next slot sold is promised for."""
    return then(next_number(context, item), lambda number: item.ships_by([number]))
