"""Shops and products: texts in the reader's language, badges, amounts."""

from datetime import date, timedelta
from typing import Any

import pytest

from headless_presale.campaigns import (
    ShopRef,
    create_campaign,
    publish_campaign,
)
from headless_presale.catalog import OptionTranslation, Product, SetTranslation, set_translation
from headless_presale.catalog.models import ProductMedia, ProductOption, ProductVariant
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import (
    draft,
    make_shop,
    make_variant,
    open_sale,
)


async def test_texts_follow_accept_language(api: Api, clock: ManualClock) -> None:
    # Given a shop, a product and a campaign in English with Chinese beside it
    shop = await make_shop()
    shop.translations = {"zh-CN": {"name": "月光工坊"}}
    await shop.save()
    variant = await make_variant(shop)
    await ProductOption.create(
        id=new_id(), product_id=variant.product_id, position=1, name="Colour"
    )
    variant.option_values = ["Midnight"]
    await variant.save()
    await set_translation(
        SetTranslation(
            shop_id=shop.id,
            handle="fox-1",
            locale="zh-CN",
            texts={"title": "星云狐", "description_html": "<p>手工铸造</p>"},
            options={"Colour": OptionTranslation(name="颜色", values={"Midnight": "午夜"})},
        )
    )
    await open_sale(
        shop=shop,
        has_variants=True,
        story="Cast by hand.",
        translations={"zh-CN": {"title": "星云狐预售"}},
        terms={
            "ships_by": date(2026, 6, 30),
            "refund_policy": {"en": "Refunded.", "zh-CN": "可退。"},
            "cancel_conditions": {"en": "Any time."},
        },
    )
    query = """
    { shop(slug: "moonlit-forge") {
        name
        product(handle: "fox-1") {
          title descriptionHtml options { name values }
          variants { title optionValues { name value } presale { shipsText } }
        }
        campaign(handle: "nebula-fox") {
          title story items { title } terms { refundPolicy cancelConditions }
        } } }
    """

    # When a Chinese reader asks, with a header as browsers send it
    reply = await api.ask(query, language="zh-TW,zh;q=0.9,en;q=0.8")

    # Then each text comes in Chinese where there is one, else as it was written
    assert reply.data["shop"] == {
        "name": "月光工坊",
        "product": {
            "title": "星云狐",
            "descriptionHtml": "<p>手工铸造</p>",
            "options": [{"name": "颜色", "values": ["午夜"]}],
            "variants": [
                {
                    "title": "午夜",
                    "optionValues": [{"name": "颜色", "value": "午夜"}],
                    "presale": {"shipsText": "预计 2026年6月30日 前发货"},
                }
            ],
        },
        "campaign": {
            "title": "星云狐预售",
            "story": "Cast by hand.",
            "items": [{"title": "星云狐 · 午夜"}],
            "terms": {"refundPolicy": "可退。", "cancelConditions": "Any time."},
        },
    }
    english = (await api.ask(query, language="fr")).data["shop"]
    assert english["name"] == "Moonlit Forge"
    assert english["campaign"]["items"] == [{"title": "Nebula Fox · Midnight"}]


