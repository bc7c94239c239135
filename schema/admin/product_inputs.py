"""What is sent to change products. In an update, what is left out stays as it is."""

from collections.abc import Iterable
from typing import Any

import strawberry

from headless_presale.catalog import PRODUCT_READERS, TEXT_READERS, VARIANT_READERS
from resolvers.admin.product_pictures import PictureWish
from schema.scalars import SafeInt

VERSION = "The product's version that you read; it covers options, variants and media."
PRODUCT_FIELDS = tuple(PRODUCT_READERS)
VARIANT_FIELDS = (*VARIANT_READERS, "option_values", "media_id")
TEXT_FIELDS = tuple(TEXT_READERS)


def given(input: object, names: Iterable[str]) -> dict[str, Any]:
    """Return those of an input's fields that were sent, null included."""
    values = {name: getattr(input, name, strawberry.UNSET) for name in names}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}


@strawberry.input(description="A product at the version you read.")
class ProductVersionInput:
    """Every input that changes one product begins so."""

    product_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)


@strawberry.input(
    description="A picture to show: an uploaded one by its asset, or one that lies elsewhere."
)
class ProductMediaInput:
    url: str | None = strawberry.field(
        default=None, description="An absolute http or https address."
    )
    asset_id: strawberry.ID | None = strawberry.field(
        default=None, description="A `MediaAsset` of the product's shop."
    )
    alt: str | None = strawberry.field(
        default=None, description="What it shows; null takes what is said of the asset."
    )

    def to_wish(self) -> PictureWish:
        """Return it as the resolvers take it."""
        return PictureWish(url=self.url, asset_id=self.asset_id, alt=self.alt)


@strawberry.input(description="A variant of a product that is being made.")
class ProductVariantInput:
    price_minor: SafeInt = strawberry.field(description="In minor units of the shop's currency.")
    option_values: list[str] = strawberry.field(
        default_factory=list, description="One for each option of the product, in their order."
    )
    sku: str | None = None
    compare_at_minor: SafeInt | None = strawberry.field(
        default=None, description="A former price, in minor units."
    )
    barcode: str = ""
    weight_grams: int | None = None
    weight_unit: str = strawberry.field(default="", description="g, kg, lb, oz, or none.")
    is_shippable: bool = True
    is_taxable: bool = True
    stock_on_hand: int | None = None


@strawberry.input(description="A product to make.")
class ProductCreateInput:
    shop_id: strawberry.ID
    title: str
    handle: str | None = strawberry.field(
        default=None, description="Its address within the shop; made of the title if not given."
    )
    description_html: str = strawberry.field(default="", description="Sanitised when stored.")
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = strawberry.field(default_factory=list)
    is_published: bool = True
    seo_title: str = ""
    seo_description: str = ""
    options: list[str] = strawberry.field(
        default_factory=list, description="Names of what its variants differ in, at most three."
    )
    variants: list[ProductVariantInput] = strawberry.field(description="At least one.")
    media: list[ProductMediaInput] = strawberry.field(default_factory=list)


@strawberry.input(description="An option as it is to be; the list holds all that are to stay.")
class ProductOptionInput:
    name: str
    option_id: strawberry.ID | None = strawberry.field(
        default=None, description="The option it is now; none makes a new one."
    )
    value: str | None = strawberry.field(
        default=None, description="What the present variants have of a new option."
    )


@strawberry.input(description="What to change of a product; what is left out stays.")
class ProductUpdateInput(ProductVersionInput):
    handle: str | None = strawberry.UNSET
    title: str | None = strawberry.UNSET
    description_html: str | None = strawberry.UNSET
    vendor: str | None = strawberry.UNSET
    product_type: str | None = strawberry.UNSET
    tags: list[str] | None = strawberry.UNSET
    is_published: bool | None = strawberry.UNSET
    seo_title: str | None = strawberry.UNSET
    seo_description: str | None = strawberry.UNSET
    options: list[ProductOptionInput] | None = strawberry.field(
        default=None, description="All options that are to be, in their order."
    )


