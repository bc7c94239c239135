"""Lists and nodes: pages in both directions, statements that do not grow, reuse."""

from datetime import timedelta
from typing import Any

import pytest

from headless_presale.campaigns import (
    ShopRef,
    create_campaign,
    publish_campaign,
)
from headless_presale.catalog import Product
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import (
    draft,
    make_shop,
    make_variant,
    open_sale,
)
from tests.support.statements import counted_statements


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
