"""What a storefront reads: shops, products, campaigns, prices by the clock, badges."""

from datetime import date, timedelta
from typing import Any

import pytest

from headless_presale.campaigns import (
    ShopRef,
    cancel_campaign,
    create_campaign,
    publish_campaign,
)
from headless_presale.catalog import OptionTranslation, Product, SetTranslation, set_translation
from headless_presale.catalog.models import ProductMedia, ProductOption, ProductVariant
from headless_presale.checkout import place_order
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import drain
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import (
    Sale,
    deposit_plan,
    draft,
    make_shop,
    make_variant,
    open_sale,
    order_for,
)
from tests.support.statements import counted_statements

CAMPAIGN = """
query ($slug: String!, $handle: String!) {
  shop(slug: $slug) {
    serverTime
    campaign(handle: $handle) {
      id handle title story status opensAt closesAt secondsUntilOpen secondsLeft serverTime
      holdSeconds capacity slotsLeft soldBps
      paymentPlan {
        kind depositBps depositPerUnit { minor } balanceOpensAt balanceDueAt missedBalance
      }
      cancelPolicy { depositPaid { isAllowed refundDepositBps refundBalanceBps } }
      terms { version shipsBy refundPolicy cancelConditions }
      items {
        id title limitPerCustomer capacity slotsLeft soldBps shipsBy
        listPrice { amount minor currency } presalePrice { minor }
        currentPrice { price { minor } reason tier endsAt endsAfterNumber gift }
        nextPrice { price { minor } startsAt tier }
        depositDue { amount }
        batches { shipsBy capacity firstNumber lastNumber }
        variant { sku } product { handle }
      }
    }
  }
}
"""

TIERED: dict[str, Any] = {
    "price": "90",
    "time_tiers": [{"name": "Early bird", "lasts": "P3D", "price_bps": 9_000}],
    "quantity_tiers": [{"name": "First 2", "up_to": 2, "price_bps": 8_000, "gift": "Postcard"}],
    "batches": [
        {"capacity": 3, "ships_by": date(2026, 5, 31)},
        {"capacity": 7, "ships_by": date(2026, 6, 30)},
    ],
}


async def read_campaign(api: Api, handle: str = "nebula-fox", language: str = "en") -> Any:
    reply = await api.ask(CAMPAIGN, slug="moonlit-forge", handle=handle, language=language)
    return reply.data["shop"]["campaign"]


async def buy(sale: Sale, quantity: int = 1, **options: Any) -> None:
    await place_order(order_for(sale, quantity=quantity, **options))


async def test_a_campaign_in_full(api: Api, clock: ManualClock) -> None:
    # Given a deposit campaign with tiers and two batches, open for a day
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(
        item=TIERED, limit=5, payment_plan=deposit_plan(closes_at), story="Cast by hand."
    )
    clock.advance(timedelta(days=1, seconds=0.5))

    # When it is read
    campaign = await read_campaign(api)

    # Then every part of it is as made, and the clock has run
    assert campaign == {
        "id": seal("Campaign", sale.campaign.id),
        "handle": "nebula-fox",
        "title": "Nebula Fox presale",
        "story": "Cast by hand.",
        "status": "LIVE",
        "opensAt": "2026-03-01T12:00:00Z",
        "closesAt": "2026-03-08T12:00:00Z",
        "secondsUntilOpen": 0,
        # Six days less half a second, rounded up: the countdown ends when the sale does.
        "secondsLeft": 6 * 86_400,
        "serverTime": "2026-03-02T12:00:00.500000Z",
        "holdSeconds": 900,
        "capacity": 10,
        "slotsLeft": 10,
        "soldBps": 0,
        "paymentPlan": {
            "kind": "DEPOSIT",
            "depositBps": 2_000,
            "depositPerUnit": None,
            "balanceOpensAt": "2026-03-09T12:00:00Z",
            "balanceDueAt": "2026-03-16T12:00:00Z",
            "missedBalance": "FORFEIT",
        },
        "cancelPolicy": {
            "depositPaid": {
                "isAllowed": True,
                "refundDepositBps": 10_000,
                "refundBalanceBps": 10_000,
            }
        },
        "terms": {
            "version": 1,
            "shipsBy": "2026-06-30",
            "refundPolicy": "Deposits are refunded until the campaign closes.",
            "cancelConditions": "Cancel any time before the balance opens.",
        },
        "items": [
            {
                "id": seal("CampaignItem", sale.item_id),
                "title": "Nebula Fox",
                "limitPerCustomer": 5,
                "capacity": 10,
                "slotsLeft": 10,
                "soldBps": 0,
                "shipsBy": "2026-05-31",
                "listPrice": {"amount": "100.00", "minor": 10_000, "currency": "CNY"},
                "presalePrice": {"minor": 9_000},
                # 90.00 at 80 %: the quantity tier is the lower one, and it explains the price.
                "currentPrice": {
                    "price": {"minor": 7_200},
                    "reason": "QUANTITY_TIER",
                    "tier": "First 2",
                    "endsAt": None,
                    "endsAfterNumber": 2,
                    "gift": "Postcard",
                },
                "nextPrice": {
                    "price": {"minor": 7_200},
                    "startsAt": "2026-03-04T12:00:00Z",
                    "tier": "First 2",
                },
                "depositDue": {"amount": "14.40"},
                "batches": [
                    {"shipsBy": "2026-05-31", "capacity": 3, "firstNumber": 1, "lastNumber": 3},
                    {"shipsBy": "2026-06-30", "capacity": 7, "firstNumber": 4, "lastNumber": 10},
                ],
                "variant": {"sku": "FOX-1"},
                "product": {"handle": "fox-1"},
            }
        ],
    }


