"""Products as their merchant sees them: raw texts, all languages, unpublished ones too."""

from datetime import datetime

import strawberry

from headless_presale.catalog import (
    OPTION_VALUE_PREFIX,
    Product,
    ProductMedia,
    ProductOption,
    ProductSort,
    ProductVariant,
)
from headless_presale.kernel.money import Money as Amount
from resolvers.addresses import address_of
from resolvers.admin.products import ProductQuestion
from schema.catalog import FirstChildren, bounded
from schema.media import MediaSizeType, media_sizes
from schema.money import Money
from schema.nodes import Info, global_id

strawberry.enum(
    ProductSort,
    description="What products are sorted by; those that are equal follow their making.",
)


@strawberry.type(description="A value of an option in one language.")
class OptionValueTranslation:
    value: str = strawberry.field(description="As the catalogue has it.")
    text: str


@strawberry.type(description="An option's texts in one language.")
class ProductOptionTranslation:
    option_id: strawberry.ID
    name: str | None
    values: list[OptionValueTranslation]


@strawberry.type(description="What of a product is translated to one language; null: not.")
class ProductTranslation:
    locale: str
    title: str | None
    description_html: str | None
    seo_title: str | None
    seo_description: str | None
    options: list[ProductOptionTranslation]


@strawberry.type(name="AdminProductOption", description="An axis a product varies along.")
class AdminOptionType:
    row: strawberry.Private[ProductOption]
    variants: strawberry.Private[list[ProductVariant]]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductOption", self.row.id)

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="Those that variants have, in the order of the variants.")
    def values(self) -> list[str]:
        index = self.row.position - 1
        found = [v.option_values[index] for v in self.variants if index < len(v.option_values)]
        return list(dict.fromkeys(found))


@strawberry.type(name="AdminProductMedia", description="A picture or film of a product.")
class AdminMediaType:
    row: strawberry.Private[ProductMedia]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductMedia", self.row.id)

    @strawberry.field(description="Of its largest size, where it was uploaded here.")
    def url(self, info: Info) -> str:
        return address_of(info.context, self.row.url)

    @strawberry.field(
        description="The files there are of it, the smallest first; none where it lies elsewhere."
    )
    def sizes(self) -> list[MediaSizeType]:
        return media_sizes(self.row.asset)

    @strawberry.field(description="What it shows, for those who cannot see it; may be empty.")
    def alt(self) -> str:
        return self.row.alt


@strawberry.type(name="AdminProductVariant", description="What is sold, as its merchant sees it.")
class AdminVariantType:
    """Prices are the catalogue's: a campaign has its own, and so has an order."""

    row: strawberry.Private[ProductVariant]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductVariant", self.row.id)

    @strawberry.field
    def sku(self) -> str | None:
        return self.row.sku

    @strawberry.field(description="One for each of the product's options, in their order.")
    def option_values(self) -> list[str]:
        return list(self.row.option_values)

    @strawberry.field
    def price(self) -> Money:
        return Money.of(Amount(self.row.price_minor, self.row.currency))

    @strawberry.field(description="A former price, where the shop names one.")
    def compare_at_price(self) -> Money | None:
        minor = self.row.compare_at_minor
        return None if minor is None else Money.of(Amount(minor, self.row.currency))

    @strawberry.field
    def barcode(self) -> str:
        return self.row.barcode

    @strawberry.field
    def weight_grams(self) -> int | None:
        return self.row.weight_grams

    @strawberry.field(description="The unit a weight is shown in: g, kg, lb, oz, or none.")
    def weight_unit(self) -> str:
        return self.row.weight_unit

    @strawberry.field
    def is_shippable(self) -> bool:
        return self.row.is_shippable

    @strawberry.field
    def is_taxable(self) -> bool:
        return self.row.is_taxable

    @strawberry.field(description="Physical stock; what campaigns presell is apart from it.")
    def stock_on_hand(self) -> int | None:
        return self.row.stock_on_hand

    @strawberry.field(description="The picture that shows it.")
    async def media(self, info: Info) -> AdminMediaType | None:
        for row in await info.context.loaders.media_of.load(self.row.product_id):
            if row.id == self.row.media_id:
                return AdminMediaType(row=row)
        return None

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def updated_at(self) -> datetime:
        return self.row.updated_at


