"""Reading the catalogue, and its texts in other languages."""

from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
import yaml

from headless_presale.catalog import (
    ImportProducts,
    OptionTranslation,
    ProductNotFound,
    SetTranslation,
    count_products,
    find_products,
    find_variants,
    get_product,
    import_products,
    list_media,
    list_options,
    list_products,
    list_variants,
    localized,
    localized_option,
    set_translation,
)
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops import Shop
from tests.integration.catalog.files import Import, row, row_versions

DEMO = Path(__file__).parents[3] / "headless_presale" / "demo"


async def test_pages_from_both_ends(import_rows: Import, shop: Shop) -> None:
    # Given: five published products and one that is not
    columns = ("Handle", "Title", "Variant Price", "Published", "Option1 Value", "Variant SKU")
    await import_rows(
        *(row(f"p{n}", f"P{n}", "1", Published="TRUE") for n in range(5)),
        row("draft", "Draft", "1", Published="FALSE"),
        columns=columns,
    )
    everything = await list_products(shop.id, first=100)
    ids = [product.id for product in everything]
    assert ids == sorted(ids)

    # When
    first = await list_products(shop.id, first=2)
    second = await list_products(shop.id, first=2, after_id=first[-1].id)
    third = await list_products(shop.id, first=2, after_id=second[-1].id)
    last = await list_products(shop.id, last=2)
    before = await list_products(shop.id, last=2, before_id=last[0].id)
    between = await list_products(shop.id, first=100, after_id=ids[0], before_id=ids[4])

    # Then
    assert [[p.id for p in page] for page in (first, second, third)] == [
        ids[0:2], ids[2:4], ids[4:5],
    ]  # fmt: skip
    assert [p.id for p in last] == ids[3:5]
    assert [p.id for p in before] == ids[1:3]
    assert [p.id for p in between] == ids[1:4]
    assert await list_products(shop.id, first=2, after_id=ids[4]) == []
    assert await list_products(uuid4(), first=2) == []
    assert (await count_products(shop.id), await count_products(shop.id, is_published_only=False)
            ) == (5, 6)  # fmt: skip
    assert len(await list_products(shop.id, first=100, is_published_only=False)) == 6