async def test_a_product_in_full(api: Api, clock: ManualClock) -> None:
    shop = await make_shop()
    variant = await make_variant(shop, price_minor=19_900)
    await ProductVariant.filter(id=variant.id).update(compare_at_minor=25_000)
    await ProductMedia.create(
        id=new_id(),
        product_id=variant.product_id,
        url="https://cdn.example/fox.jpg",
        alt="A fox",
        position=1,
    )
    await Product.filter(id=variant.product_id).update(
        vendor="Forge", product_type="Figure", tags=["fox", "limited"], seo_description="Foxes."
    )
    reply = await api.ask(
        """{ shop(slug: "moonlit-forge") { currency defaultLocale product(handle: "fox-1") {
          id handle title descriptionHtml vendor productType tags
          seo { title description } options { name } media { url alt }
          variants { id sku title price { amount } compareAtPrice { amount } presale { status }
                     product { handle } } } } }"""
    )
    assert reply.data["shop"] == {
        "currency": "CNY",
        "defaultLocale": "en",
        "product": {
            "id": seal("Product", variant.product_id),
            "handle": "fox-1",
            "title": "Nebula Fox",
            "descriptionHtml": "",
            "vendor": "Forge",
            "productType": "Figure",
            "tags": ["fox", "limited"],
            "seo": {"title": "Nebula Fox", "description": "Foxes."},
            "options": [],
            "media": [{"url": "https://cdn.example/fox.jpg", "alt": "A fox"}],
            "variants": [
                {
                    "id": seal("ProductVariant", variant.id),
                    "sku": "FOX-1",
                    "title": "Nebula Fox",
                    "price": {"amount": "199.00"},
                    "compareAtPrice": {"amount": "250.00"},
                    "presale": None,
                    "product": {"handle": "fox-1"},
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("ships_by", "days", "text"),
    [
        (date(2026, 3, 2), 1, "Ships within 1 day"),
        (date(2026, 3, 31), 30, "Ships within 30 days"),
        (date(2026, 4, 1), 31, "Ships by April 1, 2026"),
    ],
)
async def test_a_variant_wears_its_presale_badge(
    api: Api, clock: ManualClock, ships_by: date, days: int, text: str
) -> None:
    # Given the variant in a campaign that is open, and in another that opens later
    sale = await open_sale(
        days=1,
        item={"batches": [{"capacity": 5, "ships_by": ships_by}]},
        terms={
            "ships_by": date(2026, 6, 30),
            "refund_policy": {"en": "Refunded."},
            "cancel_conditions": {"en": "Any time."},
        },
    )
    ref = ShopRef(sale.shop.id, sale.shop.currency, sale.shop.default_locale)
    later = await create_campaign(
        ref, draft(handle="second-run", opens_at=clock.now() + timedelta(days=30))
    )
    await publish_campaign(later.id, default_locale="en")
    query = """{ shop(slug: "moonlit-forge") { product(handle: "fox-1") { variants { presale {
        status shipsBy shipsWithinDays shipsText campaign { handle } item { id } } } } } }"""

    async def badge() -> Any:
        reply = await api.ask(query)
        return reply.data["shop"]["product"]["variants"][0]["presale"]

    # When it is shown, then the open campaign is the one that counts
    assert await badge() == {
        "status": "LIVE",
        "shipsBy": ships_by.isoformat(),
        "shipsWithinDays": days,
        "shipsText": text,
        "campaign": {"handle": "nebula-fox"},
        "item": {"id": seal("CampaignItem", sale.item_id)},
    }

    # And once that is over, the next one
    clock.advance(timedelta(days=1))
    following = await badge()
    assert (following["status"], following["campaign"]["handle"]) == ("SCHEDULED", "second-run")


async def test_what_is_not_there_is_null(api: Api, clock: ManualClock) -> None:
    shop = await make_shop()
    await make_variant(shop)
    await Product.filter(shop_id=shop.id).update(is_published=False)
    reply = await api.ask(
        r"""{ none: shop(slug: "Nobody's") { id }
              shop(slug: "moonlit-forge") { product(handle: "fox-1") { id }
                a: product(handle: "\u0000") { id } b: campaign(handle: "\u0000") { id } } }"""
    )
    assert reply.data == {"none": None, "shop": {"product": None, "a": None, "b": None}}


async def test_one_shop_never_shows_what_belongs_to_another(api: Api, clock: ManualClock) -> None:
    await open_sale()
    await make_shop("other-forge")
    reply = await api.ask(
        """{ shop(slug: "other-forge") { product(handle: "fox-1") { id }
             campaign(handle: "nebula-fox") { id } products { totalCount }
             campaigns { totalCount nodes { id } } } }"""
    )
    assert reply.data["shop"] == {
        "product": None,
        "campaign": None,
        "products": {"totalCount": 0},
        "campaigns": {"totalCount": 0, "nodes": []},
    }


async def test_amounts_beyond_32_bits_are_exact(api: Api, clock: ManualClock) -> None:
    # Given a price of 90,071,992,547,409.91 yuan: the largest that JSON carries exactly
    shop = await make_shop()
    await make_variant(shop, price_minor=2**53 - 1)
    reply = await api.ask(
        """{ shop(slug: "moonlit-forge") { product(handle: "fox-1") {
             variants { price { amount minor } } } } }"""
    )
    (variant,) = reply.data["shop"]["product"]["variants"]
    assert variant["price"] == {"amount": "90071992547409.91", "minor": 9_007_199_254_740_991}
