"""Products and variants, and where they can be pre-ordered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from headless_presale.campaigns import CampaignSnapshot, CampaignStatus, ItemSnapshot
from headless_presale.catalog import (
    LocalizedProduct,
    Product,
    ProductOption,
    ProductVariant,
    localized,
    localized_option,
)
from headless_presale.shops import Shop
from resolvers.campaigns import SELLING, next_ships_by
from resolvers.context import RequestContext
from resolvers.messages import ships_text
from resolvers.readiness import settled

SEPARATOR = " / "


@dataclass(frozen=True, slots=True)
class OptionValues:
    """An option with those of its values that variants have."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The campaign item that presells a variant, live or soon."""

    campaign: CampaignSnapshot
    item: ItemSnapshot


async def find_published_product(context: RequestContext, product_id: UUID) -> Product | None:
    """Return a product that storefronts may see, or None."""
    product = await context.loaders.products.load(product_id)
    return product if product is not None and product.is_published else None


def localized_product(product: Product, shop: Shop, locale: str) -> LocalizedProduct:
    """Return the product's texts in the best language there is."""
    return localized(product, locale, default_locale=shop.default_locale)


async def options_of(context: RequestContext, product: Product, shop: Shop) -> list[OptionValues]:
    """Return the product's options with their values, in the order of its variants."""
    options = await context.loaders.options_of.load(product.id)
    if not options:
        return []
    variants = await context.loaders.variants_of.load(product.id)
    found = []
    for index, option in enumerate(options):
        values = list(dict.fromkeys(_values_at(index, variants)))
        texts = localized_option(option, values, context.locale, default_locale=shop.default_locale)
        found.append(OptionValues(texts.name, tuple(texts.value(value) for value in values)))
    return found


def _values_at(index: int, variants: Sequence[ProductVariant]) -> list[str]:
    return [v.option_values[index] for v in variants if index < len(v.option_values)]


async def selected_options(
    context: RequestContext, variant: ProductVariant, shop: Shop
) -> list[tuple[str, str]]:
    """Return the variant's (option, value) pairs, localised."""
    if not variant.option_values:
        return []
    options: Sequence[ProductOption] = await context.loaders.options_of.load(variant.product_id)
    pairs = []
    for option, value in zip(options, variant.option_values, strict=False):
        texts = localized_option(
            option, [value], context.locale, default_locale=shop.default_locale
        )
        pairs.append((texts.name, texts.value(value)))
    return pairs


async def variant_title(
    context: RequestContext, variant: ProductVariant, product: Product, shop: Shop
) -> str:
    """Return what tells the variant from its siblings; an only variant is called as its product."""
    pairs = await selected_options(context, variant, shop)
    if not pairs:
        return localized_product(product, shop, context.locale).title
    return SEPARATOR.join(value for _, value in pairs)


async def find_offer(context: RequestContext, variant_id: UUID) -> Offer | None:
    """Return where a variant is presold: on sale now, else the campaign that opens first."""
    campaign_ids = await context.loaders.offers_of.load(variant_id)
    offers = []
    for campaign in await context.loaders.campaigns.load_many(campaign_ids):
        if campaign is None or campaign.status(context.at) not in SELLING:
            continue
        item = next((i for i in campaign.items if i.variant_id == variant_id), None)
        if item is not None:
            offers.append(Offer(campaign, item))
    return min(offers, key=lambda offer: _preference(offer, context), default=None)


def _preference(offer: Offer, context: RequestContext) -> tuple[object, ...]:
    campaign = offer.campaign
    is_live = campaign.status(context.at) is CampaignStatus.LIVE
    return (not is_live, campaign.opens_at, campaign.id)


@dataclass(frozen=True, slots=True)
class Promise:
    """When a unit bought now ships, in three ways of saying it."""

    ships_by: date
    ships_within_days: int
    text: str


async def promise_of(context: RequestContext, item: ItemSnapshot) -> Promise | None:
    """Return the promise for the next unit sold."""
    ships_by = await settled(next_ships_by(context, item))
    if ships_by is None:
        return None
    today = context.at.date()
    return Promise(
        ships_by=ships_by,
        ships_within_days=max(0, (ships_by - today).days),
        text=ships_text(ships_by, today=today, locale=context.locale),
    )
