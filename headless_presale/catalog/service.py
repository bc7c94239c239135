"""What one can read of the catalogue, and how its texts get into other languages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import orjson

from headless_presale.catalog.errors import ProductNotFound
from headless_presale.catalog.events import ProductsChanged
from headless_presale.catalog.models import (
    Product,
    ProductMedia,
    ProductOption,
    ProductVariant,
)
from headless_presale.catalog.rules import (
    MAX_DESCRIPTION_LENGTH,
    MAX_TEXT_LENGTH,
    OPTION_VALUE_PREFIX,
    is_handle,
    is_storable_text,
    sanitise_html,
)
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.locales import canonical_locale, is_locale, pick
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

Child = TypeVar("Child", ProductVariant, ProductOption, ProductMedia)

MAX_PAGE_SIZE = 100

TEXT_LENGTHS: Mapping[str, int] = {
    "title": MAX_TEXT_LENGTH,
    "description_html": MAX_DESCRIPTION_LENGTH,
    "seo_title": MAX_TEXT_LENGTH,
    "seo_description": MAX_DESCRIPTION_LENGTH,
}
"""The texts of a product that can be translated, with their greatest length in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTranslation:
    """An option's name, and its values by what they are called in the catalogue."""

    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTranslation:
    """A product's texts in one language.

    Attributes:
        texts: any of ``title``, ``description_html``, ``seo_title``, ``seo_description``. An empty
            text removes the translation; one that is not named keeps it.
        options: by the option's name in the catalogue.
    """

    shop_id: UUID
    handle: str
    locale: str
    texts: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, OptionTranslation] = field(default_factory=dict)


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


@shielded
async def set_translation(command: SetTranslation) -> None:
    """Store a product's texts in one language. Safe to repeat: the same texts write nothing.

    Raises:
        ProductNotFound: the shop has no such product.
        InvalidInput: a language, text or option that is not one; ``field`` names it.
    """
    locale = _read_locale(command.locale)
    texts = {name: _read_text(name, text) for name, text in command.texts.items()}
    async with unit_of_work() as work:
        product = await work.fetchrow(
            "SELECT id, translations FROM product WHERE shop_id = $1 AND handle = $2 FOR UPDATE",
            command.shop_id,
            command.handle if is_handle(command.handle) else "",
        )
        if product is None:
            raise ProductNotFound(field=("handle",), product=command.handle[:MAX_TEXT_LENGTH])
        changes = 0
        if (merged := _merged(orjson.loads(product["translations"]), locale, texts)) is not None:
            changes += await work.execute(
                "UPDATE product SET translations = $2, updated_at = $3 WHERE id = $1",
                product["id"],
                to_jsonb(merged),
                clock.now(),
            )
        options = await work.fetch(
            "SELECT id, name, translations FROM product_option WHERE product_id = $1",
            product["id"],
        )
        if unknown := command.options.keys() - {option["name"] for option in options}:
            name = min(unknown)
            raise InvalidInput(
                field=("options", name), reason=f"the product has no option called {name[:40]!r}"
            )
        for option in options:
            wanted = _option_texts(option["name"], command.options.get(option["name"]))
            merged = _merged(orjson.loads(option["translations"]), locale, wanted)
            if merged is not None:
                changes += await work.execute(
                    "UPDATE product_option SET translations = $2 WHERE id = $1",
                    option["id"],
                    to_jsonb(merged),
                )
        if changes:
            work.emit(ProductsChanged(shop_id=command.shop_id, product_ids=(product["id"],)))


def _read_locale(tag: str) -> str:
    if not is_locale(tag):
        raise InvalidInput(field=("locale",), reason=f"{tag[:40]!r} is not a language")
    return canonical_locale(tag)


def _read_text(name: str, text: str) -> str:
    at = ("texts", name)
    if name not in TEXT_LENGTHS:
        raise InvalidInput(field=at, reason=f"a product has no text called {name[:40]!r}")
    text = _checked(text, at, TEXT_LENGTHS[name])
    return sanitise_html(text) if name == "description_html" else text


def _checked(text: str, at: tuple[str, ...], max_length: int) -> str:
    text = text.strip()
    if len(text) > max_length:
        raise InvalidInput(
            field=at, reason=f"{len(text)} characters where at most {max_length} are allowed"
        )
    if not is_storable_text(text):
        raise InvalidInput(field=at, reason="the text holds a character that cannot be stored")
    return text


def _option_texts(name: str, translation: OptionTranslation | None) -> dict[str, str]:
    if translation is None:
        return {}
    at = ("options", name)
    texts = {
        OPTION_VALUE_PREFIX + _checked(value, (*at, value), MAX_TEXT_LENGTH): _checked(
            text, (*at, value), MAX_TEXT_LENGTH
        )
        for value, text in translation.values.items()
    }
    if translation.name:
        texts["name"] = _checked(translation.name, at, MAX_TEXT_LENGTH)
    return texts


def _merged(
    translations: dict[str, dict[str, str]], locale: str, texts: Mapping[str, str]
) -> dict[str, dict[str, str]] | None:
    """Return the translations with these texts in, or None when that changes nothing."""
    before = translations.get(locale, {})
    after = {name: text for name, text in {**before, **texts}.items() if text}
    if after == before:
        return None
    others = {tag: kept for tag, kept in translations.items() if tag != locale}
    return {**others, locale: after} if after else others


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
        raise InvalidInput(field=(name,), reason=f"{name} must be within 1 and {MAX_PAGE_SIZE}")
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
    return _by_product(product_ids, await rows)


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
    texts = {name: str(getattr(product, name)) for name in TEXT_LENGTHS}
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
