"""Products, variants, and the presale badge of a variant."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from headless_presale.catalog import LocalizedProduct, Product, ProductMedia, ProductVariant
from headless_presale.kernel.money import Money as Amount
from headless_presale.shops import Shop
from resolvers import catalog
from resolvers.addresses import address_of
from resolvers.context import RequestContext
from schema.enums import CampaignStatus
from schema.media import MediaSizeType, media_sizes
from schema.money import Money
from schema.nodes import Info, Node, global_id

if TYPE_CHECKING:
    from schema.campaigns import CampaignItemType, CampaignType

MAX_CHILDREN = 250

FirstChildren = Annotated[
    int, strawberry.argument(description=f"So many from the start, at most {MAX_CHILDREN}.")
]


@strawberry.type(description="An axis a product varies along, with the values its variants have.")
class ProductOption:
    """Localised."""

    name: str = strawberry.field(description="Such as `Colour`.")
    values: list[str] = strawberry.field(description="Those that variants have, in their order.")


@strawberry.type(description="One value of one option.")
class SelectedOption:
    """Localised."""

    name: str = strawberry.field(description="Of the option, such as `Colour`.")
    value: str = strawberry.field(description="Such as `Midnight`.")


@strawberry.type(name="ProductMedia", description="A picture or film of a product.")
class MediaType:
    """Where it lies and what it shows."""

    media: strawberry.Private[ProductMedia]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("ProductMedia", self.media.id)

    @strawberry.field(description="Of its largest size, where it was uploaded here.")
    def url(self, info: Info) -> str:
        return address_of(info.context, self.media.url)

    @strawberry.field(
        description="The files there are of it, the smallest first; none where it lies elsewhere."
    )
    def sizes(self) -> list[MediaSizeType]:
        return media_sizes(self.media.asset)

    @strawberry.field(description="What it shows, for those who cannot see it; may be empty.")
    def alt(self) -> str:
        return self.media.alt


@strawberry.type(description="What search engines are told.")
class Seo:
    """Falls back to the product's own title."""

    title: str = strawberry.field(
        description="For `<title>`; the product's own where there is none."
    )
    description: str = strawberry.field(
        description='For `<meta name="description">`; may be empty.'
    )


@strawberry.type(description="Where a variant can be pre-ordered: shown wherever the variant is.")
class PresaleBadge:
    """The campaign on sale, else the one that opens first."""

    offer: strawberry.Private[catalog.Offer]
    shop: strawberry.Private[Shop]

    @strawberry.field(description="Where it can be pre-ordered.")
    def campaign(self) -> Annotated["CampaignType", strawberry.lazy("schema.campaigns")]:
        from schema.campaigns import CampaignType

        return CampaignType(snapshot=self.offer.campaign, shop=self.shop)

    @strawberry.field(description="As what.")
    def item(self) -> Annotated["CampaignItemType", strawberry.lazy("schema.campaigns")]:
        from schema.campaigns import CampaignItemType

        return CampaignItemType(item=self.offer.item, snapshot=self.offer.campaign, shop=self.shop)

    @strawberry.field(description="Where the campaign stands, by the clock.")
    def status(self, info: Info) -> CampaignStatus:
        return self.offer.campaign.status(info.context.at)

    @strawberry.field(description="The day by which the next unit sold is promised to ship.")
    async def ships_by(self, info: Info) -> date | None:
        promise = await catalog.promise_of(info.context, self.offer.item)
        return promise.ships_by if promise else None

    @strawberry.field(description="The same as a number of days from today.")
    async def ships_within_days(self, info: Info) -> int | None:
        promise = await catalog.promise_of(info.context, self.offer.item)
        return promise.ships_within_days if promise else None

    @strawberry.field(description="The same as a sentence: `Ships within 12 days`.")
    async def ships_text(self, info: Info) -> str | None:
        promise = await catalog.promise_of(info.context, self.offer.item)
        return promise.text if promise else None


