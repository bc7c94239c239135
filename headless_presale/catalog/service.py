"""What one can read of the catalogue."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from headless_presale.catalog.errors import ProductNotFound
from headless_presale.catalog.inputs import TEXT_READERS
from headless_presale.catalog.models import (
    Product,
    ProductMedia,
    ProductOption,
    ProductVariant,
)
from headless_presale.catalog.rules import (
    MAX_TEXT_LENGTH,
    OPTION_VALUE_PREFIX,
    is_handle,
)
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.locales import pick

Child = TypeVar("Child", ProductVariant, ProductOption, ProductMedia)

MAX_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedProduct:
    """A product's texts in the best language there is, each chosen on its own."""

    title: str
    description_html: str
    seo_title: str
    seo_description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedOption:
    """An option's name, and its values' texts; a value without one is its own text."""

    name: str
    values: Mapping[str, str]

    def value(self, value: str) -> str:
        """Return how an option value is called."""
        return self.values.get(value, value)


async def get_product(shop_id: UUID, handle: str, *, is_published_only: bool = True) -> Product:
    """Return the product at an address of a shop.

    Raises:
        ProductNotFound: there is none, or it is not published and only published ones count.
    """
    product = None
    if is_handle(handle):
        product = await Product.get_or_none(shop_id=shop_id, handle=handle)
    if product is None or (is_published_only and not product.is_published):
        raise ProductNotFound(product=handle[:MAX_TEXT_LENGTH])
    return product


async def list_products(
    shop_id: UUID,
    *,
    first: int | None = None,
    after_id: UUID | None = None,
    last: int | None = None,
    before_id: UUID | None = None,
    is_published_only: bool = True,
) -> list[Product]:
    """Return a page of a shop's products, oldest first, whichever end it is taken from.

    ``first`` takes from the start, or from behind ``after_id``; ``last`` from the end, or from
    before ``before_id``. Both cursors together bound the page on both sides. An id that no
    product has bounds it as well: deleting the row a cursor names does not lose the place.

    Raises:
        InvalidInput: not exactly one of ``first`` and ``last``, or not within 1..101. One more
            than ``MAX_PAGE_SIZE``, so that a caller can see whether there is a next page.
    """
    if (first is None) == (last is None):
        raise InvalidInput(reason="a page needs exactly one of first and last")
    size, name = (first, "first") if first is not None else (last, "last")
    if size is None or not 1 <= size <= MAX_PAGE_SIZE + 1:
        raise InvalidInput(
            field=(name,),
            reason="{name} must be within 1 and {most}",
            name=name,
            most=MAX_PAGE_SIZE,
        )
    query = Product.filter(shop_id=shop_id)
    if is_published_only:
        query = query.filter(is_published=True)
    if after_id is not None:
        query = query.filter(id__gt=after_id)
    if before_id is not None:
        query = query.filter(id__lt=before_id)
    if first is not None:
        return await query.order_by("id").limit(size)
    return list(reversed(await query.order_by("-id").limit(size)))


async def count_products(shop_id: UUID, *, is_published_only: bool = True) -> int:
    """Return how many products a shop has."""
    query = Product.filter(shop_id=shop_id)
    return await (query.filter(is_published=True) if is_published_only else query).count()


async def find_products(product_ids: Collection[UUID]) -> dict[UUID, Product]:
    """Return those of the products that exist, by id."""
    return {product.id: product for product in await Product.filter(id__in=list(product_ids))}


async def find_variants(variant_ids: Collection[UUID]) -> dict[UUID, ProductVariant]:
    """Return those of the variants that exist, by id, each with its ``product`` loaded."""
    found = await ProductVariant.filter(id__in=list(variant_ids)).select_related("product")
    return {variant.id: variant for variant in found}


async def list_variants(product_ids: Collection[UUID]) -> dict[UUID, list[ProductVariant]]:
    """Return the variants of products, in order; a product without any has an empty list."""
    rows = ProductVariant.filter(product_id__in=list(product_ids)).order_by("position", "id")
    return _by_product(product_ids, await rows)


async def list_options(product_ids: Collection[UUID]) -> dict[UUID, list[ProductOption]]:
    """Return the options of products, in order; a product without any has an empty list."""
    rows = ProductOption.filter(product_id__in=list(product_ids)).order_by("position")
    return _by_product(product_ids, await rows)


async def list_media(product_ids: Collection[UUID]) -> dict[UUID, list[ProductMedia]]:
    """Return the pictures of products, in order; a product without any has an empty list."""
    rows = ProductMedia.filter(product_id__in=list(product_ids)).order_by("position", "id")
    return _by_product(product_ids, await rows.select_related("asset"))


def _by_product(product_ids: Collection[UUID], rows: Sequence[Child]) -> dict[UUID, list[Child]]:
    grouped: dict[UUID, list[Child]] = {product_id: [] for product_id in product_ids}
    for row in rows:
        grouped[row.product_id].append(row)
    return grouped


def localized(product: Product, locale: str, *, default_locale: str) -> LocalizedProduct:
    """Return a product's texts for ``locale``: ``zh-CN``, else ``zh``, else as written.

    Args:
        default_locale: the shop's: the language the product's own texts are written in.
    """
    texts = {name: str(getattr(product, name)) for name in TEXT_READERS}
    return LocalizedProduct(
        **pick(product.translations, locale, texts, fallback_locale=default_locale)
    )


def localized_option(
    option: ProductOption, values: Collection[str], locale: str, *, default_locale: str
) -> LocalizedOption:
    """Return an option's name and the texts of ``values`` for ``locale``."""
    own = {"name": option.name} | {OPTION_VALUE_PREFIX + value: value for value in values}
    texts = pick(option.translations, locale, own, fallback_locale=default_locale)
    return LocalizedOption(
        name=texts.pop("name"),
        values={key.removeprefix(OPTION_VALUE_PREFIX): text for key, text in texts.items()},
    )
