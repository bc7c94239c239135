"""What an order's lines are called: as the buyer reads, in whole or as far as it is translated."""

from collections.abc import Sequence

import pytest

from headless_presale.catalog.models import Product, ProductOption, ProductVariant
from headless_presale.checkout import place_order
from headless_presale.kernel.ids import new_id
from headless_presale.orders import MAX_TITLE_LENGTH, find_order
from tests.support.shop import Sale, make_shop, make_variant, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def _open_sale(
    translations: dict[str, dict[str, str]], values: Sequence[str] = ("Deluxe", "L")
) -> Sale:
    """Open a sale of a deluxe fox in large; its option is translated to Chinese."""
    shop = await make_shop()
    variant = await make_variant(shop)
    await Product.filter(id=variant.product_id).update(translations=translations)
    await ProductVariant.filter(id=variant.id).update(option_values=list(values))
    edition = {"zh-CN": {"name": "版本", "value:Deluxe": "豪华版"}}
    for position, name, texts in ((1, "Edition", edition), (2, "Size", {})):
        await ProductOption.create(
            id=new_id(),
            product_id=variant.product_id,
            position=position,
            name=name,
            translations=texts,
        )
    return await open_sale(shop=shop, has_variants=True)


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("en", "Nebula Fox · Deluxe · L"),
        ("zh-CN", "星云狐 · 豪华版 · L"),
        ("zh-CN-x1", "星云狐 · 豪华版 · L"),
        ("ja", "Nebula Fox · Deluxe · L"),
    ],
)
async def test_lines_are_called_as_the_buyer_reads(locale: str, title: str) -> None:
    sale = await _open_sale({"zh-CN": {"title": "星云狐"}})

    order = await place_order(order_for(sale, locale=locale))

    assert [line.title for line in order.lines] == [title]


async def test_an_empty_translation_is_none() -> None:
    sale = await _open_sale({"zh-CN": {"title": "", "description_html": "<p>狐</p>"}})

    order = await place_order(order_for(sale, locale="zh-CN"))

    assert [line.title for line in order.lines] == ["Nebula Fox · 豪华版 · L"]


async def test_what_the_shop_wrote_in_its_own_language_counts_there() -> None:
    sale = await _open_sale({"en": {"title": "A fox of another name"}})

    order = await place_order(order_for(sale, locale="en"))

    assert [line.title for line in order.lines] == ["Nebula Fox · Deluxe · L"]


async def test_a_repeat_in_another_language_is_the_same_order() -> None:
    sale = await _open_sale({"zh-CN": {"title": "星云狐"}})
    placed = await place_order(order_for(sale, key="once", locale="zh-CN"))

    again = await place_order(order_for(sale, key="once", locale="en"))

    assert again.id == placed.id
    assert [line.title for line in again.lines] == ["星云狐 · 豪华版 · L"]


async def test_a_title_longer_than_an_order_keeps_is_cut_and_the_order_placed() -> None:
    sale = await _open_sale({"zh-CN": {"title": "狐" * 255}}, values=["D" * 255, "L" * 255])

    order = await place_order(order_for(sale, locale="zh-CN"))

    stored = await find_order(order.id)
    assert stored is not None
    (title,) = [line.title for line in stored.lines]
    assert title == f"{'狐' * 255} · {'D' * 255} · {'L' * 3}…"
    assert len(title) == MAX_TITLE_LENGTH
    assert [line.title for line in order.lines] == [title]
