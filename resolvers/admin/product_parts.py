"""What belongs to a product: variants and their prices, pictures, texts in other languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.catalog import (
    CreateVariant,
    OptionTranslation,
    Product,
    ProductVariant,
    TranslateProduct,
    UpdateVariant,
    VariantPrice,
    add_media,
    create_variant,
    delete_variant,
    remove_media,
    remove_translation,
    reorder_media,
    set_prices,
    translate_product,
    update_media,
    update_variant,
)
from headless_presale.kernel.errors import InvalidInput
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.admin.product_pictures import PictureWish, read_pictures
from resolvers.admin.products import Fields, product_id_of
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.global_ids import read_input_id

ProductAndVariant = tuple[Product, ProductVariant]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWish:
    """A price as an input names it."""

    variant_id: str
    version: int
    changes: Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTexts:
    """An option's texts in one language, as an input names them."""

    option_id: str
    name: str
    values: Mapping[str, str]


def _variant_id(text: str, field: tuple[str, ...] = ("variantId",)) -> UUID:
    return read_input_id(text, "ProductVariant", field)


def _media_ids(texts: Sequence[str]) -> list[UUID]:
    return [
        read_input_id(text, "ProductMedia", ("mediaIds", str(number)))
        for number, text in enumerate(texts)
    ]


def _with_media(fields: Fields) -> Fields:
    """Return a variant's fields with the id of its picture read."""
    if fields.get("media_id") is None:
        return fields
    uuid = read_input_id(fields["media_id"], "ProductMedia", ("mediaId",))
    return {**fields, "media_id": uuid}


async def create_one(
    context: RequestContext, *, product_id: str, version: int, fields: Fields
) -> Answer[ProductAndVariant]:
    """Add a variant."""

    async def run() -> ProductAndVariant:
        command = CreateVariant(
            shop_ids=context.principal.shop_ids,
            product_id=product_id_of(product_id),
            version=version,
            fields=_with_media(fields),
        )
        return await create_variant(command)

    return await told(context, run)


async def update_one(
    context: RequestContext, *, variant_id: str, version: int, changes: Fields
) -> Answer[ProductAndVariant]:
    """Change a variant."""

    async def run() -> ProductAndVariant:
        command = UpdateVariant(
            shop_ids=context.principal.shop_ids,
            variant_id=_variant_id(variant_id),
            version=version,
            changes=_with_media(changes),
        )
        return await update_variant(command)

    return await told(context, run)


async def delete_one(context: RequestContext, *, variant_id: str, version: int) -> Answer[Product]:
    """Delete a variant that no campaign has."""

    async def run() -> Product:
        shop_ids = context.principal.shop_ids
        return await delete_variant(shop_ids, _variant_id(variant_id), version=version)

    return await told(context, run)


async def set_all_prices(
    context: RequestContext, *, shop_id: str, prices: Sequence[PriceWish]
) -> Answer[list[Product]]:
    """Set prices of many variants of a shop."""

    async def run() -> list[Product]:
        own = read_shop_id(context, shop_id)
        wanted = [
            VariantPrice(
                variant_id=_variant_id(wish.variant_id, ("prices", str(number), "variantId")),
                version=wish.version,
                changes=wish.changes,
            )
            for number, wish in enumerate(prices)
        ]
        return await set_prices(own, wanted)

    return await told(context, run)


async def add_pictures(
    context: RequestContext, *, product_id: str, version: int, media: Sequence[PictureWish]
) -> Answer[Product]:
    """Show more pictures of a product."""

    async def run() -> Product:
        shop_ids = context.principal.shop_ids
        pictures = await read_pictures(context, media)
        return await add_media(shop_ids, product_id_of(product_id), pictures, version=version)

    return await told(context, run)


async def describe_picture(
    context: RequestContext, *, media_id: str, version: int, alt: str
) -> Answer[Product]:
    """Say what a picture shows."""

    async def run() -> Product:
        uuid = read_input_id(media_id, "ProductMedia", ("mediaId",))
        return await update_media(context.principal.shop_ids, uuid, alt=alt, version=version)

    return await told(context, run)


async def order_pictures(
    context: RequestContext, *, product_id: str, version: int, media_ids: Sequence[str]
) -> Answer[Product]:
    """Show the pictures in another order."""

    async def run() -> Product:
        return await reorder_media(
            context.principal.shop_ids,
            product_id_of(product_id),
            _media_ids(media_ids),
            version=version,
        )

    return await told(context, run)


async def remove_pictures(
    context: RequestContext, *, product_id: str, version: int, media_ids: Sequence[str]
) -> Answer[Product]:
    """Show pictures no longer."""

    async def run() -> Product:
        return await remove_media(
            context.principal.shop_ids,
            product_id_of(product_id),
            _media_ids(media_ids),
            version=version,
        )

    return await told(context, run)


async def set_texts(
    context: RequestContext,
    *,
    product_id: str,
    version: int,
    locale: str,
    texts: Mapping[str, str],
    options: Sequence[OptionTexts],
) -> Answer[Product]:
    """Store a product's texts in one language."""

    async def run() -> Product:
        wanted: dict[UUID, OptionTranslation] = {}
        for number, option in enumerate(options):
            at = ("options", str(number), "optionId")
            uuid = read_input_id(option.option_id, "ProductOption", at)
            if uuid in wanted:
                raise InvalidInput(reason="one of them is named twice", field=at)
            wanted[uuid] = OptionTranslation(name=option.name, values=option.values)
        command = TranslateProduct(
            shop_ids=context.principal.shop_ids,
            product_id=product_id_of(product_id),
            version=version,
            locale=locale,
            texts=texts,
            options=wanted,
        )
        return await translate_product(command)

    return await told(context, run)


async def remove_texts(
    context: RequestContext, *, product_id: str, version: int, locale: str
) -> Answer[Product]:
    """Forget a product's texts in one language."""

    async def run() -> Product:
        return await remove_translation(
            context.principal.shop_ids, product_id_of(product_id), locale=locale, version=version
        )

    return await told(context, run)