async def test_the_price_follows_the_number_sold_and_the_clock(
    api: Api, clock: ManualClock
) -> None:
    # Given three of ten sold: the quantity tier is used up, and so is the first batch
    sale = await open_sale(item=TIERED)
    await buy(sale, 3)
    assert await drain(5) == 0

    # When it is read in the early bird's time
    (item,) = (await read_campaign(api))["items"]

    # Then number 4 is quoted: 90.00 at 90 %, then 90.00; it ships with the second batch
    assert (item["slotsLeft"], item["soldBps"]) == (10 - 3, 3_000)
    assert item["currentPrice"] == {
        "price": {"minor": 8_100},
        "reason": "TIME_TIER",
        "tier": "Early bird",
        "endsAt": "2026-03-04T12:00:00Z",
        "endsAfterNumber": None,
        "gift": None,
    }
    assert item["nextPrice"] == {
        "price": {"minor": 9_000},
        "startsAt": "2026-03-04T12:00:00Z",
        "tier": None,
    }
    assert item["shipsBy"] == "2026-06-30"
    assert item["depositDue"] is None

    # And at the very instant the tier ends, the next price is the current one
    clock.move_to(sale.campaign.opens_at + timedelta(days=3))
    (item,) = (await read_campaign(api))["items"]
    assert item["currentPrice"]["price"] == {"minor": 9_000}
    assert item["currentPrice"]["reason"] == "LIST"
    assert item["nextPrice"] is None


async def test_sold_out_keeps_the_last_number_s_price_and_promise(
    api: Api, clock: ManualClock
) -> None:
    sale = await open_sale(item=TIERED)
    await buy(sale, 10)
    (item,) = (await read_campaign(api))["items"]
    assert (item["slotsLeft"], item["soldBps"]) == (0, 10_000)
    assert item["currentPrice"]["price"] == {"minor": 8_100}
    assert item["shipsBy"] == "2026-06-30"


async def test_status_and_countdowns_follow_the_clock_and_no_sweep(
    api: Api, clock: ManualClock
) -> None:
    # Given a campaign that opens in an hour, and no worker that records it
    shop = await make_shop()
    await make_variant(shop)
    opens_at = clock.now() + timedelta(hours=1)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    made = await create_campaign(ref, draft(opens_at=opens_at, item=TIERED))
    await publish_campaign(made.id, default_locale="en")

    # When it is read before, within and after its window, then the clock alone decides
    seen = []
    for at in (clock.now(), opens_at, opens_at + timedelta(days=7)):
        clock.move_to(at)
        campaign = await read_campaign(api)
        (item,) = campaign["items"]
        price = item["currentPrice"] and item["currentPrice"]["price"]["minor"]
        seen.append(
            (campaign["status"], campaign["secondsUntilOpen"], campaign["secondsLeft"], price)
        )
    week = 7 * 86_400
    assert seen == [
        # Before it opens the price of the first tier is shown: what the first buyer will pay.
        ("SCHEDULED", 3_600, 3_600 + week, 7_200),
        ("LIVE", 0, week, 7_200),
        ("CLOSED", 0, 0, None),
    ]


