"""Products as their merchant changes them: what he names, from what he read, one or many."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from headless_presale.catalog import Product, UpdateProduct, editing, update_product
from headless_presale.catalog.product_rows import lock_products
from headless_presale.kernel.errors import VersionConflict
from headless_presale.shops.models import Shop
from resolvers.global_ids import find_node_id, seal
from tests.graphql.admin.products import ask, make_product
from tests.graphql.endpoint import Api
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("clock")


def uuid_of(id_: str) -> UUID:
    found = find_node_id(id_)
    assert found is not None
    return found[1]


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
