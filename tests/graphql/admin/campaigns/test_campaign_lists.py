"""A merchant's campaigns as lists and one with all of it: what is read, and what it costs."""

from datetime import timedelta
from typing import Any

import pytest

from headless_presale.campaigns import (
    Campaign,
    ShopRef,
    create_campaign,
    discard_draft,
    publish_campaign,
)
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import Order, OrderStatus
from headless_presale.shops.models import Shop
from tests.graphql.endpoint import Api
from tests.support.shop import draft, make_shop, make_variant, open_sale, order_for
from tests.support.staff import Caller, sign_in
from tests.support.statements import counted_statements

LIST = """
query ($filter: AdminCampaignFilterInput, $sort: AdminCampaignSortInput, $first: Int,
       $after: String, $last: Int, $before: String) {
  merchant { shop(slug: "moonlit-forge") {
    campaigns(filter: $filter, sort: $sort, first: $first, after: $after, last: $last,
              before: $before) {
      totalCount nodes { handle status } pageInfo { hasNextPage hasPreviousPage endCursor }
  } } } }
"""
EVERYTHING = """
{ merchant { shop(slug: "moonlit-forge") { campaigns(first: 20) { nodes {
    handle title status faults { code } warnings { code }
    progress { capacity sold held left soldBps orders }
    terms { version refundPolicy { locale text } }
    items { sku title price { amount } timeTiers { name } batches { capacity shipsBy }
            progress { capacity sold held left } pool { isOpen } } } } } } }
"""


@pytest.fixture
async def shop(api: Api, clock: ManualClock) -> Shop:
    shop = await make_shop()
    await make_variant(shop)
    return shop


async def make(
    shop: Shop,
    handle: str,
    *,
    opens_in: timedelta = timedelta(0),
    publish: bool = True,
    **wish: Any,
) -> Campaign:
    ref = ShopRef(shop.id, shop.currency, "en")
    opens_at = shop.created_at + opens_in
    campaign = await create_campaign(ref, draft(handle=handle, opens_at=opens_at, **wish))
    if publish:
        await publish_campaign(campaign.id, default_locale="en")
    return campaign


async def ask(api: Api, caller: Caller, query: str = LIST, **variables: Any) -> Any:
    data = (await api.ask(query, bearer=caller.token, **variables)).data
    return data["merchant"]["shop"]["campaigns"]


async def handles(api: Api, caller: Caller, **variables: Any) -> list[str]:
    return [node["handle"] for node in (await ask(api, caller, **variables))["nodes"]]


async def test_statuses_are_those_of_the_clock_whatever_is_recorded(
    api: Api, shop: Shop, clock: ManualClock
) -> None:
    # Given one of each kind, and no sweep that recorded an opening or a close
    await make(shop, "over", days=1)
    await make(shop, "open", days=9)
    await make(shop, "coming", opens_in=timedelta(days=5))
    await make(shop, "draft", publish=False)
    clock.advance(timedelta(days=2))
    owner = await sign_in(shop)

    found = await ask(api, owner)
    by_status = {
        status: await handles(api, owner, filter={"statuses": [status]})
        for status in ("DRAFT", "SCHEDULED", "LIVE", "CLOSED", "CANCELLED")
    }

    assert {node["handle"]: node["status"] for node in found["nodes"]} == {
        "over": "CLOSED",
        "open": "LIVE",
        "coming": "SCHEDULED",
        "draft": "DRAFT",
    }
    assert by_status == {
        "DRAFT": ["draft"],
        "SCHEDULED": ["coming"],
        "LIVE": ["open"],
        "CLOSED": ["over"],
        "CANCELLED": [],
    }
    both = await ask(api, owner, filter={"statuses": ["DRAFT", "LIVE"]})
    assert both["totalCount"] == 2


