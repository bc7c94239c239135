"""A customer and his orders: listed, read, paid, cancelled and followed without their tokens."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.checkout import place_order
from headless_presale.customers import sessions
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import CustomerAccess, OrderView, cancel_order, own
from resolvers.global_ids import seal
from schema.transport.errors import root_cause
from tests.graphql.customers import EMAIL, Storefront
from tests.graphql.endpoint import Api, footprint
from tests.graphql.following import TRACKING, following
from tests.graphql.ordering import CANCEL, MINE, ONE, START
from tests.support.shop import Sale, deposit_plan, make_shop, open_sale, order_for
from tests.support.staff import sign_in
from tests.support.statements import counted_statements


@pytest.fixture
async def sale(api: Api, clock: ManualClock) -> Sale:
    return await open_sale(capacity=100, payment_plan=deposit_plan(clock.now() + timedelta(days=7)))


async def bought(sale: Sale, email: str = EMAIL) -> OrderView:
    return await place_order(order_for(sale, email=email))


async def mine(storefront: Storefront, token: str, **arguments: Any) -> dict[str, Any]:
    reply = await storefront.api.ask(MINE, bearer=token, **arguments)
    found: dict[str, Any] = reply.data["me"]["orders"]
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [order["id"] for order in page["nodes"]]


def id_of(order: OrderView) -> str:
    return seal("Order", order.id)


async def test_orders_of_a_guest_are_his_once_he_has_proven_the_address(
    storefront: Storefront, sale: Sale, clock: ManualClock
) -> None:
    # Given orders of one mailbox, in two spellings, before anybody signed in
    first = await bought(sale)
    clock.advance(timedelta(minutes=1))
    second = await bought(sale, "Ann@Example.COM")

    token = (await storefront.sign_in())["accessToken"]

    # Then both are there, the latest first
    page = await mine(storefront, token)
    assert ids(page) == [id_of(second), id_of(first)]
    assert page["totalCount"] == 2
    assert page["nodes"][1] == {
        "id": id_of(first),
        "number": first.number,
        "status": "AWAITING_DEPOSIT",
        "total": {"minor": 10_000},
        "lines": [{"title": "Nebula Fox", "slotNumbers": [1]}],
    }


async def test_orders_of_others_are_not_among_them(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    # Given an order of another address, one in another shop, and one of a mailbox with one's own id
    other_shop = await open_sale(shop=await make_shop("elsewhere"), handle="else", skus=("ELSE-1",))
    own = await bought(sale, "strasse@example.com")
    alike = await bought(sale, "straße@example.com")
    assert alike.customer_id == own.customer_id
    theirs = [await bought(sale, "bob@example.com"), alike]
    theirs.append(await bought(other_shop, "strasse@example.com"))

    token = (await storefront.sign_in("strasse@example.com"))["accessToken"]

    page = await mine(storefront, token)
    assert (ids(page), page["totalCount"]) == ([id_of(own)], 1)
    assert (await api.ask(ONE, bearer=token, id=id_of(own))).data["order"]["id"] == id_of(own)
    for order in theirs:
        assert (await api.ask(ONE, bearer=token, id=id_of(order))).data == {"order": None}


async def test_pages_go_both_ways_and_end(
    storefront: Storefront, sale: Sale, clock: ManualClock
) -> None:
    # Given five orders, two of them of one moment
    placed = []
    for minutes in (0, 1, 1, 1, 0):
        clock.advance(timedelta(minutes=minutes))
        placed.append(await bought(sale))
    latest_first = [
        id_of(o) for o in sorted(placed, key=lambda o: (o.placed_at, o.id), reverse=True)
    ]
    token = (await storefront.sign_in())["accessToken"]

    page = await mine(storefront, token, first=2)
    seen = ids(page)
    for _ in range(2):
        page = await mine(storefront, token, first=2, after=page["pageInfo"]["endCursor"])
        seen += ids(page)
    assert seen == latest_first
    assert page["pageInfo"]["hasNextPage"] is False
    back = await mine(storefront, token, last=2, before=page["pageInfo"]["startCursor"])
    assert ids(back) == latest_first[2:4]
    assert back["pageInfo"]["hasPreviousPage"] is True

    reply = await storefront.api.ask(MINE, bearer=token, after=seal("orders-PLACED_AT", "1"))
    assert reply.error_codes == ["CURSOR_INVALID"]


async def test_states_can_be_asked_for(storefront: Storefront, sale: Sale) -> None:
    kept, gone = await bought(sale), await bought(sale)
    await cancel_order(gone.id, reason="changed my mind")
    token = (await storefront.sign_in())["accessToken"]

    cancelled = await mine(storefront, token, statuses=["CANCELLED", "EXPIRED"])
    assert (ids(cancelled), cancelled["totalCount"]) == ([id_of(gone)], 1)
    waiting = await mine(storefront, token, statuses=["AWAITING_DEPOSIT"])
    assert ids(waiting) == [id_of(kept)]
    assert (await mine(storefront, token, statuses=[]))["totalCount"] == 2


async def test_eight_orders_cost_as_many_statements_as_one(
    storefront: Storefront, sale: Sale
) -> None:
    query = """{ me { orders { nodes { id lines { title } payments { id }
               terms { version } dueNow { leg } } } } }"""
    token = (await storefront.sign_in())["accessToken"]
    costs = []
    for more in (1, 7):
        for _ in range(more):
            await bought(sale)
        async with counted_statements() as sent:
            assert "errors" not in (await storefront.api.ask(query, bearer=token)).body
            costs.append(len([s for s in sent if "SELECT" in s and "pg_" not in s]))

    # Who asks, the page, the payments, the terms, their shop.
    assert costs == [5, 5]


async def test_his_own_order_needs_no_token(storefront: Storefront, sale: Sale, api: Api) -> None:
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    input_ = {"orderId": id_of(order)}

    read = await api.ask(ONE, bearer=token, id=id_of(order))
    assert read.data["order"] == {"id": id_of(order), "buyer": {"email": EMAIL}}
    assert read.headers["cache-control"] == "no-store"
    paying = {**input_, "leg": "DEPOSIT", "gateway": "nowhere", "idempotencyKey": "pay"}
    started = (await api.ask(START, bearer=token, input=paying)).data["paymentStart"]
    # As far as the gateway, of which there is none here.
    assert [e["code"] for e in started["userErrors"]] == ["GATEWAY_UNKNOWN"]
    cancelled = (await api.ask(CANCEL, bearer=token, input=input_)).data["orderCancel"]
    assert cancelled["userErrors"] == []
    assert cancelled["order"]["status"] == "CANCELLED"


@pytest.mark.parametrize("is_looked_at", [True, False], ids=["attack", "control"])
async def test_who_has_signed_out_reads_none_whose_ever_it_is(
    storefront: Storefront, sale: Sale, monkeypatch: pytest.MonkeyPatch, is_looked_at: bool
) -> None:
    if not is_looked_at:
        blind = sessions.SIGNED_IN.replace("g.revoked_at IS NULL", "TRUE")
        assert blind != sessions.SIGNED_IN
        monkeypatch.setattr(own, "SIGNED_IN", blind)
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    await storefront.sign_out(token)

    answers = [
        await storefront.api.ask(ONE, bearer=token, id=seal("Order", id_))
        for id_ in (order.id, uuid4())
    ]

    if is_looked_at:
        assert [answer.error_codes for answer in answers] == [["UNAUTHENTICATED"]] * 2
    else:
        assert [answer.data["order"] is None for answer in answers] == [False, True]


@pytest.mark.parametrize("who", ["another customer", "nobody", "the shop's owner", "a wrong token"])
async def test_for_everybody_else_it_does_not_exist(
    storefront: Storefront,
    sale: Sale,
    api: Api,
    who: str,
    database_admin: asyncpg.Connection,
) -> None:
    # Given an order, and somebody it is not for
    order = await bought(sale)
    bearer, token = None, None
    match who:
        case "another customer":
            bearer = (await storefront.sign_in("bob@example.com"))["accessToken"]
        case "the shop's owner":
            bearer = (await sign_in(sale.shop)).token
        case "a wrong token":
            # The order is his: but what he says that he has is not.
            bearer, token = (await storefront.sign_in())["accessToken"], "guess"
    before = await footprint(database_admin)
    paying = {"leg": "DEPOSIT", "gateway": "sandbox", "idempotencyKey": "pay"}

    # When he asks for it, and for one that there is not
    answers = []
    for id_ in (id_of(order), seal("Order", uuid4())):
        body = {"orderId": id_, "token": token}
        answers.append(
            [
                (await api.ask(ONE, bearer=bearer, id=id_, token=token)).data,
                (await api.ask(CANCEL, bearer=bearer, input=body)).data,
                (await api.ask(START, bearer=bearer, input={**body, **paying})).data,
            ]
        )

    # Then the answers are the same, and nothing has changed
    assert answers[0] == answers[1]
    assert answers[0][0] == {"order": None}
    assert answers[0][1]["orderCancel"]["userErrors"][0]["code"] == "ORDER_NOT_FOUND"
    assert answers[0][2]["paymentStart"]["userErrors"][0]["code"] == "ORDER_NOT_FOUND"
    assert await footprint(database_admin) == before


async def test_control_what_keeps_another_customer_out_is_the_look_at_whose_it_is(
    storefront: Storefront, sale: Sale, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerAccess, "opens", lambda self, order: True)
    order = await bought(sale)
    bob = (await storefront.sign_in("bob@example.com"))["accessToken"]

    assert (await api.ask(ONE, bearer=bob, id=id_of(order))).data["order"]["id"] == id_of(order)
    cancelled = (await api.ask(CANCEL, bearer=bob, input={"orderId": id_of(order)})).data
    assert cancelled["orderCancel"]["userErrors"] == []


async def test_who_has_signed_out_gets_at_nothing(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    await storefront.sign_out(token)

    assert (await api.ask(ONE, bearer=token, id=id_of(order))).error_codes == ["UNAUTHENTICATED"]
    reply = await api.ask(CANCEL, bearer=token, input={"orderId": id_of(order)})
    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])


async def test_signing_out_counts_for_the_next_mutation_of_the_same_document(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    query = f"""mutation {{
      signOut(input: {{}}) {{ ended }}
      orderCancel(input: {{ orderId: "{id_of(order)}" }}) {{ order {{ status }} }} }}"""

    reply = await api.ask(query, bearer=token)

    assert reply.error_codes == ["UNAUTHENTICATED"]
    assert await cancel_order(order.id, reason="later") is not None


async def test_his_own_order_is_followed_without_a_token(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    async with aclosing(api.follow(TRACKING, bearer=token, id=id_of(order))) as stream:
        assert (await following(stream))["type"] == "order.placed"
        await cancel_order(order.id, reason="changed my mind")
        assert (await following(stream))["order"] == {"status": "CANCELLED"}


async def test_who_signs_out_is_told_nothing_more(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    order = await bought(sale)
    token = (await storefront.sign_in())["accessToken"]
    async with aclosing(api.follow(TRACKING, bearer=token, id=id_of(order))) as stream:
        await following(stream)
        await storefront.sign_out(token)
        await cancel_order(order.id, reason="changed my mind")
        outcome = await asyncio.wait_for(anext(stream), 30)

    assert outcome.data is None
    assert outcome.errors is not None
    assert getattr(root_cause(outcome.errors[0]), "code", None) == "UNAUTHENTICATED"


async def test_another_customer_follows_nothing(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    order = await bought(sale)
    bob = (await storefront.sign_in("bob@example.com"))["accessToken"]
    for bearer in (bob, None):
        async with aclosing(api.follow(TRACKING, bearer=bearer, id=id_of(order))) as stream:
            outcome = await asyncio.wait_for(anext(stream), 30)
        assert outcome.errors is not None
        assert getattr(root_cause(outcome.errors[0]), "code", None) == "ORDER_NOT_FOUND"
