"""Variants, prices, pictures and translations of a product."""

from typing import Any

import asyncpg
import pytest

from headless_presale.orders import find_order
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.admin.products import ask, make_product
from tests.graphql.endpoint import Api
from tests.support.money import place
from tests.support.shop import open_sale
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("clock")


Case = tuple[dict[str, Any], str, list[str]]


def cases(*given: Case) -> tuple[Case, ...]:
    """Return changes of an input, each with the code and the field of its refusal."""
    return given


async def refused(
    api: Api, token: str, mutation: str, **input: Any
) -> list[tuple[str, list[str] | None]]:
    payload = await ask(api, token, mutation, **input)
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def test_a_variant_is_added_changed_and_deleted(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    picture = product["media"][0]["id"]

    added = await ask(
        api, token, "variantCreate", productId=product["id"], version=1, priceMinor=4_000,
        optionValues=[" XL "], sku="CUP-XL", compareAtMinor=5_000, weightGrams=300,
        weightUnit="g", mediaId=picture,
    )  # fmt: skip

    assert added["userErrors"] == []
    (extra,) = [v for v in added["product"]["variants"] if v["sku"] == "CUP-XL"]
    assert added["product"]["variants"][-1] == extra
    assert extra["price"] == {"minor": 4_000, "currency": "CNY"}
    assert (extra["optionValues"], extra["compareAtPrice"]) == (["XL"], {"minor": 5_000})
    assert extra["media"] == {"url": "https://example.com/1.jpg"}

    changed = await ask(
        api, token, "variantUpdate", variantId=extra["id"], version=2,
        sku=None, compareAtMinor=None, mediaId=None, weightGrams=None, optionValues=["XXL"],
    )  # fmt: skip
    after = changed["product"]["variants"][-1]
    assert after == extra | {
        "sku": None,
        "compareAtPrice": None,
        "media": None,
        "weightGrams": None,
        "optionValues": ["XXL"],
    }

    gone = await ask(api, token, "variantDelete", variantId=extra["id"], version=3)
    assert [v["sku"] for v in gone["product"]["variants"]] == ["CUP-S", "CUP-L"]
    assert gone["product"]["version"] == 4
    log = await database_admin.fetch(
        "SELECT action, subject_type, subject_label FROM audit_entry "
        "WHERE action LIKE 'variant.%' ORDER BY id"
    )
    assert [tuple(entry) for entry in log] == [
        ("variant.create", "ProductVariant", "CUP-XL"),
        ("variant.update", "ProductVariant", "XXL"),
        ("variant.delete", "ProductVariant", "XXL"),
    ]


async def test_variants_that_cannot_be(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    other = await make_product(api, token, shop, handle="other")
    small = product["variants"][0]["id"]
    before = await stored_rows(database_admin)
    new: dict[str, Any] = {
        "productId": product["id"], "version": 1, "priceMinor": 1, "optionValues": ["XL"],
    }  # fmt: skip
    for change, code, field in cases(
        ({"sku": "CUP-S"}, "SKU_TAKEN", ["sku"]),
        ({"optionValues": ["S"]}, "VARIANT_EXISTS", ["optionValues"]),
        ({"optionValues": []}, "INVALID_INPUT", ["optionValues"]),
        ({"optionValues": ["a", "b"]}, "INVALID_INPUT", ["optionValues"]),
        ({"version": 2}, "VERSION_CONFLICT", ["version"]),
        ({"priceMinor": -1}, "INVALID_INPUT", ["priceMinor"]),
        ({"mediaId": other["media"][0]["id"]}, "PRODUCT_MEDIA_NOT_FOUND", ["mediaId"]),
        ({"mediaId": "nonsense"}, "INVALID_INPUT", ["mediaId"]),
        ({"productId": small}, "INVALID_INPUT", ["productId"]),
    ):
        assert await refused(api, token, "variantCreate", **{**new, **change}) == [(code, field)]
    for change, code, field in cases(
        ({"sku": "CUP-L"}, "SKU_TAKEN", ["sku"]),
        ({"optionValues": ["L"]}, "VARIANT_EXISTS", ["optionValues"]),
        ({"priceMinor": None}, "INVALID_INPUT", ["priceMinor"]),
        ({"isTaxable": None}, "INVALID_INPUT", ["isTaxable"]),
        ({"mediaId": other["media"][0]["id"]}, "PRODUCT_MEDIA_NOT_FOUND", ["mediaId"]),
    ):
        given = {"variantId": small, "version": 1, **change}
        assert await refused(api, token, "variantUpdate", **given) == [(code, field)]
    assert await stored_rows(database_admin) == before


async def test_a_stale_price_is_told_both(api: Api, shop: Shop, token: str) -> None:
    product = await make_product(api, token, shop)
    small = product["variants"][0]["id"]
    await ask(api, token, "variantUpdate", variantId=small, version=1, priceMinor=2_500)

    late = await ask(api, token, "variantUpdate", variantId=small, version=1, priceMinor=2_600)

    (error,) = late["userErrors"]
    assert error["conflicts"] == [{"field": "priceMinor", "yours": "2600", "current": "2500"}]


async def test_a_new_price_is_not_a_campaigns_or_an_orders(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    # Given a campaign that sells at the catalogue's price, and an order
    product = await make_product(api, token, shop)
    sale = await open_sale(shop=shop, has_variants=True, skus=("CUP-S",))
    before = await place(sale)

    # When the catalogue's price changes, one by one and with others
    small = product["variants"][0]["id"]
    await ask(api, token, "variantUpdate", variantId=small, version=1, priceMinor=1)
    await ask(
        api, token, "variantPricesSet", shopId=seal("Shop", shop.id),
        prices=[{"variantId": small, "version": 2, "priceMinor": 3}],
    )  # fmt: skip
    assert await database_admin.fetchval("SELECT min(price_minor) FROM product_variant") == 3

    # Then the campaign and the order have theirs, and so has the next order
    item = await database_admin.fetchrow("SELECT price_minor, list_price_minor FROM campaign_item")
    assert tuple(item or ()) == (2_000, 2_000)
    kept = await find_order(before.id)
    assert kept is not None
    assert kept.total.amount_minor == before.total.amount_minor == 2_000
    assert (await place(sale, email="next@example.com")).total.amount_minor == 2_000


async def test_prices_of_many_variants(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    cup = await make_product(api, token, shop)
    mug = await make_product(api, token, shop, handle="mug")
    prices = [
        {"variantId": variant["id"], "version": 1, "priceMinor": minor, "compareAtMinor": former}
        for variant, minor, former in zip(
            [*cup["variants"], mug["variants"][0]], (10, 20, 30), (None, 99, 0), strict=True
        )
    ]

    changed = await ask(api, token, "variantPricesSet", shopId=seal("Shop", shop.id), prices=prices)

    assert changed["userErrors"] == []
    assert [(p["handle"], p["version"]) for p in changed["products"]] == [("cup", 2), ("mug", 2)]
    assert [v["price"]["minor"] for v in changed["products"][0]["variants"]] == [10, 20]
    assert [v["compareAtPrice"] for v in changed["products"][0]["variants"]] == [
        None, {"minor": 99},
    ]  # fmt: skip
    count = "SELECT count(*) FROM audit_entry WHERE action = 'variant.update'"
    assert await database_admin.fetchval(count) == 3

    # All or nothing.
    before = await stored_rows(database_admin)
    fresh = [{**price, "version": 2, "priceMinor": 7} for price in prices]
    for wrong, code, field in [
        ([fresh[0], prices[2]], "VERSION_CONFLICT", ["prices", "1", "version"]),
        (
            [fresh[0], {**fresh[1], "priceMinor": -7}],
            "INVALID_INPUT",
            ["prices", "1", "priceMinor"],
        ),
        (
            [fresh[0], {**fresh[1], "variantId": seal("ProductVariant", shop.id)}],
            "VARIANT_NOT_FOUND",
            ["prices", "1", "variantId"],
        ),
        ([fresh[0]] * 2, "INVALID_INPUT", ["prices"]),
    ]:
        given = {"shopId": seal("Shop", shop.id), "prices": wrong}
        assert await refused(api, token, "variantPricesSet", **given) == [(code, field)]
    assert await stored_rows(database_admin) == before


async def test_pictures_are_added_described_ordered_and_removed(
    api: Api, shop: Shop, token: str
) -> None:
    product = await make_product(api, token, shop)
    (first,) = (medium["id"] for medium in product["media"])
    small = product["variants"][0]["id"]
    await ask(api, token, "variantUpdate", variantId=small, version=1, mediaId=first)

    added = await ask(
        api, token, "productMediaAdd", productId=product["id"], version=2,
        media=[{"url": f"https://example.com/{n}.jpg"} for n in (2, 3)],
    )  # fmt: skip
    ids = [medium["id"] for medium in added["product"]["media"]]
    assert ids[0] == first
    described = await ask(
        api, token, "productMediaUpdate", mediaId=ids[2], version=3, alt=" Handle "
    )
    assert described["product"]["media"][2]["alt"] == "Handle"
    ordered = await ask(
        api, token, "productMediaReorder",
        productId=product["id"], version=4, mediaIds=[ids[2], ids[1]],
    )  # fmt: skip
    assert [m["id"] for m in ordered["product"]["media"]] == [ids[2], ids[1], ids[0]]
    left = await ask(
        api, token, "productMediaRemove",
        productId=product["id"], version=5, mediaIds=[ids[0], ids[1]],
    )  # fmt: skip
    assert [m["id"] for m in left["product"]["media"]] == [ids[2]]
    assert left["product"]["variants"][0]["media"] is None
    assert left["product"]["version"] == 6


async def test_pictures_that_cannot_be(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    other = await make_product(api, token, shop, handle="other")
    (first,), (foreign,) = ([m["id"] for m in p["media"]] for p in (product, other))
    at = {"productId": product["id"], "version": 1}
    before = await stored_rows(database_admin)
    same = [{"url": "https://example.com/1.jpg"}]
    wrong: list[tuple[str, dict[str, Any], str, list[str]]] = [
        ("productMediaAdd", {"media": same}, "PRODUCT_MEDIA_EXISTS", ["media", "0", "url"]),
        ("productMediaReorder", {"mediaIds": [first, first]}, "INVALID_INPUT", ["mediaIds"]),
        (
            "productMediaReorder",
            {"mediaIds": [foreign]},
            "PRODUCT_MEDIA_NOT_FOUND",
            ["mediaIds", "0"],
        ),
        (
            "productMediaRemove",
            {"mediaIds": [foreign]},
            "PRODUCT_MEDIA_NOT_FOUND",
            ["mediaIds", "0"],
        ),
        (
            "productMediaRemove",
            {"mediaIds": [first], "version": 9},
            "VERSION_CONFLICT",
            ["version"],
        ),
    ]
    for mutation, given, code, field in wrong:
        assert await refused(api, token, mutation, **{**at, **given}) == [(code, field)]
    assert await stored_rows(database_admin) == before


async def test_texts_in_another_language(api: Api, shop: Shop, token: str) -> None:
    product = await make_product(api, token, shop)
    size = product["options"][0]["id"]

    stored = await ask(
        api, token, "productTranslationSet", productId=product["id"], version=1, locale="ZH-cn",
        title="杯子", descriptionHtml="<p onclick='x'>蓝</p>",
        options=[{"optionId": size, "name": "尺寸", "values": [{"value": "S", "text": "小"}]}],
    )  # fmt: skip

    assert stored["userErrors"] == []
    assert stored["product"]["version"] == 2
    assert stored["product"]["translations"] == [
        {
            "locale": "zh-CN",
            "title": "杯子",
            "descriptionHtml": "<p>蓝</p>",
            "seoTitle": None,
            "seoDescription": None,
            "options": [
                {"optionId": size, "name": "尺寸", "values": [{"value": "S", "text": "小"}]}
            ],
        }
    ]
    # What a storefront shows follows.
    query = '{ shop(slug: "moonlit-forge") { product(handle: "cup") { title } } }'
    assert (await api.ask(query, language="zh-CN")).data["shop"]["product"] == {"title": "杯子"}

    less = await ask(
        api, token, "productTranslationSet",
        productId=product["id"], version=2, locale="zh-CN", title="",
    )  # fmt: skip
    assert less["product"]["translations"][0]["title"] is None
    assert less["product"]["translations"][0]["descriptionHtml"] == "<p>蓝</p>"
    none = await ask(
        api, token, "productTranslationRemove", productId=product["id"], version=3, locale="zh-CN"
    )
    assert (none["product"]["translations"], none["product"]["version"]) == ([], 4)
    again = await ask(
        api, token, "productTranslationRemove", productId=product["id"], version=4, locale="zh-CN"
    )
    assert (again["userErrors"], again["product"]["version"]) == ([], 4)


async def test_texts_that_cannot_be(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    product = await make_product(api, token, shop)
    other = await make_product(api, token, shop, handle="other")
    size, foreign = (p["options"][0]["id"] for p in (product, other))
    before = await stored_rows(database_admin)
    wanted = {"productId": product["id"], "version": 1, "locale": "zh-CN", "title": "杯"}
    for change, code, field in cases(
        ({"locale": "chinese-simplified"}, "INVALID_INPUT", ["locale"]),
        ({"title": "x" * 256}, "INVALID_INPUT", ["title"]),
        ({"seoDescription": "a\0"}, "INVALID_INPUT", ["seoDescription"]),
        ({"version": 2}, "VERSION_CONFLICT", ["version"]),
        (
            {"options": [{"optionId": foreign, "name": "尺寸"}]},
            "PRODUCT_OPTION_NOT_FOUND",
            ["options", "0", "optionId"],
        ),
        (
            {"options": [{"optionId": size}, {"optionId": size}]},
            "INVALID_INPUT",
            ["options", "1", "optionId"],
        ),
    ):
        given = {**wanted, **change}
        assert await refused(api, token, "productTranslationSet", **given) == [(code, field)]
    assert await stored_rows(database_admin) == before