async def test_a_list_is_searched_and_sorted_and_walked_both_ways(
    api: Api, shop: Shop, owner: Caller
) -> None:
    for number, days in enumerate((5, 9, 7)):
        await make(
            shop,
            f"run-{number}",
            opens_in=timedelta(hours=number),
            days=days,
            title=f"100%_Fox {number}",
        )
    await make(shop, "other", publish=False, title="An owl")

    assert await handles(api, owner, filter={"search": "0%_fOX"}) == ["run-2", "run-1", "run-0"]
    assert await handles(api, owner, filter={"search": "OTH"}) == ["other"]
    for nothing in ("0%%fox", "\x00", "x" * 101):
        assert await handles(api, owner, filter={"search": nothing}) == []

    by_close: dict[str, Any] = {
        "sort": {"by": "CLOSES_AT", "isDescending": False},
        "filter": {"search": "fox"},
    }
    one = await ask(api, owner, first=2, **by_close)
    two = await ask(api, owner, first=2, after=one["pageInfo"]["endCursor"], **by_close)
    last = await ask(api, owner, last=1, **by_close)
    assert [n["handle"] for n in one["nodes"]] == ["run-0", "run-2"]
    assert [n["handle"] for n in two["nodes"]] == ["run-1"]
    assert [n["handle"] for n in last["nodes"]] == ["run-1"]
    assert (one["pageInfo"]["hasNextPage"], two["pageInfo"]["hasPreviousPage"]) == (True, True)
    # A cursor of one order is none of another.
    reply = await api.ask(LIST, bearer=owner.token, after=one["pageInfo"]["endCursor"])
    assert reply.error_codes == ["CURSOR_INVALID"]


async def test_progress_is_counted_by_orders(
    api: Api, shop: Shop, owner: Caller, clock: ManualClock
) -> None:
    # Given 50 slots: 3 held, 4 paid for, 2 that were held once
    sale = await open_sale(shop=shop, has_variants=True)
    await place_order(order_for(sale, quantity=3))
    for email, quantity, status in (
        ("paid@example.com", 4, OrderStatus.PAID),
        ("late@example.com", 2, OrderStatus.EXPIRED),
    ):
        order = await place_order(order_for(sale, email=email, quantity=quantity))
        await Order.filter(id=order.id).update(status=status)
    await drain()

    (campaign,) = (await ask(api, owner, EVERYTHING))["nodes"]

    assert campaign["progress"] == {
        "capacity": 50,
        "sold": 4,
        "held": 3,
        "left": 50 - 4 - 3,
        "soldBps": 800,
        "orders": 2,
    }
    (item,) = campaign["items"]
    assert item["progress"] == {"capacity": 50, "sold": 4, "held": 3, "left": 43}
    assert item["batches"] == [{"capacity": 50, "shipsBy": "2026-06-30"}]


async def test_twenty_campaigns_take_as_many_statements_as_one(
    api: Api, shop: Shop, owner: Caller
) -> None:
    for number in range(20):
        await make(shop, f"run-{number}", publish=bool(number % 2), skus=("FOX-1",))
    await ask(api, owner, EVERYTHING)

    async with counted_statements() as statements:
        await api.ask("{ serverTime }", bearer=owner.token)
        statements.clear()
        found = await ask(api, owner, EVERYTHING)

    assert len(found["nodes"]) == 20
    selects = [
        s for s in statements if "SELECT" in s.upper() and "pg_" not in s and "'jit'" not in s
    ]
    # The caller, his merchant, the shop; campaigns; items with variants and products, batches,
    # pools; tallies of campaigns and of items; terms in force, and the latest of drafts and of
    # what is judged.
    assert len(selects) == 3 + 1 + 3 + 2 + 3, "\n".join(selects)
    # And no slot was looked at.
    assert [s for s in selects if "slot " in s] == []


async def test_a_campaign_is_found_by_one_of_two_names_or_is_null(
    api: Api, shop: Shop, owner: Caller
) -> None:
    campaign = await make(shop, "nebula", publish=False)
    query = (
        'query ($id: ID, $handle: String) { merchant { shop(slug: "moonlit-forge") {'
        " campaign(id: $id, handle: $handle) { id handle version } } } }"
    )

    async def find(**by: Any) -> Any:
        reply = await api.ask(query, bearer=owner.token, **by)
        return reply.data["merchant"]["shop"]["campaign"]

    found = await find(handle="nebula")
    assert found == {"id": found["id"], "handle": "nebula", "version": 1}
    assert await find(id=found["id"]) == found
    assert await find(handle="\x00") is None
    for both in ({}, {"id": found["id"], "handle": "nebula"}, {"id": "nonsense"}):
        reply = await api.ask(query, bearer=owner.token, **both)
        assert reply.error_codes == [
            "ID_INVALID" if "nonsense" in both.values() else "ARGUMENT_INVALID"
        ]
    await discard_draft(campaign.id)
    assert await find(id=found["id"]) is None
