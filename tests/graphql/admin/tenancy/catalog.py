"""The catalogue of a house, and what its mutations and arguments are asked with."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from headless_presale.catalog import (
    CreateProduct,
    NewMedia,
    StartImport,
    create_product,
    start_import,
)
from headless_presale.catalog.models import ProductMedia, ProductOption, ProductVariant
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.support.product_files import put_file

if TYPE_CHECKING:
    from tests.graphql.admin.tenancy.world import House

Example = Callable[["House"], dict[str, Any]]


async def furnish(shop: Shop, mark: str) -> dict[str, str]:
    """Give a house a product of two variants and two pictures; return what its parts are called."""
    product = await create_product(
        CreateProduct(
            shop_id=shop.id,
            fields={"title": f"Cup of {mark}", "handle": "cup", "tags": [f"tag of {mark}"]},
            options=[f"Size of {mark}"],
            variants=[
                {"price_minor": 2_000, "option_values": ["S"], "sku": f"{mark}-S"},
                {"price_minor": 3_000, "option_values": ["L"], "sku": f"{mark}-L"},
            ],
            media=[
                NewMedia(url=f"https://{mark}.example.com/1.jpg", alt=f"Front of {mark}"),
                NewMedia(url=f"https://{mark}.example.com/2.jpg"),
            ],
        )
    )
    file = await put_file(shop.id, f"Handle,Title of {mark}\n", name=f"{mark}.csv")
    started = await start_import(
        StartImport(shop_id=shop.id, file_id=file.id, requested_by=f"owner of {mark}")
    )
    first, _ = await ProductVariant.filter(product_id=product.id).order_by("position")
    front, _ = await ProductMedia.filter(product_id=product.id).order_by("position")
    option = await ProductOption.get(product_id=product.id)
    return {
        "product": seal("Product", product.id),
        "product variant": seal("ProductVariant", first.id),
        "product media": seal("ProductMedia", front.id),
        "product option": seal("ProductOption", option.id),
        "product file": seal("ProductFile", file.id),
        "product import": seal("ProductImport", started.id),
    }


def _of_product(house: "House", **more: Any) -> dict[str, Any]:
    return {"productId": house.ids["product"], "version": 1, **more}


def _of_variant(house: "House", **more: Any) -> dict[str, Any]:
    return {"variantId": house.ids["product variant"], "version": 1, **more}


MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "productCreate": (
        lambda house: {
            "shopId": house.ids["shop"],
            "title": "Pen",
            "variants": [{"priceMinor": 100}],
            "media": [{"assetId": house.ids["media asset"]}],
        },
    ),
    "productUpdate": (
        lambda house: _of_product(
            house,
            title="Mug",
            options=[{"optionId": house.ids["product option"], "name": "Volume"}],
        ),
    ),
    "productDelete": (_of_product,),
    "productsUpdate": (
        lambda house: {
            "shopId": house.ids["shop"],
            "products": [_of_product(house)],
            "isPublished": False,
            "addTags": ["winter"],
        },
    ),
    "variantCreate": (
        lambda house: _of_product(
            house, priceMinor=100, optionValues=["XL"], mediaId=house.ids["product media"]
        ),
    ),
    "variantUpdate": (
        lambda house: _of_variant(house, priceMinor=1, mediaId=house.ids["product media"]),
    ),
    "variantDelete": (_of_variant,),
    "variantPricesSet": (
        lambda house: {
            "shopId": house.ids["shop"],
            "prices": [_of_variant(house, priceMinor=1)],
        },
    ),
    "productMediaAdd": (
        lambda house: _of_product(house, media=[{"assetId": house.ids["media asset"]}]),
    ),
    "productMediaUpdate": (
        lambda house: {"mediaId": house.ids["product media"], "version": 1, "alt": "Back"},
    ),
    "productMediaReorder": (
        lambda house: _of_product(house, mediaIds=[house.ids["product media"]]),
    ),
    "productMediaRemove": (
        lambda house: _of_product(house, mediaIds=[house.ids["product media"]]),
    ),
    "productTranslationSet": (
        lambda house: _of_product(
            house,
            locale="zh-CN",
            title="杯子",
            options=[{"optionId": house.ids["product option"], "name": "尺寸"}],
        ),
    ),
    # The same as the open one: that is answered.
    "productImportStart": (
        lambda house: {"shopId": house.ids["shop"], "fileId": house.ids["product file"]},
    ),
    "productImportCancel": (lambda house: {"importId": house.ids["product import"]},),
    "productTranslationRemove": (lambda house: _of_product(house, locale="zh-CN"),),
}

ARGUMENTS: Mapping[str, Callable[["House"], Any]] = {
    "AdminShop.product(id)": lambda house: house.ids["product"],
    "AdminShop.productImport(id)": lambda house: house.ids["product import"],
    # A whole product is dear: twenty with everything are more than a document may cost.
    "AdminShop.products(first)": lambda house: 2,
}
