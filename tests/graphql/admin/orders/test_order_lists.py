"""A merchant's orders as lists: filtered, searched, sorted, walked both ways, counted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from headless_presale.campaigns import forget_all
from headless_presale.checkout import Buyer
from headless_presale.identity import Role, Scope
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import listing as orders_listing
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.money import place
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.staff import Caller, connect, sign_in
from tests.support.statements import counted_statements
from tests.support.till import Till, till_open

LIST = """
query ($slug: String!, $filter: OrderFilterInput, $sort: OrderSortInput, $first: Int,
       $after: String, $last: Int, $before: String) {
  merchant { shop(slug: $slug) { orders(filter: $filter, sort: $sort, first: $first, after: $after,
                                        last: $last, before: $before) {
    totalCount isTotalCountExact
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { number buyer { email } }
  } } }
}
"""
NAMES = ("ada", "bo", "cy", "dee", "eli")


@pytest.fixture
def till() -> Iterator[Till]:
    with till_open() as open_till:
        yield open_till


@pytest.fixture
async def sale(api: Api, clock: ManualClock, till: Till) -> Sale:
    """Five orders, a minute apart, of 1 to 5 units at 100.00; the second and fourth are paid."""
    sale = await open_sale()
    for quantity, name in enumerate(NAMES, start=1):
        order = await place(
            sale, quantity=quantity, buyer=Buyer(email=f"{name}@example.com", name=name.title())
        )
        if quantity % 2 == 0:
            await till.pay(order)
        clock.advance(timedelta(minutes=1))
    return sale


async def orders(api: Api, caller: Caller, slug: str = "moonlit-forge", **asked: Any) -> Any:
    reply = await api.ask(LIST, bearer=caller.token, slug=slug, **asked)
    return reply.data["merchant"]["shop"]["orders"]


def names(found: Any) -> list[str]:
    return [node["buyer"]["email"].split("@")[0] for node in found["nodes"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["eli", "dee", "cy", "bo", "ada"]),
        ({"sort": {"by": "PLACED_AT", "descending": False}}, list(NAMES)),
        ({"sort": {"by": "TOTAL", "descending": False}}, list(NAMES)),
        ({"filter": {"statuses": ["PAID"]}}, ["dee", "bo"]),
        ({"filter": {"statuses": ["PAID", "AWAITING_PAYMENT"]}}, ["eli", "dee", "cy", "bo", "ada"]),
        ({"filter": {"statuses": []}}, ["eli", "dee", "cy", "bo", "ada"]),
        ({"filter": {"totalFromMinor": 20_000, "totalUntilMinor": 30_000}}, ["cy", "bo"]),
        (
            {
                "filter": {
                    "placedFrom": "2026-03-01T12:01:00Z",
                    "placedUntil": "2026-03-01T12:03:00Z",
                }
            },
            ["cy", "bo"],
        ),
        ({"filter": {"search": " DEE@"}}, ["dee"]),
        ({"filter": {"search": "el"}}, ["eli"]),
        ({"filter": {"search": "dee", "statuses": ["AWAITING_PAYMENT"]}}, []),
        ({"filter": {"search": "%"}}, []),
        ({"filter": {"search": "x" * 101}}, []),
        ({"filter": {"search": "\x00"}}, []),
    ],
)
async def test_what_is_asked_for_is_found_in_the_order_asked_for(
    api: Api, owner: Caller, asked: dict[str, Any], expected: list[str]
) -> None:
    found = await orders(api, owner, **asked)

    assert names(found) == expected
    assert (found["totalCount"], found["isTotalCountExact"]) == (len(expected), True)


async def test_an_order_is_found_by_its_number_as_people_write_it(
    api: Api, owner: Caller, sale: Sale
) -> None:
    number = (await orders(api, owner, filter={"search": "cy"}))["nodes"][0]["number"]

    assert names(await orders(api, owner, filter={"search": number.replace("-", "").lower()})) == [
        "cy"
    ]
    query = (
        'query ($n: String, $id: ID) { merchant { shop(slug: "moonlit-forge") {'
        " order(number: $n, id: $id) { id number buyer { name } } } } }"
    )
    reply = await api.ask(query, bearer=owner.token, n=number.lower().replace("-", " "))
    order = reply.data["merchant"]["shop"]["order"]
    assert (order["number"], order["buyer"]["name"]) == (number, "Cy")
    by_id = await api.ask(query, bearer=owner.token, id=order["id"])
    assert by_id.data["merchant"]["shop"]["order"] == order
    for nothing in ({"n": "ZZZZ-ZZZZ"}, {"n": "?"}, {"id": seal("Shop", sale.shop.id)}):
        reply = await api.ask(query, bearer=owner.token, **nothing)
        assert reply.data["merchant"]["shop"]["order"] is None
    for unclear in ({}, {"n": number, "id": order["id"]}):
        assert (await api.ask(query, bearer=owner.token, **unclear)).error_codes == [
            "ARGUMENT_INVALID"
        ]


@pytest.mark.parametrize("by", ["PLACED_AT", "TOTAL"])
@pytest.mark.parametrize("statuses", [None, ["PAID", "AWAITING_PAYMENT"]])
async def test_a_list_is_walked_in_both_directions(
    api: Api, owner: Caller, by: str, statuses: list[str] | None
) -> None:
    asked: dict[str, Any] = {
        "sort": {"by": by, "descending": True},
        "filter": {"statuses": statuses},
    }
    first = await orders(api, owner, first=2, **asked)
    second = await orders(api, owner, first=2, after=first["pageInfo"]["endCursor"], **asked)
    third = await orders(api, owner, first=2, after=second["pageInfo"]["endCursor"], **asked)
    back = await orders(api, owner, last=2, before=third["pageInfo"]["startCursor"], **asked)

    assert [names(page) for page in (first, second, third, back)] == [
        ["eli", "dee"],
        ["cy", "bo"],
        ["ada"],
        ["cy", "bo"],
    ]
    assert [
        (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"])
        for page in (first, second, third, back)
    ] == [(False, True), (True, True), (True, False), (True, True)]


async def test_orders_that_are_equal_in_the_key_are_each_shown_once(
    api: Api, clock: ManualClock, sale: Sale, owner: Caller
) -> None:
    # Given six more of one moment and one total
    for number in range(6):
        await place(sale, email=f"same{number}@example.com", quantity=1)

    shown: list[str] = []
    for by in ("PLACED_AT", "TOTAL"):
        after, shown = None, []
        while True:
            page = await orders(api, owner, first=2, after=after, sort={"by": by})
            shown += names(page)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(shown) == len(set(shown)) == 5 + 6


async def test_a_cursor_of_something_else_is_refused(api: Api, owner: Caller) -> None:
    by_time = (await orders(api, owner, first=1))["pageInfo"]["endCursor"]
    wrong = [
        by_time,
        "nonsense",
        seal("orders-TOTAL", "x/y"),
        seal("orders-TOTAL", f"{10**30}/{seal('a', 1)}"),
    ]
    for cursor in wrong:
        reply = await api.ask(
            LIST, bearer=owner.token, slug="moonlit-forge", after=cursor, sort={"by": "TOTAL"}
        )
        assert reply.error_codes == ["CURSOR_INVALID"], cursor
    naive = seal("orders-PLACED_AT", "2026-03-01T12:00:00/00000000-0000-0000-0000-000000000000")
    reply = await api.ask(LIST, bearer=owner.token, slug="moonlit-forge", after=naive)
    assert reply.error_codes == ["CURSOR_INVALID"]


async def test_a_long_list_is_counted_up_to_a_bound(
    api: Api, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = orders_listing.count_orders

    async def up_to_three(wanted: Any) -> Any:
        counted.append(3)
        return await real(wanted, at_most=3)

    monkeypatch.setattr("resolvers.admin.orders.count_orders", up_to_three)

    found = await orders(api, owner, first=2)

    assert (found["totalCount"], found["isTotalCountExact"]) == (3, False)
    # Once for both fields
    assert counted == [3]


async def test_orders_of_several_shops_are_one_list_of_those_one_may_touch(
    api: Api, clock: ManualClock, sale: Sale, owner: Caller
) -> None:
    # Given a second shop of the same merchant in another currency, and a stranger's
    second = await make_shop("second", "USD")
    await Shop.filter(id=second.id).update(merchant_id=sale.shop.merchant_id)
    await place(await open_sale(shop=second), email="usd@example.com")
    clock.advance(timedelta(minutes=1))
    await place(await open_sale(shop=await make_shop("stranger")), email="stranger@example.com")
    query = """query ($shopIds: [ID!], $filter: OrderFilterInput, $sort: OrderSortInput) {
      merchant { orders(first: 3, shopIds: $shopIds, filter: $filter, sort: $sort) {
        totalCount nodes { shopId buyer { email } } } } }"""

    async def ask(caller: Caller, **asked: Any) -> Any:
        reply = await api.ask(query, bearer=caller.token, **asked)
        return reply.data["merchant"]["orders"]

    everything = await ask(owner)
    assert (names(everything), everything["totalCount"]) == (["usd", "eli", "dee"], 6)
    assert everything["nodes"][0]["shopId"] == seal("Shop", second.id)
    only = await ask(owner, shopIds=[seal("Shop", second.id)], sort={"by": "TOTAL"})
    assert (names(only), only["totalCount"]) == (["usd"], 1)
    limited = await sign_in(
        sale.shop, Role.SUPPORT, email="support@example.com", shop_ids=[second.id]
    )
    seen = await ask(limited)
    assert (names(seen), seen["totalCount"]) == (["usd"], 1)
    assert names(await ask(limited, shopIds=[seal("Shop", sale.shop.id)])) == []
    # Totals of two currencies do not compare
    for asked in ({"sort": {"by": "TOTAL"}}, {"filter": {"totalFromMinor": 1}}):
        reply = await api.ask(query, bearer=owner.token, **asked)
        assert reply.error_codes == ["ARGUMENT_INVALID"]
    for wrong in ({"shopIds": ["x"]}, {"filter": {"campaignId": seal("Shop", second.id)}}):
        assert (await api.ask(query, bearer=owner.token, **wrong)).error_codes == ["ID_INVALID"]


async def test_buyers_are_for_those_who_may_read_orders(api: Api, sale: Sale) -> None:
    reader = await connect(sale.shop, scopes={Scope.ORDERS_READ})
    other = await connect(sale.shop, scopes=set(Scope) - {Scope.ORDERS_READ})

    assert names(await orders(api, reader, first=1)) == ["eli"]
    reply = await api.ask(LIST, bearer=other.token, slug="moonlit-forge")
    assert reply.error_codes == ["FORBIDDEN"]
    assert "example.com" not in str(reply.body)


FULL_LIST = """
query ($first: Int) { merchant { shop(slug: "moonlit-forge") { orders(first: $first) {
  totalCount isTotalCountExact pageInfo { hasNextPage }
  nodes {
    id number status version quantity buyer { email name } total { amount }
    lines { title slotNumbers batches { position shipsBy } }
    money { due { minor } sum { paid { minor } refunded { minor } } gateways { gateway } }
    notes { text } merchantRefunds { amount { minor } } ledger { balances { account } }
    terms { version } campaign { title }
  } } } } }
"""


async def test_a_list_costs_the_same_whatever_its_length(
    api: Api, owner: Caller, sale: Sale
) -> None:
    costs = []
    for size in (2, 5):
        async with counted_statements() as sent:
            # The process remembers a campaign for a second.
            forget_all()
            reply = await api.ask(FULL_LIST, bearer=owner.token, first=size)
            # New connections ask once what types there are.
            own = [sql for sql in sent if "typeinfo" not in sql and "'jit'" not in sql]
            costs.append(len(own))
        assert len(reply.data["merchant"]["shop"]["orders"]["nodes"]) == size

    # Within BEGIN and COMMIT: who asks, the page and the count, both with how they are to be
    # planned, the bookings.
    framed = 3 + 4 + 4 + 3
    # Alone: merchant, shop, the campaign, payments, their refunds, notes, the merchant's refunds,
    # terms.
    assert costs == [framed + 8] * 2
