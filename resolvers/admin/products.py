"""A merchant's products: lists, one with all that belongs to it, and what can be done with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from headless_presale.catalog import (
    CreateProduct,
    ListedProduct,
    OptionChange,
    Position,
    Product,
    ProductFilter,
    ProductSort,
    UpdateProduct,
    UpdateProducts,
    count_filtered,
    create_product,
    delete_product,
    is_handle,
    list_filtered,
    update_product,
    update_products,
)
from headless_presale.kernel.texts import is_storable
from headless_presale.shops import Shop
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.admin.product_pictures import PictureWish, read_pictures
from resolvers.context import RequestContext
from resolvers.errors import Answer, ArgumentInvalid, reads
from resolvers.global_ids import read_argument_id, read_input_id
from resolvers.paging import (
    CursorCodec,
    Page,
    PageRequest,
    keyed_cursors,
    paginate,
    read_iso_moment,
)

LONGEST_CURSOR = 2_000
"""A title of 255 letters of four bytes each, in base64."""

Fields = Mapping[str, Any]
"""Fields as an input gave them; what it did not give is not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuestion:
    """Which products are wanted, in which order; what is None does not matter."""

    is_published: bool | None = None
    tag: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    search: str | None = None
    sort: ProductSort = ProductSort.CREATED_AT
    is_descending: bool = True

    def filter(self, shop_id: UUID) -> ProductFilter:
        """Return it as the catalogue takes it."""
        return ProductFilter(
            shop_id=shop_id,
            is_published=self.is_published,
            tag=self.tag,
            vendor=self.vendor,
            product_type=self.product_type,
            search=self.search or "",
        )


def _write_id(position: Position) -> str:
    return f"/{position[1]}"


def _read_id(text: str) -> Position:
    product_id = UUID(text.rpartition("/")[2])
    return product_id, product_id


def _read_title(text: str) -> str:
    if not is_storable(text):
        raise ValueError("not a title")
    return text


CURSORS: Mapping[ProductSort, CursorCodec[Position]] = {
    # Ids are in the order of making: the id is the key as well.
    ProductSort.CREATED_AT: CursorCodec(f"products-{ProductSort.CREATED_AT}", _write_id, _read_id),
    ProductSort.UPDATED_AT: keyed_cursors(
        f"products-{ProductSort.UPDATED_AT}", read_iso_moment, datetime.isoformat
    ),
    ProductSort.TITLE: keyed_cursors(
        f"products-{ProductSort.TITLE}", _read_title, longest=LONGEST_CURSOR
    ),
}
"""By what a list is sorted by; they are good in both directions."""


@reads
async def page_of_products(
    shop: Shop, question: ProductQuestion, request: PageRequest
) -> Page[ListedProduct]:
    """Return products of a shop that the caller may touch.

    Raises:
        ArgumentInvalid: a page size out of range, or a cursor of something else.
    """
    wanted = question.filter(shop.id)

    return await paginate(
        request,
        partial(list_filtered, wanted, sort=question.sort, is_descending=question.is_descending),
        key=lambda listed: listed.position,
        cursors=CURSORS[question.sort],
        count=lambda: count_filtered(wanted),
    )


@reads
async def find_product(shop: Shop, *, product_id: str | None, handle: str | None) -> Product | None:
    """Return a product of a shop by its id or its handle; None if the shop has none.

    Raises:
        ArgumentInvalid: neither or both were given, or an id of something else.
    """
    rows = Product.filter(shop_id=shop.id)
    if product_id is not None and handle is None:
        return await rows.filter(id=read_argument_id(product_id, "Product")).first()
    if handle is not None and product_id is None:
        return await rows.filter(handle=handle).first() if is_handle(handle) else None
    raise ArgumentInvalid("Give 'id' or 'handle'.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWish:
    """An option as an input names it."""

    name: str
    option_id: str | None = None
    value: str | None = None


def product_id_of(text: str, field: tuple[str, ...] = ("productId",)) -> UUID:
    """Return the product that an input names.

    Raises:
        InvalidInput: not the id of a product.
    """
    return read_input_id(text, "Product", field)


async def create(
    context: RequestContext,
    *,
    shop_id: str,
    fields: Fields,
    options: Sequence[str],
    variants: Sequence[Fields],
    media: Sequence[PictureWish],
) -> Answer[Product]:
    """Make a product with its variants."""

    async def run() -> Product:
        command = CreateProduct(
            shop_id=read_shop_id(context, shop_id),
            fields=fields,
            options=options,
            variants=variants,
            media=await read_pictures(context, media),
        )
        return await create_product(command)

    return await told(context, run)


async def update(
    context: RequestContext,
    *,
    product_id: str,
    version: int,
    changes: Fields,
    options: Sequence[OptionWish] | None,
) -> Answer[Product]:
    """Change a product's own fields and its options."""

    async def run() -> Product:
        command = UpdateProduct(
            shop_ids=context.principal.shop_ids,
            product_id=product_id_of(product_id),
            version=version,
            changes=changes,
            options=None if options is None else [*map(_option, range(len(options)), options)],
        )
        return await update_product(command)

    return await told(context, run)


def _option(number: int, wish: OptionWish) -> OptionChange:
    option_id = None
    if wish.option_id is not None:
        at = ("options", str(number), "optionId")
        option_id = read_input_id(wish.option_id, "ProductOption", at)
    return OptionChange(name=wish.name, value=wish.value, option_id=option_id)


async def delete(context: RequestContext, *, product_id: str, version: int) -> Answer[bool]:
    """Delete a product that no campaign has."""

    async def run() -> bool:
        shop_ids = context.principal.shop_ids
        await delete_product(shop_ids, product_id_of(product_id), version=version)
        return True

    return await told(context, run)


async def update_many(
    context: RequestContext,
    *,
    shop_id: str,
    products: Sequence[tuple[str, int]],
    is_published: bool | None,
    add_tags: Sequence[str],
    remove_tags: Sequence[str],
) -> Answer[list[Product]]:
    """Publish, hide or tag many products of a shop."""

    async def run() -> list[Product]:
        command = UpdateProducts(
            shop_id=read_shop_id(context, shop_id),
            products=[
                (product_id_of(text, ("products", str(number), "productId")), version)
                for number, (text, version) in enumerate(products)
            ],
            is_published=is_published,
            add_tags=add_tags,
            remove_tags=remove_tags,
        )
        return await update_products(command)

    return await told(context, run)