async def test_drafts_and_cancelled_drafts_are_nobodys_business(
    api: Api, clock: ManualClock
) -> None:
    # Given a draft, a draft that was cancelled, and a published campaign that was cancelled
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    hidden = await create_campaign(ref, draft(handle="a-draft"))
    dropped = await create_campaign(ref, draft(handle="a-dropped-draft"))
    await cancel_campaign(dropped.id, reason="a better idea")
    called_off = await open_sale(shop=shop, has_variants=True)
    await cancel_campaign(called_off.campaign.id, reason="the mould broke")

    # When a storefront looks for them
    listed = await api.ask(
        '{ shop(slug: "moonlit-forge") { campaigns { totalCount nodes { handle status } } } }'
    )
    nodes = [
        (await api.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_)).data["node"]
        for id_ in (seal("Campaign", hidden.id), seal("Campaign", dropped.id))
    ]

    # Then it finds only what had been published
    assert listed.data["shop"]["campaigns"] == {
        "totalCount": 1,
        "nodes": [{"handle": "nebula-fox", "status": "CANCELLED"}],
    }
    assert await read_campaign(api, "a-draft") is None
    assert await read_campaign(api, "a-dropped-draft") is None
    assert nodes == [None, None]


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


async def make_full_shop(count: int) -> Shop:
    """Create a shop with as many products as campaigns, each campaign on its own product."""
    shop = await make_shop()
    for number in range(count):
        sku = f"FOX-{number:02}"
        await make_variant(shop, sku)
        ref = ShopRef(shop.id, shop.currency, shop.default_locale)
        opens_at = kernel_clock.now() + timedelta(minutes=number)
        made = await create_campaign(
            ref, draft(handle=f"run-{number:02}", skus=[sku], opens_at=opens_at)
        )
        await publish_campaign(made.id, default_locale="en")
    return shop


FULL_LISTS = """
{ shop(slug: "moonlit-forge") {
    name
    campaigns(first: 20) { totalCount pageInfo { hasNextPage hasPreviousPage } nodes {
      handle title status slotsLeft items {
        title slotsLeft currentPrice { price { amount } } variant { sku } product { title } } } }
    products(first: 20) { totalCount pageInfo { hasNextPage hasPreviousPage } nodes {
      title options { name } media { url } variants(first: 3) {
        sku title optionValues { value } presale {
          status shipsText campaign { handle } item { slotsLeft } } } } } } }
"""


async def test_twenty_campaigns_and_twenty_products_take_as_many_statements_as_one(
    api: Api, clock: ManualClock
) -> None:
    # Given 21 of each, and Redis that knows their pools
    await make_full_shop(21)
    await api.ask(FULL_LISTS)

    # When the lists are read with everything that hangs below them
    async with counted_statements() as statements:
        reply = await api.ask(FULL_LISTS)

    # Then each kind of thing was one statement, however many there are of it
    lists = reply.data["shop"]
    assert len(lists["campaigns"]["nodes"]) == len(lists["products"]["nodes"]) == 20
    assert lists["campaigns"]["totalCount"] == lists["products"]["totalCount"] == 21
    assert lists["campaigns"]["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    assert all(
        variant["presale"]["item"]["slotsLeft"] == 50
        for product in lists["products"]["nodes"]
        for variant in product["variants"]
    )
    selects = [s for s in statements if "SELECT" in s.upper() and "pg_" not in s]
    # campaigns, products, 2 counts, variants by product, options, media, variants by id, offers;
    # the shop and the one badge whose campaign is on no page are remembered for a second.
    assert 9 <= len(selects) <= 9 + 2, "\n".join(selects)


async def test_counts_and_neighbours_are_read_only_when_selected(
    api: Api, clock: ManualClock
) -> None:
    await make_full_shop(3)
    query = '{ shop(slug: "moonlit-forge") { products(last: 2) { nodes { handle } } } }'
    await api.ask(query)
    async with counted_statements() as statements:
        reply = await api.ask(query)
    assert reply.data["shop"]["products"]["nodes"] == [{"handle": "fox-01"}, {"handle": "fox-02"}]
    assert len([s for s in statements if 'FROM "product"' in s]) == 1
    assert not [s for s in statements if "COUNT(" in s.upper()]


