"""A shop's pictures as the admin lists, describes and deletes them."""

from typing import Any

import asyncpg
import pytest

from headless_presale.catalog import ProductMedia
from headless_presale.kernel.ids import new_id
from headless_presale.media import MediaAsset
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, make_variant
from tests.support.staff import Caller
from tests.support.state import stored_rows
from tests.support.statements import counted_statements
from tests.support.uploads import make_asset

LIST = """
query ($slug: String!, $first: Int, $after: String) {
  merchant { shop(slug: $slug) { media(first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id url mime width height bytes alt uses version createdAt
      translations { locale alt }
      sizes { url width height mime bytes }
    }
  } } }
}
"""
UPDATE = """
mutation ($input: MediaUpdateInput!) {
  mediaUpdate(input: $input) {
    media { alt version translations { locale alt } }
    userErrors {
      __typename code message field
      ... on VersionConflictError { currentVersion conflicts { field yours current } }
    }
  }
}
"""
DELETE = """
mutation ($input: MediaDeleteInput!) {
  mediaDelete(input: $input) { deletedId userErrors { code message field } }
}
"""


async def show(asset: MediaAsset, shop: Shop, sku: str = "FOX-1") -> None:
    """Have a product show a picture."""
    variant = await make_variant(shop, sku)
    await ProductMedia.create(
        id=new_id(), product_id=variant.product_id, url="/media/x", position=0, asset_id=asset.id
    )


async def update(api: Api, caller: Caller, asset: MediaAsset, **changes: Any) -> dict[str, Any]:
    wish = {"mediaId": seal("MediaAsset", asset.id), "version": 1, **changes}
    payload: dict[str, Any] = (await api.ask(UPDATE, bearer=caller.token, input=wish)).data[
        "mediaUpdate"
    ]
    return payload


async def test_pictures_are_listed_with_all_that_is_known_of_them(
    api: Api, shop: Shop, owner: Caller
) -> None:
    first = await make_asset(shop, mark="first", alt="A fox")
    await make_asset(shop, mark="second")
    await make_asset(await make_shop("other"), mark="third")
    await show(first, shop)

    reply = await api.ask(LIST, bearer=owner.token, slug=shop.slug)

    found = reply.data["merchant"]["shop"]["media"]
    assert found["totalCount"] == 2
    # The newest first.
    assert [node["alt"] for node in found["nodes"]] == ["", "A fox"]
    fox = found["nodes"][1]
    url = f"http://127.0.0.1:8000/media/{first.sha256}/1-320.webp"
    assert (fox["id"], fox["url"], fox["uses"]) == (seal("MediaAsset", first.id), url, 1)
    assert (fox["mime"], fox["width"], fox["height"], fox["bytes"]) == (
        "image/jpeg",
        320,
        240,
        2_000,
    )
    assert fox["sizes"] == [
        {"url": url, "width": 320, "height": 240, "mime": "image/webp", "bytes": 900}
    ]
    assert found["nodes"][0]["uses"] == 0


async def test_a_long_list_costs_as_many_statements_as_a_short_one(
    api: Api, shop: Shop, owner: Caller
) -> None:
    costs = []
    for count in (1, 19):
        for number in range(count):
            await make_asset(shop, mark=f"{count}.{number}")
        async with counted_statements() as statements:
            reply = await api.ask(LIST, bearer=owner.token, slug=shop.slug, first=20)
        assert len(reply.data["merchant"]["shop"]["media"]["nodes"]) in (1, 20)
        costs.append(len(statements))

    assert costs[0] == costs[1]


async def test_a_picture_is_described_and_a_stale_description_is_told_both(
    api: Api, shop: Shop, owner: Caller
) -> None:
    asset = await make_asset(shop)

    done = await update(
        api, owner, asset, alt="A fox", translations=[{"locale": "zh-CN", "alt": "狐狸"}]
    )
    stale = await update(api, owner, asset, alt="A wolf")

    assert done == {
        "media": {
            "alt": "A fox",
            "version": 2,
            "translations": [{"locale": "zh-CN", "alt": "狐狸"}],
        },
        "userErrors": [],
    }
    (error,) = stale["userErrors"]
    assert (error["__typename"], error["currentVersion"]) == ("VersionConflictError", 2)
    assert error["conflicts"] == [{"field": "alt", "yours": '"A wolf"', "current": '"A fox"'}]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alt": "x" * 513}, ["alt"]),
        (
            {"translations": [{"locale": "fr", "alt": "x"}, {"locale": "?", "alt": "x"}]},
            ["translations", "1", "locale"],
        ),
        ({"translations": [{"locale": "fr", "alt": "x\u0007"}]}, ["translations", "0", "alt"]),
        (
            {"translations": [{"locale": "fr", "alt": "x"}, {"locale": "FR"}]},
            ["translations", "1", "locale"],
        ),
    ],
)
async def test_a_description_that_cannot_be_is_told_by_its_place(
    api: Api,
    shop: Shop,
    owner: Caller,
    database_admin: asyncpg.Connection,
    changes: dict[str, Any],
    field: list[str],
) -> None:
    asset = await make_asset(shop)
    before = await stored_rows(database_admin)

    payload = await update(api, owner, asset, **changes)

    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [("INVALID_INPUT", field)]
    assert await stored_rows(database_admin) == before


async def test_only_what_nothing_shows_is_deleted(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    used, unused = await make_asset(shop, mark="used"), await make_asset(shop, mark="unused")
    await show(used, shop)
    before = await stored_rows(database_admin)

    async def delete(asset: MediaAsset, language: str = "en") -> dict[str, Any]:
        wish = {"mediaId": seal("MediaAsset", asset.id)}
        reply = await api.ask(DELETE, bearer=owner.token, language=language, input=wish)
        payload: dict[str, Any] = reply.data["mediaDelete"]
        return payload

    refused = await delete(used, "zh-CN")
    assert refused["userErrors"] == [
        {
            "code": "MEDIA_IN_USE",
            "message": "有 1 件商品正在使用这张图片，请先从商品中移除。",
            "field": None,
        }
    ]
    assert await stored_rows(database_admin) == before

    assert await delete(unused) == {
        "deletedId": seal("MediaAsset", unused.id),
        "userErrors": [],
    }
    again = await delete(unused)
    assert [(e["code"], e["field"]) for e in again["userErrors"]] == [
        ("MEDIA_NOT_FOUND", ["mediaId"])
    ]
