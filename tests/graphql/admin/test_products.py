"""Products as their merchant makes, changes and deletes them."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from headless_presale.catalog import Product, UpdateProduct, editing, update_product
from headless_presale.catalog.product_rows import lock_products
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import VersionConflict
from headless_presale.shops.models import Shop
from resolvers.global_ids import find_node_id, seal
from tests.graphql.admin.products import CUP, ask, make_product
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, open_sale
from tests.support.staff import sign_in
from tests.support.state import stored_rows


@pytest.fixture
async def shop(database: str, clock: ManualClock) -> Shop:
    return await make_shop()


@pytest.fixture
async def token(shop: Shop) -> str:
    return (await sign_in(shop)).token


def uuid_of(id_: str) -> UUID:
    found = find_node_id(id_)
    assert found is not None
    return found[1]


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


async def test_an_update_changes_what_it_names(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop, vendor="Kiln")

    changed = await ask(
        api, token, "productUpdate",
        productId=product["id"], version=1, title="Mug", isPublished=False, tags=["sale"],
        descriptionHtml="<script>x</script><b>Red</b>",
    )  # fmt: skip

    assert changed["userErrors"] == []
    assert changed["product"] == product | {
        "title": "Mug",
        "isPublished": False,
        "tags": ["sale"],
        "descriptionHtml": "<b>Red</b>",
        "version": 2,
    }
    entry = await database_admin.fetchrow(
        "SELECT before, after FROM audit_entry WHERE action = 'product.update'"
    )
    assert entry is not None
    assert '"title": "Cup"' in entry["before"]
    assert '"title": "Mug"' in entry["after"]
    # And what is equal already changes nothing.
    before = await stored_rows(database_admin)
    again = await ask(
        api, token, "productUpdate", productId=product["id"], version=2, title=" Mug "
    )
    assert again["product"]["version"] == 2
    assert await stored_rows(database_admin) == before


async def test_a_stale_update_is_told_both_values(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    await ask(api, token, "productUpdate", productId=product["id"], version=1, title="Mug")
    before = await stored_rows(database_admin)

    late = await ask(
        api, token, "productUpdate", productId=product["id"], version=1, title="Bowl", vendor=""
    )

    (error,) = late["userErrors"]
    assert (error["code"], error["currentVersion"]) == ("VERSION_CONFLICT", 2)
    assert error["conflicts"] == [{"field": "title", "yours": '"Bowl"', "current": '"Mug"'}]
    assert await stored_rows(database_admin) == before


async def test_a_change_of_any_part_makes_the_version_that_was_read_stale(
    api: Api, shop: Shop, token: str
) -> None:
    product = await make_product(api, token, shop)
    await ask(
        api, token, "variantUpdate",
        variantId=product["variants"][0]["id"], version=1, priceMinor=2_100,
    )  # fmt: skip

    late = await ask(
        api, token, "productMediaUpdate",
        mediaId=product["media"][0]["id"], version=1, alt="Back",
    )  # fmt: skip

    assert [error["code"] for error in late["userErrors"]] == ["VERSION_CONFLICT"]


async def _two_updates(product: Product) -> list[object]:
    async def change(title: str) -> object:
        command = UpdateProduct(
            shop_ids=[product.shop_id], product_id=product.id, version=1, changes={"title": title}
        )
        return await update_product(command)

    return list(await asyncio.gather(change("Mug"), change("Bowl"), return_exceptions=True))


async def test_of_two_updates_of_one_version_one_wins(api: Api, shop: Shop, token: str) -> None:
    made = await make_product(api, token, shop)
    product = await Product.get(id=uuid_of(made["id"]))

    results = await _two_updates(product)

    assert {type(result) for result in results} == {Product, VersionConflict}
    await product.refresh_from_db()
    assert product.version == 2


async def test_control_without_the_lock_both_updates_are_done(
    api: Api, shop: Shop, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make_product(api, token, shop)
    product = await Product.get(id=uuid_of(made["id"]))
    both_looked = asyncio.Barrier(2)

    async def look_without_lock(*args: Any) -> Any:
        monkeypatch.setattr("headless_presale.catalog.product_rows.LOCKED", "ORDER BY id")
        found = await lock_products(*args)
        await both_looked.wait()
        return found

    monkeypatch.setattr(editing, "lock_products", look_without_lock)

    results = await _two_updates(product)

    assert {type(result) for result in results} == {Product}


async def test_options_are_renamed_moved_added_and_removed(
    api: Api, shop: Shop, token: str
) -> None:
    # Given variants of two options
    product = await make_product(
        api, token, shop,
        options=["Size", "Colour"],
        variants=[
            {"priceMinor": 1, "optionValues": ["S", "Red"]},
            {"priceMinor": 2, "optionValues": ["L", "Red"]},
        ],
    )  # fmt: skip
    size, colour = (option["id"] for option in product["options"])

    # When the two change places, one gets another name, and a third comes
    moved = await ask(
        api, token, "productUpdate", productId=product["id"], version=1,
        options=[
            {"optionId": colour, "name": "Glaze"},
            {"optionId": size, "name": "Size"},
            {"name": "Lid", "value": "None"},
        ],
    )  # fmt: skip

    assert moved["userErrors"] == []
    assert [(o["id"], o["name"]) for o in moved["product"]["options"]][:2] == [
        (colour, "Glaze"),
        (size, "Size"),
    ]
    assert [v["optionValues"] for v in moved["product"]["variants"]] == [
        ["Red", "S", "None"],
        ["Red", "L", "None"],
    ]

    # And when one goes that told the variants apart, it stays
    gone = await ask(
        api, token, "productUpdate", productId=product["id"], version=2,
        options=[{"optionId": colour, "name": "Glaze"}],
    )  # fmt: skip
    assert [(e["code"], e["field"]) for e in gone["userErrors"]] == [
        ("VARIANT_EXISTS", ["options"])
    ]
    left = await ask(
        api, token, "productUpdate", productId=product["id"], version=2,
        options=[{"optionId": size, "name": "Size"}],
    )  # fmt: skip
    assert [v["optionValues"] for v in left["product"]["variants"]] == [["S"], ["L"]]


async def test_options_that_cannot_be(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    other = await make_product(api, token, shop, handle="other")
    size = {"optionId": product["options"][0]["id"], "name": "Size"}
    before = await stored_rows(database_admin)
    for options, code, field in [
        ([size, {"name": "Lid"}], "INVALID_INPUT", ["options", "1", "value"]),
        (
            [size, size | {"name": "Other"}],
            "PRODUCT_OPTION_NOT_FOUND",
            ["options", "1", "optionId"],
        ),
        (
            [{"optionId": other["options"][0]["id"], "name": "Size"}],
            "PRODUCT_OPTION_NOT_FOUND",
            ["options", "0", "optionId"],
        ),
        ([size | {"optionId": "nonsense"}], "INVALID_INPUT", ["options", "0", "optionId"]),
    ]:
        refused = await ask(
            api, token, "productUpdate", productId=product["id"], version=1, options=options
        )
        assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [(code, field)]
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


async def test_many_products_at_once(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    products = [await make_product(api, token, shop, handle=f"cup-{n}") for n in range(3)]
    named = [{"productId": product["id"], "version": 1} for product in products]

    changed = await ask(
        api, token, "productsUpdate", shopId=seal("Shop", shop.id), products=named[::-1],
        isPublished=False, addTags=["sale", "cups"], removeTags=["winter"],
    )  # fmt: skip

    assert [product["id"] for product in changed["products"]] == [
        product["id"] for product in products[::-1]
    ]
    assert [(p["isPublished"], p["tags"], p["version"]) for p in changed["products"]] == [
        (False, ["cups", "sale"], 2)
    ] * 3
    count = "SELECT count(*) FROM audit_entry WHERE action = 'product.update'"
    assert await database_admin.fetchval(count) == 3

    # And when one of them is stale, none is changed.
    before = await stored_rows(database_admin)
    fresh = [{"productId": product["id"], "version": 2} for product in products]
    for wrong, code, field in [
        ([*fresh[:2], named[2]], "VERSION_CONFLICT", ["products", "2", "version"]),
        (
            [fresh[0], {"productId": seal("Product", shop.id), "version": 1}],
            "PRODUCT_NOT_FOUND",
            ["products", "1", "productId"],
        ),
        ([fresh[0], fresh[0]], "INVALID_INPUT", ["products"]),
        ([], "INVALID_INPUT", ["products"]),
    ]:
        refused = await ask(
            api, token, "productsUpdate",
            shopId=seal("Shop", shop.id), products=wrong, isPublished=True,
        )  # fmt: skip
        assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [(code, field)]
        assert refused["products"] is None
    assert await stored_rows(database_admin) == before