@pytest.mark.parametrize("field", ["products", "campaigns"])
async def test_both_lists_are_walked_in_both_directions(
    api: Api, clock: ManualClock, field: str
) -> None:
    # Given five products and five campaigns
    await make_full_shop(5)
    query = (
        "query ($first: Int, $after: String, $last: Int, $before: String) {"
        f' shop(slug: "moonlit-forge") {{ {field}('
        "first: $first, after: $after, last: $last, before: $before) {"
        " edges { cursor node { handle } }"
        " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"
    )

    async def page(**window: Any) -> tuple[list[str], Any]:
        found = (await api.ask(query, **window)).data["shop"][field]
        return [edge["node"]["handle"] for edge in found["edges"]], found["pageInfo"]

    # When they are walked by two, forwards and back again
    one, info_one = await page(first=2)
    two, info_two = await page(first=2, after=info_one["endCursor"])
    three, info_three = await page(first=2, after=info_two["endCursor"])
    back, info_back = await page(last=2, before=info_three["startCursor"])

    # Then every row comes once, in one order: the oldest product, the latest opening first
    names = ["fox-00", "fox-01", "fox-02", "fox-03", "fox-04"]
    if field == "campaigns":
        names = ["run-04", "run-03", "run-02", "run-01", "run-00"]
    assert [one, two, three] == [names[:2], names[2:4], names[4:]]
    assert (info_one["hasPreviousPage"], info_one["hasNextPage"]) == (False, True)
    assert (info_two["hasPreviousPage"], info_two["hasNextPage"]) == (True, True)
    assert (info_three["hasPreviousPage"], info_three["hasNextPage"]) == (True, False)
    assert back == two
    assert (info_back["hasPreviousPage"], info_back["hasNextPage"]) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('first: 2, after: "nonsense"', "CURSOR_INVALID"),
        (f'after: "{seal("campaigns", "99999999999999999999999/x")}"', "CURSOR_INVALID"),
        ("first: -1", "ARGUMENT_INVALID"),
        ("first: 101", "ARGUMENT_INVALID"),
        ("first: 1, last: 1", "ARGUMENT_INVALID"),
    ],
)
@pytest.mark.parametrize("field", ["products", "campaigns"])
async def test_a_bad_page_is_a_clear_error(
    api: Api, clock: ManualClock, field: str, arguments: str, code: str
) -> None:
    await make_shop()
    reply = await api.ask(
        f'{{ shop(slug: "moonlit-forge") {{ {field}({arguments}) {{ nodes {{ id }} }} }} }}'
    )
    assert reply.error_codes == [code]
    assert reply.body["data"] == {"shop": None}


async def test_a_node_is_found_again_by_its_id(api: Api, clock: ManualClock) -> None:
    # Given the ids that a storefront has seen
    sale = await open_sale()
    item = sale.campaign.items[0]
    ids = {
        "Shop": seal("Shop", sale.shop.id),
        "Product": seal("Product", item.product_id),
        "ProductVariant": seal("ProductVariant", item.variant_id),
        "Campaign": seal("Campaign", sale.campaign.id),
        "CampaignItem": seal("CampaignItem", sale.item_id),
    }

    # When they are looked up, then each is that thing
    for kind, id_ in ids.items():
        reply = await api.ask("query ($id: ID!) { node(id: $id) { __typename id } }", id=id_)
        assert reply.data["node"] == {"__typename": kind, "id": id_}

    # And what does not exist, is hidden, or is no public thing is null; nonsense is told so
    await Product.filter(id=item.product_id).update(is_published=False)
    unknown = [seal(kind, new_id()) for kind in [*ids, "Order", "Nothing"]]
    for id_ in [*unknown, ids["Product"], ids["ProductVariant"]]:
        reply = await api.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_)
        assert reply.data["node"] is None
    reply = await api.ask('{ node(id: "nonsense") { id } }')
    assert reply.error_codes == ["ID_INVALID"]


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


async def test_anonymous_reads_may_be_reused_for_a_second(api: Api, clock: ManualClock) -> None:
    sale = await open_sale()
    for query in (
        '{ shop(slug: "moonlit-forge") { name campaigns { nodes { slotsLeft } } } }',
        f'{{ node(id: "{seal("Campaign", sale.campaign.id)}") {{ id }} }}',
    ):
        reply = await api.read(query)
        assert reply.data
        assert reply.headers["cache-control"] == "public, max-age=1"
        assert "accept-language" in reply.headers["vary"].lower()


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
