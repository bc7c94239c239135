"""Products as their merchant makes and deletes them."""

from typing import Any

import asyncpg
import pytest

from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.admin.products import CUP, ask, make_product
from tests.graphql.endpoint import Api
from tests.support.shop import open_sale
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("clock")


async def test_a_product_is_made_whole(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)

    variants = [dict(variant) for variant in product["variants"]]
    assert [(v["sku"], v["optionValues"], v["price"], v["stockOnHand"]) for v in variants] == [
        ("CUP-S", ["S"], {"minor": 2_000, "currency": "CNY"}, None),
        ("CUP-L", ["L"], {"minor": 3_000, "currency": "CNY"}, 4),
    ]
    assert (product["handle"], product["version"], product["isPublished"]) == ("cup", 1, True)
    assert product["descriptionHtml"] == "<p>Blue</p>"
    assert [(o["name"], o["values"]) for o in product["options"]] == [("Size", ["S", "L"])]
    assert [(m["url"], m["alt"]) for m in product["media"]] == [
        ("https://example.com/1.jpg", "Front")
    ]
    assert product["tags"] == ["winter", "cups"]
    # And the log knows of it.
    entry = await database_admin.fetchrow("SELECT * FROM audit_entry WHERE action LIKE 'product.%'")
    assert entry is not None
    assert (entry["action"], entry["subject_label"], entry["owner_id"]) == (
        "product.create", "cup", shop.id,
    )  # fmt: skip


async def test_making_a_product_again_is_told_so(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    await make_product(api, token, shop)
    before = await stored_rows(database_admin)

    again = await ask(api, token, "productCreate", shopId=seal("Shop", shop.id), **CUP)

    (error,) = again["userErrors"]
    assert (error["code"], error["field"], again["product"]) == (
        "PRODUCT_HANDLE_TAKEN", ["handle"], None,
    )  # fmt: skip
    assert error["message"] == "Another product of the shop has the address cup."
    assert await stored_rows(database_admin) == before


WRONG: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"title": "  "}, "INVALID_INPUT", ["title"]),
    ({"title": "!!!"}, "INVALID_INPUT", ["handle"]),
    ({"title": "x" * 256}, "INVALID_INPUT", ["title"]),
    ({"title": "a\0b"}, "INVALID_INPUT", ["title"]),
    ({"handle": "a/b"}, "INVALID_INPUT", ["handle"]),
    ({"tags": ["a,b"]}, "INVALID_INPUT", ["tags"]),
    ({"tags": [""]}, "INVALID_INPUT", ["tags", "0"]),
    ({"tags": [str(n) for n in range(251)]}, "INVALID_INPUT", ["tags"]),
    ({"options": ["a", "b", "c", "d"]}, "INVALID_INPUT", ["options"]),
    ({"options": ["Size", " Size "]}, "INVALID_INPUT", ["options", "1", "name"]),
    ({"variants": []}, "INVALID_INPUT", ["variants"]),
    ({"variants": [{"priceMinor": 1}]}, "INVALID_INPUT", ["variants", "0", "optionValues"]),
    (
        {"variants": [{"priceMinor": -1, "optionValues": ["S"]}]},
        "INVALID_INPUT",
        ["variants", "0", "priceMinor"],
    ),
    (
        {"variants": [{"priceMinor": 1, "optionValues": [" "]}]},
        "INVALID_INPUT",
        ["variants", "0", "optionValues", "0"],
    ),
    (
        {"variants": [{"priceMinor": 1, "optionValues": ["S"], "weightUnit": "stone"}]},
        "INVALID_INPUT",
        ["variants", "0", "weightUnit"],
    ),
    (
        {"variants": [{"priceMinor": 1, "optionValues": ["S"], "weightGrams": -1}]},
        "INVALID_INPUT",
        ["variants", "0", "weightGrams"],
    ),
    (
        {"variants": [{"priceMinor": 1, "optionValues": ["S"]}] * 2},
        "VARIANT_EXISTS",
        ["variants", "1", "optionValues"],
    ),
    (
        {"variants": [{"priceMinor": 1, "optionValues": [v], "sku": "X"} for v in "SL"]},
        "SKU_TAKEN",
        ["variants", "1", "sku"],
    ),
    ({"media": [{"url": "javascript:alert(1)"}]}, "INVALID_INPUT", ["media", "0", "url"]),
    ({"media": [{"url": "http://[x"}]}, "INVALID_INPUT", ["media", "0", "url"]),
    ({"media": [{"url": "https://e.com/a b"}]}, "INVALID_INPUT", ["media", "0", "url"]),
    (
        {"media": [{"url": "https://e.com/" + "月" * 700}]},
        "INVALID_INPUT",
        ["media", "0", "url"],
    ),
    (
        {"media": [{"url": "https://e.com/1", "alt": "x" * 513}]},
        "INVALID_INPUT",
        ["media", "0", "alt"],
    ),
    (
        {"media": [{"url": "https://e.com/1"}] * 2},
        "PRODUCT_MEDIA_EXISTS",
        ["media", "1", "url"],
    ),
]


async def test_what_cannot_be_made_names_its_field_and_changes_nothing(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    await make_product(api, token, shop, handle="other")
    before = await stored_rows(database_admin)

    for change, code, field in WRONG:
        made = await ask(
            api, token, "productCreate", shopId=seal("Shop", shop.id), **{**CUP, **change}
        )
        (error,) = made["userErrors"]
        assert (error["code"], error["field"]) == (code, field), change
    assert await stored_rows(database_admin) == before


async def test_a_product_is_deleted_and_what_was_is_in_the_log(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)

    gone = await ask(api, token, "productDelete", productId=product["id"], version=1)

    assert gone == {"deletedId": product["id"], "userErrors": []}
    for table in ("product", "product_option", "product_variant", "product_media"):
        assert await database_admin.fetchval(f"SELECT count(*) FROM {table}") == 0
    before = await database_admin.fetchval(
        "SELECT before FROM audit_entry WHERE action = 'product.delete'"
    )
    assert '"CUP-S"' in before
    # Repeated, it is as if it had never been.
    again = await ask(api, token, "productDelete", productId=product["id"], version=1)
    assert [error["code"] for error in again["userErrors"]] == ["PRODUCT_NOT_FOUND"]


async def test_what_a_campaign_has_is_not_deleted(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    await open_sale(shop=shop, has_variants=True, skus=("CUP-S",))
    small, large = (variant["id"] for variant in product["variants"])
    before = await stored_rows(database_admin)

    whole = await ask(
        api, token, "productDelete", language="zh-CN", productId=product["id"], version=1
    )
    part = await ask(api, token, "variantDelete", variantId=small, version=1)

    assert [(e["code"], e["message"]) for e in whole["userErrors"]] == [
        ("PRODUCT_IN_USE", "Cup 正在或曾经参加预售活动，不能删除，可将其下架。")
    ]
    assert [error["code"] for error in part["userErrors"]] == ["VARIANT_IN_USE"]
    assert await stored_rows(database_admin) == before
    # The other variant is nobody's, and then the last one.
    free = await ask(api, token, "variantDelete", variantId=large, version=1)
    assert free["userErrors"] == []
    last = await ask(api, token, "variantDelete", variantId=small, version=2)
    assert [error["code"] for error in last["userErrors"]] == ["LAST_VARIANT"]