@pytest.mark.parametrize(
    "page", [{}, {"first": 0}, {"first": -1}, {"last": 102}, {"first": 1, "last": 1}]
)
async def test_pages_that_cannot_be(shop: Shop, page: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        await list_products(shop.id, first=page.get("first"), last=page.get("last"))


async def test_a_product_by_its_handle(import_rows: Import, shop: Shop) -> None:
    columns = ("Handle", "Title", "Variant Price", "Published", "Option1 Value", "Variant SKU")
    await import_rows(
        row("cup", "Cup", "1"), row("draft", "Draft", "1", Published="FALSE"), columns=columns
    )

    assert (await get_product(shop.id, "cup")).title == "Cup"
    assert (await get_product(shop.id, "draft", is_published_only=False)).title == "Draft"
    # Somebody else's, unpublished, unknown and impossible look the same.
    for shop_id, handle in (
        (uuid4(), "cup"), (shop.id, "draft"), (shop.id, "no"), (shop.id, "\0"), (shop.id, "\ud800"),
    ):  # fmt: skip
        with pytest.raises(ProductNotFound):
            await get_product(shop_id, handle)


async def test_reads_for_many_products_at_once(import_rows: Import, shop: Shop) -> None:
    picture = {"Image Src": "https://example.com/1.jpg"}
    await import_rows(
        row("cup", "Cup", "1", size="S", sku="A", **picture),
        row("cup", "", "2", size="L", sku="B"),
        row("pen", "Pen", "3"),
    )
    cup, pen = await list_products(shop.id, first=2)
    ids = [cup.id, pen.id]

    variants = await list_variants(ids)
    options = await list_options(ids)
    media = await list_media(ids)

    assert [v.sku for v in variants[cup.id]] == ["A", "B"]
    assert [v.sku for v in variants[pen.id]] == [None]
    assert [o.name for o in options[cup.id]] == ["Size"]
    assert (options[pen.id], media[pen.id]) == ([], [])
    assert [m.url for m in media[cup.id]] == ["https://example.com/1.jpg"]
    unknown = uuid4()
    found = await find_variants([variants[cup.id][1].id, unknown])
    assert [(v.sku, v.product.title) for v in found.values()] == [("B", "Cup")]
    assert set(await find_products([pen.id, unknown])) == {pen.id}
    assert await find_variants([]) == {}


async def test_texts_in_another_language_text_by_text(import_rows: Import, shop: Shop) -> None:
    body = {"Body (HTML)": "<p>Blue</p>"}
    await import_rows(row("cup", "Cup", "1", size="S", sku="A", **body))

    # When
    await set_translation(
        SetTranslation(
            shop_id=shop.id,
            handle="cup",
            locale="ZH-cn",
            texts={"title": " 杯子 "},
            options={"Size": OptionTranslation(name="尺寸", values={"S": "小"})},
        )
    )

    # Then
    cup = await get_product(shop.id, "cup")
    assert cup.translations == {"zh-CN": {"title": "杯子"}}
    chinese = localized(cup, "zh-CN", default_locale="en")
    assert (chinese.title, chinese.description_html) == ("杯子", "<p>Blue</p>")
    assert localized(cup, "en", default_locale="en").title == "Cup"
    assert localized(cup, "zh-CN", default_locale="zh-CN").title == "Cup"
    (option,) = (await list_options([cup.id]))[cup.id]
    size = localized_option(option, ["S", "L"], "zh-CN", default_locale="en")
    assert (size.name, size.value("S"), size.value("L"), size.value("?")) == (
        "尺寸",
        "小",
        "L",
        "?",
    )
    plain = localized_option(option, ["S"], "en", default_locale="en")
    assert (plain.name, plain.value("S")) == ("Size", "S")


async def test_an_import_keeps_translations(
    import_rows: Import, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    await import_rows(row("cup", "Cup", "1", size="S", sku="A"))
    await set_translation(
        SetTranslation(
            shop_id=shop.id,
            handle="cup",
            locale="zh-CN",
            texts={"title": "杯子"},
            options={"Size": OptionTranslation(name="尺寸")},
        )
    )

    report = await import_rows(row("cup", "Mug", "2", size="S", sku="A"))

    assert report.updated == 1
    stored = await database_admin.fetchrow(
        "SELECT p.title, p.translations, o.translations FROM product p "
        "JOIN product_option o ON o.product_id = p.id"
    )
    assert stored is not None
    assert stored[0] == "Mug"
    assert orjson.loads(stored[1]) == {"zh-CN": {"title": "杯子"}}
    assert orjson.loads(stored[2]) == {"zh-CN": {"name": "尺寸"}}


async def test_setting_a_translation_merges_removes_and_repeats(
    import_rows: Import, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    await import_rows(row("cup", "Cup", "1"))

    async def translate(**texts: str) -> None:
        await set_translation(
            SetTranslation(shop_id=shop.id, handle="cup", locale="zh-CN", texts=texts)
        )

    await translate(title="杯子", seo_title="好杯子")
    await translate(description_html='<p onclick="x()">蓝</p>', seo_title="")
    expected = {"zh-CN": {"title": "杯子", "description_html": "<p>蓝</p>"}}
    assert (await get_product(shop.id, "cup")).translations == expected

    before = await row_versions(database_admin)
    await translate(title="杯子")
    assert await row_versions(database_admin) == before

    # The last text that goes takes its language with it.
    await translate(title="", description_html="")
    assert (await get_product(shop.id, "cup")).translations == {}


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"handle": "no"}, ProductNotFound, ("handle",)),
        ({"handle": "\0"}, ProductNotFound, ("handle",)),
        ({"shop_id": UUID(int=1)}, ProductNotFound, ("handle",)),
        ({"locale": "chinese-simplified"}, InvalidInput, ("locale",)),
        ({"locale": ""}, InvalidInput, ("locale",)),
        ({"texts": {"price": "1"}}, InvalidInput, ("texts", "price")),
        ({"texts": {"title": "x" * 256}}, InvalidInput, ("texts", "title")),
        ({"texts": {"title": "a\0b"}}, InvalidInput, ("texts", "title")),
        (
            {"options": {"Colour": OptionTranslation(name="颜色")}},
            InvalidInput,
            ("options", "Colour"),
        ),
        (
            {"options": {"Size": OptionTranslation(values={"S": "x" * 256})}},
            InvalidInput,
            ("options", "Size", "S"),
        ),
    ],
)
async def test_translations_that_are_refused(
    import_rows: Import,
    shop: Shop,
    database_admin: asyncpg.Connection,
    changes: dict[str, object],
    error: type[ProductNotFound | InvalidInput],
    field: tuple[str, ...],
) -> None:
    await import_rows(row("cup", "Cup", "1", size="S", sku="A"))
    before = await row_versions(database_admin)
    wanted: dict[str, object] = {
        "shop_id": shop.id, "handle": "cup", "locale": "zh-CN", "texts": {"title": "杯子"},
    }  # fmt: skip

    with pytest.raises(error) as caught:
        await set_translation(SetTranslation(**(wanted | changes)))  # type: ignore[arg-type]

    assert caught.value.field == field
    assert await row_versions(database_admin) == before


async def test_the_demo_has_every_text_in_chinese(shop: Shop) -> None:
    path = DEMO / "products.csv"
    await import_products(ImportProducts(path=path, shop_id=shop.id, currency=shop.currency))
    texts = yaml.safe_load((DEMO / "translations.yaml").read_text(encoding="utf-8"))
    assert texts["shop"]["zh-CN"]["name"] == "月铸工坊"

    # When
    for handle, locales in texts["products"].items():
        for locale, translation in locales.items():
            options = translation.pop("options", {})
            await set_translation(
                SetTranslation(
                    shop_id=shop.id,
                    handle=handle,
                    locale=locale,
                    texts=translation,
                    options={name: OptionTranslation(**o) for name, o in options.items()},
                )
            )

    # Then
    products = await list_products(shop.id, first=100)
    assert {product.handle for product in products} == set(texts["products"])
    options_of = await list_options([product.id for product in products])
    variants_of = await list_variants([product.id for product in products])
    for product in products:
        chinese = localized(product, "zh-CN", default_locale="en")
        assert chinese.title != product.title
        assert chinese.description_html.count("<li>") == product.description_html.count("<li>")
        assert chinese.description_html.count("<p>") == product.description_html.count("<p>")
        assert chinese.seo_title != product.seo_title
        assert chinese.seo_description != product.seo_description
        for option in options_of[product.id]:
            values = [variant.option_values[0] for variant in variants_of[product.id]]
            named = localized_option(option, values, "zh-CN", default_locale="en")
            assert (named.name, list(named.values.values())) == ("版本", ["标准版", "豪华版"])
