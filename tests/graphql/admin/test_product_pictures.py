"""Uploaded pictures in products: attached by their asset, shown in every size."""

import asyncio
from typing import Any

import asyncpg
import pytest

from headless_presale.catalog import NewMedia, Product, ProductMedia, add_media
from headless_presale.kernel.errors import InvalidInput
from headless_presale.media import MediaAsset, MediaInUse, delete_media, media_path
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, make_variant
from tests.support.staff import Caller
from tests.support.state import stored_rows
from tests.support.uploads import make_asset

ADD = """
mutation ($input: ProductMediaAddInput!) {
  productMediaAdd(input: $input) {
    product { version media { url alt sizes { url width mime } } }
    userErrors { code message field }
  }
}
"""
CREATE = """
mutation ($input: ProductCreateInput!) {
  productCreate(input: $input) {
    product { media { url alt } }
    userErrors { code field }
  }
}
"""
STOREFRONT = """
query ($slug: String!, $handle: String!) {
  shop(slug: $slug) { product(handle: $handle) { media { url alt sizes { url width height } } } }
}
"""
BASE = "http://127.0.0.1:8000"


@pytest.fixture
async def product(shop: Shop) -> Product:
    variant = await make_variant(shop)
    return await Product.get(id=variant.product_id)


async def add(
    api: Api, caller: Caller, product: Product, *media: dict[str, Any], version: int = 1
) -> dict[str, Any]:
    wish = {"productId": seal("Product", product.id), "version": version, "media": list(media)}
    payload: dict[str, Any] = (await api.ask(ADD, bearer=caller.token, input=wish)).data[
        "productMediaAdd"
    ]
    return payload


def asset_id(asset: MediaAsset) -> str:
    return seal("MediaAsset", asset.id)


async def test_an_uploaded_picture_is_shown_in_the_admin_and_the_storefront(
    api: Api, shop: Shop, owner: Caller, product: Product
) -> None:
    asset = await make_asset(shop, alt="A fox")
    url = f"{BASE}{media_path(asset)}"

    payload = await add(
        api, owner, product, {"assetId": asset_id(asset)}, {"url": "https://cdn.example.com/1.jpg"}
    )

    assert payload["userErrors"] == []
    assert payload["product"]["media"] == [
        {
            "url": url,
            # What is said of the picture, as nothing else was.
            "alt": "A fox",
            "sizes": [{"url": url, "width": 320, "mime": "image/webp"}],
        },
        {"url": "https://cdn.example.com/1.jpg", "alt": "", "sizes": []},
    ]
    shown = await api.read(STOREFRONT, slug=shop.slug, handle=product.handle)
    assert shown.data["shop"]["product"]["media"][0] == {
        "url": url,
        "alt": "A fox",
        "sizes": [{"url": url, "width": 320, "height": 240}],
    }


async def test_a_product_is_made_with_an_uploaded_picture(
    api: Api, shop: Shop, owner: Caller
) -> None:
    asset = await make_asset(shop, alt="A fox")

    reply = await api.ask(
        CREATE,
        bearer=owner.token,
        input={
            "shopId": seal("Shop", shop.id),
            "title": "Fox",
            "variants": [{"priceMinor": 100}],
            "media": [{"assetId": asset_id(asset), "alt": ""}],
        },
    )

    assert reply.data["productCreate"] == {
        "product": {"media": [{"url": f"{BASE}{media_path(asset)}", "alt": ""}]},
        "userErrors": [],
    }
    assert await ProductMedia.filter(asset_id=asset.id).count() == 1


async def test_what_cannot_be_shown_is_told_by_its_place(
    api: Api, shop: Shop, owner: Caller, product: Product, database_admin: asyncpg.Connection
) -> None:
    asset = await make_asset(shop)
    theirs = await make_asset(await make_shop("other"))
    other = await make_shop("second")
    await Shop.filter(id=other.id).update(merchant_id=shop.merchant_id)
    elsewhere = await make_asset(other)
    before = await stored_rows(database_admin)

    refused = [
        await add(api, owner, product, {"assetId": asset_id(asset)}, wrong)
        for wrong in (
            {"assetId": asset_id(theirs)},
            {"assetId": asset_id(elsewhere)},
            {"assetId": seal("Product", product.id)},
            {"assetId": asset_id(asset), "url": "https://cdn.example.com/1.jpg"},
            {},
            {"assetId": asset_id(asset)},
        )
    ]

    assert [[(e["code"], e["field"]) for e in payload["userErrors"]] for payload in refused] == [
        [("MEDIA_NOT_FOUND", ["media", "1", "assetId"])],
        [("INVALID_INPUT", ["media", "1", "assetId"])],
        [("INVALID_INPUT", ["media", "1", "assetId"])],
        [("INVALID_INPUT", ["media", "1"])],
        [("INVALID_INPUT", ["media", "1"])],
        [("PRODUCT_MEDIA_EXISTS", ["media", "1", "url"])],
    ]
    assert await stored_rows(database_admin) == before


async def test_a_picture_is_shown_or_deleted_but_never_both(
    api: Api, shop: Shop, product: Product
) -> None:
    for number in range(6):
        asset = await make_asset(shop, mark=str(number))
        await product.refresh_from_db()
        shown = NewMedia(url=media_path(asset), asset_id=asset.id)

        added, deleted = await asyncio.gather(
            add_media([shop.id], product.id, [shown], version=product.version),
            delete_media(frozenset({shop.id}), asset.id),
            return_exceptions=True,
        )

        is_shown = await ProductMedia.filter(asset_id=asset.id).exists()
        assert await MediaAsset.filter(id=asset.id).exists() is is_shown
        if is_shown:
            assert isinstance(added, Product)
            assert isinstance(deleted, MediaInUse)
        else:
            assert isinstance(added, InvalidInput)
            assert deleted is None