@strawberry.type(name="AdminProduct", description="A product as its merchant sees it.")
class AdminProductType:
    """Texts are the shop's own; other languages are in ``translations``."""

    row: strawberry.Private[Product]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Product", self.row.id)

    @strawberry.field(description="Its address within the shop.")
    def handle(self) -> str:
        return self.row.handle

    @strawberry.field(description="In the shop's own language.")
    def title(self) -> str:
        return self.row.title

    @strawberry.field(description="Sanitised HTML.")
    def description_html(self) -> str:
        return self.row.description_html

    @strawberry.field
    def vendor(self) -> str:
        return self.row.vendor

    @strawberry.field
    def product_type(self) -> str:
        return self.row.product_type

    @strawberry.field
    def tags(self) -> list[str]:
        return list(self.row.tags)

    @strawberry.field(description="Whether storefronts show it.")
    def is_published(self) -> bool:
        return self.row.is_published

    @strawberry.field(description="For search engines; empty means the title.")
    def seo_title(self) -> str:
        return self.row.seo_title

    @strawberry.field
    def seo_description(self) -> str:
        return self.row.seo_description

    @strawberry.field
    async def options(self, info: Info) -> list[AdminOptionType]:
        options = await info.context.loaders.options_of.load(self.row.id)
        variants = await info.context.loaders.variants_of.load(self.row.id) if options else []
        return [AdminOptionType(row=row, variants=variants) for row in options]

    @strawberry.field
    async def variants(self, info: Info, first: FirstChildren = 20) -> list[AdminVariantType]:
        rows = await info.context.loaders.variants_of.load(self.row.id)
        return [AdminVariantType(row=row) for row in rows[: bounded(first)]]

    @strawberry.field
    async def media(self, info: Info, first: FirstChildren = 20) -> list[AdminMediaType]:
        rows = await info.context.loaders.media_of.load(self.row.id)
        return [AdminMediaType(row=row) for row in rows[: bounded(first)]]

    @strawberry.field(description="Every language there is a text in, by its tag.")
    async def translations(self, info: Info) -> list[ProductTranslation]:
        options = await info.context.loaders.options_of.load(self.row.id)
        locales = {*self.row.translations, *(tag for row in options for tag in row.translations)}
        return [_translation(self.row, options, locale) for locale in sorted(locales)]

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def updated_at(self) -> datetime:
        return self.row.updated_at

    @strawberry.field(description="Rises with each change of it, its options, variants and media.")
    def version(self) -> int:
        return self.row.version


@strawberry.input(description="Which products are wanted; all that are given have to fit.")
class ProductFilterInput:
    is_published: bool | None = None
    tag: str | None = strawberry.field(default=None, description="Equal to the letter.")
    vendor: str | None = strawberry.field(default=None, description="Equal to the letter.")
    product_type: str | None = strawberry.field(default=None, description="Equal to the letter.")
    search: str | None = strawberry.field(
        default=None, description="What the title, the handle or a SKU begins with, in any case."
    )


@strawberry.input(description="How a list of products is sorted.")
class ProductSortInput:
    by: ProductSort = ProductSort.CREATED_AT
    descending: bool = True


def question_of(
    wanted: ProductFilterInput | None, sort: ProductSortInput | None
) -> ProductQuestion:
    """Return a filter and an order as the resolvers take them."""
    wanted, sort = wanted or ProductFilterInput(), sort or ProductSortInput()
    return ProductQuestion(
        is_published=wanted.is_published,
        tag=wanted.tag,
        vendor=wanted.vendor,
        product_type=wanted.product_type,
        search=wanted.search,
        sort=sort.by,
        is_descending=sort.descending,
    )


def _translation(product: Product, options: list[ProductOption], locale: str) -> ProductTranslation:
    texts = product.translations.get(locale, {})
    return ProductTranslation(
        locale=locale,
        title=texts.get("title"),
        description_html=texts.get("description_html"),
        seo_title=texts.get("seo_title"),
        seo_description=texts.get("seo_description"),
        options=[
            ProductOptionTranslation(
                option_id=global_id("ProductOption", row.id),
                name=row.translations[locale].get("name"),
                values=[
                    OptionValueTranslation(value=key.removeprefix(OPTION_VALUE_PREFIX), text=text)
                    for key, text in sorted(row.translations[locale].items())
                    if key.startswith(OPTION_VALUE_PREFIX)
                ],
            )
            for row in options
            if locale in row.translations
        ],
    )