@strawberry.type(name="ProductVariant", description="What is sold: one combination of options.")
class VariantType(Node):
    """Prices are the catalogue's; a campaign has its own."""

    variant: strawberry.Private[ProductVariant]
    product_row: strawberry.Private[Product]
    shop: strawberry.Private[Shop]

    def identity(self) -> tuple[str, UUID]:
        return "ProductVariant", self.variant.id

    @strawberry.field(description="The merchant's own number.")
    def sku(self) -> str | None:
        return self.variant.sku

    @strawberry.field(description="What tells it from its siblings: `Midnight / Large`.")
    async def title(self, info: Info) -> str:
        return await catalog.variant_title(info.context, self.variant, self.product_row, self.shop)

    @strawberry.field(description="One for each of the product's options, in their order.")
    async def option_values(self, info: Info) -> list[SelectedOption]:
        pairs = await catalog.selected_options(info.context, self.variant, self.shop)
        return [SelectedOption(name=name, value=value) for name, value in pairs]

    @strawberry.field(
        description="The catalogue's; a campaign has its own: `CampaignItem.currentPrice`."
    )
    def price(self) -> Money:
        return Money.of(Amount(self.variant.price_minor, self.variant.currency))

    @strawberry.field(description="A former price, where the shop names one.")
    def compare_at_price(self) -> Money | None:
        minor = self.variant.compare_at_minor
        return None if minor is None else Money.of(Amount(minor, self.variant.currency))

    @strawberry.field(
        description="The picture that shows it; one of the product's. Null where none is its own."
    )
    async def media(self, info: Info) -> MediaType | None:
        media = await info.context.loaders.media_of.load(self.variant.product_id)
        return next((MediaType(media=m) for m in media if m.id == self.variant.media_id), None)

    @strawberry.field(description="What it is a variant of.")
    def product(self) -> "ProductType":
        return ProductType(product=self.product_row, shop=self.shop)

    @strawberry.field(description="The campaign that presells it, live or scheduled.")
    async def presale(self, info: Info) -> PresaleBadge | None:
        offer = await catalog.find_offer(info.context, self.variant.id)
        return None if offer is None else PresaleBadge(offer=offer, shop=self.shop)


@strawberry.type(name="Product", description="Something a shop shows.")
class ProductType(Node):
    """Texts come in the language of Accept-Language, else in the shop's."""

    product: strawberry.Private[Product]
    shop: strawberry.Private[Shop]

    def _texts(self, context: RequestContext) -> LocalizedProduct:
        return catalog.localized_product(self.product, self.shop, context.locale)

    def identity(self) -> tuple[str, UUID]:
        return "Product", self.product.id

    @strawberry.field(description="Its address within the shop.")
    def handle(self) -> str:
        return self.product.handle

    @strawberry.field(description="In the language of Accept-Language, else in the shop's.")
    def title(self, info: Info) -> str:
        return self._texts(info.context).title

    @strawberry.field(description="Sanitised HTML.")
    def description_html(self, info: Info) -> str:
        return self._texts(info.context).description_html

    @strawberry.field(description="Who makes it; may be empty.")
    def vendor(self) -> str:
        return self.product.vendor

    @strawberry.field(description="The merchant's own word for its kind; may be empty.")
    def product_type(self) -> str:
        return self.product.product_type

    @strawberry.field(description="The merchant's own.")
    def tags(self) -> list[str]:
        return list(self.product.tags)

    @strawberry.field(description="For the head of a page.")
    def seo(self, info: Info) -> Seo:
        texts = self._texts(info.context)
        return Seo(title=texts.seo_title or texts.title, description=texts.seo_description)

    @strawberry.field(description="What its variants differ in, in the merchant's order.")
    async def options(self, info: Info) -> list[ProductOption]:
        options = await catalog.options_of(info.context, self.product, self.shop)
        return [ProductOption(name=o.name, values=list(o.values)) for o in options]

    @strawberry.field(description="What can be bought, in the merchant's order.")
    async def variants(self, info: Info, first: FirstChildren = 20) -> list[VariantType]:
        variants = await info.context.loaders.variants_of.load(self.product.id)
        return [
            VariantType(variant=variant, product_row=self.product, shop=self.shop)
            for variant in variants[: bounded(first)]
        ]

    @strawberry.field(description="Pictures and films, in the merchant's order.")
    async def media(self, info: Info, first: FirstChildren = 20) -> list[MediaType]:
        media = await info.context.loaders.media_of.load(self.product.id)
        return [MediaType(media=medium) for medium in media[: bounded(first)]]


def bounded(first: int) -> int:
    """Return how many of a product's parts are shown."""
    return max(0, min(first, MAX_CHILDREN))