@strawberry.input(description="A product to delete.")
class ProductDeleteInput(ProductVersionInput):
    """Which one is enough."""


@strawberry.input(description="One change for many products of a shop: all of them or none.")
class ProductsUpdateInput:
    shop_id: strawberry.ID
    products: list[ProductVersionInput] = strawberry.field(description="At most 100.")
    is_published: bool | None = None
    add_tags: list[str] = strawberry.field(default_factory=list)
    remove_tags: list[str] = strawberry.field(default_factory=list)


@strawberry.input(description="A variant to add.")
class VariantCreateInput(ProductVersionInput, ProductVariantInput):
    media_id: strawberry.ID | None = strawberry.field(
        default=None, description="The product's picture that shows it."
    )


@strawberry.input(description="What to change of a variant; what is left out stays.")
class VariantUpdateInput:
    variant_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    price_minor: SafeInt | None = strawberry.field(
        default=strawberry.UNSET, description="In minor units of the shop's currency."
    )
    option_values: list[str] | None = strawberry.UNSET
    sku: str | None = strawberry.UNSET
    compare_at_minor: SafeInt | None = strawberry.field(
        default=strawberry.UNSET, description="A former price, in minor units; null: none."
    )
    barcode: str | None = strawberry.UNSET
    weight_grams: int | None = strawberry.UNSET
    weight_unit: str | None = strawberry.UNSET
    is_shippable: bool | None = strawberry.UNSET
    is_taxable: bool | None = strawberry.UNSET
    stock_on_hand: int | None = strawberry.UNSET
    media_id: strawberry.ID | None = strawberry.UNSET


@strawberry.input(description="A variant to delete.")
class VariantDeleteInput:
    variant_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)


@strawberry.input(description="A price to set; what is left out stays.")
class VariantPriceInput:
    variant_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    price_minor: SafeInt | None = strawberry.field(
        default=strawberry.UNSET, description="In minor units of the shop's currency."
    )
    compare_at_minor: SafeInt | None = strawberry.field(
        default=strawberry.UNSET, description="A former price, in minor units; null: none."
    )


@strawberry.input(description="Prices of many variants of a shop: all of them or none.")
class VariantPricesSetInput:
    shop_id: strawberry.ID
    prices: list[VariantPriceInput] = strawberry.field(description="At most 100.")


@strawberry.input(description="Pictures to show behind the others.")
class ProductMediaAddInput(ProductVersionInput):
    media: list[ProductMediaInput]


@strawberry.input(description="What a picture shows.")
class ProductMediaUpdateInput:
    media_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    alt: str


@strawberry.input(description="Pictures in their new order; those not named follow as they are.")
class ProductMediaReorderInput(ProductVersionInput):
    media_ids: list[strawberry.ID]


@strawberry.input(description="Pictures to show no longer.")
class ProductMediaRemoveInput(ProductVersionInput):
    media_ids: list[strawberry.ID]


@strawberry.input(description="A value of an option in another language.")
class OptionValueTranslationInput:
    value: str = strawberry.field(description="As the catalogue has it.")
    text: str = strawberry.field(description="An empty one removes the translation.")


@strawberry.input(description="An option's texts in another language.")
class ProductOptionTranslationInput:
    option_id: strawberry.ID
    name: str = ""
    values: list[OptionValueTranslationInput] = strawberry.field(default_factory=list)


@strawberry.input(description="Texts in one language; an empty one removes its translation.")
class ProductTranslationSetInput(ProductVersionInput):
    locale: str
    title: str | None = strawberry.UNSET
    description_html: str | None = strawberry.UNSET
    seo_title: str | None = strawberry.UNSET
    seo_description: str | None = strawberry.UNSET
    options: list[ProductOptionTranslationInput] = strawberry.field(default_factory=list)


@strawberry.input(description="A language to forget.")
class ProductTranslationRemoveInput(ProductVersionInput):
    locale: str
