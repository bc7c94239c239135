"""A merchant's products: lists, one with all that belongs to it, and what can be done with them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
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
    list_filtered,
    update_product,
    update_products,
)
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.texts import is_storable
from headless_presale.shops import Shop
from resolvers.access import read_shop_id
from resolvers.admin.product_pictures import PictureWish, read_pictures
from resolvers.context import RequestContext
from resolvers.errors import Answer, ArgumentInvalid, answer, reads
from resolvers.global_ids import read_argument_id, read_input_id
from resolvers.paging import CursorCodec, Page, PageRequest, paginate

R = TypeVar("R")

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


def _cursors(sort: ProductSort) -> CursorCodec[Position]:
    """Return the cursors of a list that is sorted so; they are good in both directions."""

    def read(text: str) -> Position:
        # A title may have a slash in it, an id has none.
        key, _, product_id = text.rpartition("/")
        match sort:
            case ProductSort.CREATED_AT:
                return UUID(product_id), UUID(product_id)
            case ProductSort.UPDATED_AT:
                moment = datetime.fromisoformat(key)
                if moment.tzinfo is None:
                    raise ValueError("not a moment")
                return moment, UUID(product_id)
            case ProductSort.TITLE:
                if not is_storable(key):
                    raise ValueError("not a title")
                return key, UUID(product_id)

    def write(position: Position) -> str:
        key, product_id = position
        if sort is ProductSort.CREATED_AT:
            return f"/{product_id}"
        return f"{key.isoformat() if isinstance(key, datetime) else key}/{product_id}"

    return CursorCodec(f"products-{sort}", write, read, LONGEST_CURSOR)


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
        cursors=_cursors(question.sort),
        count=lambda: count_filtered(wanted),
    )


@reads
async def find_product(shop: Shop, *, product_id: str | None, handle: str | None) -> Product | None:
    """Return a product of a shop by its id or its handle; None if the shop has none.

    Raises:
        ArgumentInvalid: neither or both were given, or an id of something else.
    """
    if (product_id is None) == (handle is None):
        raise ArgumentInvalid("Give 'id' or 'handle'.")
    if product_id is not None:
        uuid = read_argument_id(product_id, "Product")
        return await Product.get_or_none(id=uuid, shop_id=shop.id)
    if handle is None or not is_storable(handle):
        return None
    return await Product.get_or_none(handle=handle, shop_id=shop.id)


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


async def told(context: RequestContext, command: Callable[[], Awaitable[R]]) -> Answer[R]:
    """Run a command as the caller; ids are read within it, so that a bad one is data as well."""
    context.begin_mutation()
    with acting_as(context.merchant_actor):
        return await answer(_called(command), context.locale)


async def _called(command: Callable[[], Awaitable[R]]) -> R:
    return await command()


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
