"""Anything a client can send gets a clear answer and changes nothing: over real HTTP."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headless_presale.checkout import place_order
from headless_presale.kernel.ids import sign_token
from headless_presale.slots.admission import keys_of
from resolvers.global_ids import seal
from tests.e2e.conftest import Stack
from tests.e2e.storefront import CANCEL, PAY, PLACE, Buyer
from tests.support.shop import Sale, deposit_plan, make_shop, make_variant, open_sale, order_for

State = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
async def sale(stack: Stack) -> Sale:
    """Open a deposit campaign of ten slots, two per customer."""
    closes_at = stack.clock.now() + timedelta(days=7)
    return await open_sale(
        shop=await make_shop("atelier", "USD"),
        capacity=10,
        limit=2,
        payment_plan=deposit_plan(closes_at),
    )


@pytest.fixture
async def state(database_admin: asyncpg.Connection, redis: Redis) -> Callable[[], Awaitable[State]]:
    """Return what reads everything that could change: each table's rows, each key's value."""

    async def read() -> State:
        names = await database_admin.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT LIKE 'procrastinate_%' "
            # A worker moves rows from the one to the other whenever it likes.
            "AND tablename NOT IN ('sales_change', 'sales_sum')"
        )
        tables = {
            row["tablename"]: await database_admin.fetchval(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {row['tablename']} t"
            )
            for row in names
        }
        tables["jobs"] = await database_admin.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name NOT IN "
            "(SELECT task_name FROM procrastinate_periodic_defers)"
        )
        pools = [row["id"] for row in await database_admin.fetch("SELECT id FROM slot_pool")]
        return tables, {str(pool_id): await _redis_state(redis, pool_id) for pool_id in pools}

    return read


async def _redis_state(redis: Redis, pool_id: UUID) -> dict[str, Any]:
    """Return what Redis says of a pool: free numbers, customers' counts, what is under way."""
    keys = keys_of(pool_id)
    first, last = await redis.hmget(keys["meta"], "next", "last")
    free = {int(str(number)) for number in await redis.zrange(keys["free"], 0, -1)}
    return {
        "free": free | set(range(int(first or 1), int(last or 0) + 1)),
        "taken": await redis.hgetall(keys["taken"]),
        "pending": await redis.hgetall(keys["pending"]),
    }


def an_order(sale: Sale, **changes: Any) -> dict[str, Any]:
    """Return the input of a good order, with changes."""
    return {
        "shop": "atelier",
        "lines": [{"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
        "acceptedTermsVersion": 1,
        "idempotencyKey": "order-1",
        **changes,
    }


def lines(*pairs: tuple[str, int]) -> dict[str, Any]:
    """Return the lines of an order."""
    return {"lines": [{"campaignItemId": item, "quantity": n} for item, n in pairs]}


def bad_orders(sale: Sale) -> dict[str, tuple[dict[str, Any], str, list[str] | None]]:
    """Return each bad order with the code and the field it must get."""
    item = seal("CampaignItem", sale.item_id)
    quantity = ["lines", "0", "quantity"]
    item_field = ["lines", "0", "campaignItemId"]
    unknown = seal("CampaignItem", sale.shop.id)
    wrong_type = seal("Campaign", sale.campaign.id)
    address = {"country": "USA", "city": "Portland", "line1": "1 Pine Street"}
    return {
        "an id that is none": (lines(("nonsense", 1)), "INVALID_INPUT", item_field),
        "the id of another thing": (lines((wrong_type, 1)), "INVALID_INPUT", item_field),
        "the id of nothing": (lines((unknown, 1)), "CAMPAIGN_ITEM_NOT_FOUND", item_field),
        "no lines": ({"lines": []}, "INVALID_INPUT", ["lines"]),
        "quantity 0": (lines((item, 0)), "INVALID_INPUT", quantity),
        "quantity -1": (lines((item, -1)), "INVALID_INPUT", quantity),
        "a huge quantity": (lines((item, 2**31 - 1)), "INVALID_INPUT", quantity),
        "more than the limit": (lines((item, 2), (item, 1)), "PURCHASE_LIMIT", quantity),
        "an unknown shop": ({"shop": "nobody"}, "SHOP_NOT_FOUND", ["shop"]),
        "stale terms": ({"acceptedTermsVersion": 7}, "TERMS_OUTDATED", ["acceptedTermsVersion"]),
        "another total": ({"expectedTotalMinor": 1}, "PRICE_CHANGED", ["expectedTotalMinor"]),
        "no e-mail address": (
            {"buyer": {"email": "lin", "name": "Lin"}},
            "INVALID_INPUT",
            ["buyer", "email"],
        ),
        "a NUL character": (
            {"buyer": {"email": "lin@example.com", "name": "L\x00n"}},
            "INVALID_INPUT",
            ["buyer", "name"],
        ),
        "no country": (
            {"shippingAddress": address},
            "INVALID_INPUT",
            ["shippingAddress", "country"],
        ),
        "an empty key": ({"idempotencyKey": " "}, "INVALID_INPUT", ["idempotencyKey"]),
        "an endless key": ({"idempotencyKey": "k" * 300}, "INVALID_INPUT", ["idempotencyKey"]),
    }


async def test_bad_orders(stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]) -> None:
    # The pool is known to Redis before, so that loading it is no change.
    await Buyer(stack).look("nebula-fox")
    before = await state()
    told = {}
    for name, (change, _, _) in bad_orders(sale).items():
        data = await stack.query(PLACE, input=an_order(sale, **change))
        assert data["orderPlace"]["order"] is None, name
        told[name] = [(e["code"], e["field"]) for e in data["orderPlace"]["userErrors"]]
        assert await state() == before, name

    assert told == {name: [(code, field)] for name, (_, code, field) in bad_orders(sale).items()}


async def test_items_that_do_not_belong_together(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]
) -> None:
    await make_variant(sale.shop, "OWL-1", title="Owl")
    sibling = await open_sale(
        shop=sale.shop, has_variants=True, skus=("OWL-1",), handle="owl", title="Owl"
    )
    foreign = await open_sale(shop=await make_shop("elsewhere", "CNY"), handle="far")
    mine = seal("CampaignItem", sale.item_id)
    before = await state()

    async def codes(**change: Any) -> list[str]:
        data = await stack.query(PLACE, input=an_order(sale, **change))
        return [error["code"] for error in data["orderPlace"]["userErrors"]]

    others = seal("CampaignItem", sibling.item_id)
    assert await codes(**lines((mine, 1), (others, 1))) == ["CAMPAIGN_MISMATCH"]
    wrong_shop = seal("CampaignItem", foreign.item_id)
    assert await codes(**lines((wrong_shop, 1))) == ["CAMPAIGN_ITEM_NOT_FOUND"]
    assert await codes(**lines((mine, 1), (wrong_shop, 1))) == ["CAMPAIGN_ITEM_NOT_FOUND"]
    assert await state() == before


async def test_currencies_do_not_mix(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]
) -> None:
    # A shop that changed its currency between two campaigns.
    sale.shop.currency = "EUR"
    await make_variant(sale.shop, "OWL-1", title="Owl")
    sibling = await open_sale(shop=sale.shop, has_variants=True, skus=("OWL-1",), handle="owl")
    before = await state()

    both = lines(
        (seal("CampaignItem", sale.item_id), 1),
        (seal("CampaignItem", sibling.item_id), 1),
    )
    data = await stack.query(PLACE, input=an_order(sale, **both))

    assert [error["code"] for error in data["orderPlace"]["userErrors"]] == ["CURRENCY_MISMATCH"]
    assert await state() == before


async def test_a_closed_campaign(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]
) -> None:
    stack.clock.advance(timedelta(days=7))
    before = await state()

    data = await stack.query(PLACE, input=an_order(sale))

    assert [error["code"] for error in data["orderPlace"]["userErrors"]] == ["CAMPAIGN_NOT_OPEN"]
    assert await state() == before


async def test_repeated_and_mismatching_keys(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]
) -> None:
    first = await stack.query(PLACE, input=an_order(sale))
    # The acknowledgement in Redis follows the answer.
    before = await state()
    while (now := await state()) != before:
        before = now

    again = await stack.query(PLACE, input=an_order(sale))
    other = await stack.query(
        PLACE, input=an_order(sale, **lines((seal("CampaignItem", sale.item_id), 2)))
    )

    assert again == first
    assert other["orderPlace"]["order"] is None
    codes = [error["code"] for error in other["orderPlace"]["userErrors"]]
    assert codes == ["IDEMPOTENCY_MISMATCH"]
    assert (await state())[0] == before[0]


async def test_bad_payments_and_cancellations(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]]
) -> None:
    order = await place_order(order_for(sale))
    token = sign_token("end-to-end", "order", order.id)
    order_id = seal("Order", order.id)
    pay = {
        "orderId": order_id,
        "token": token,
        "leg": "DEPOSIT",
        "gateway": "sandbox",
        "idempotencyKey": "pay-1",
    }
    stranger = seal("Order", sale.shop.id)
    before = (await state())[0]

    async def pay_codes(**change: Any) -> list[str]:
        data = await stack.query(PAY, input={**pay, **change})
        assert data["paymentStart"]["payment"] is None
        return [error["code"] for error in data["paymentStart"]["userErrors"]]

    assert await pay_codes(gateway="paypal") == ["GATEWAY_UNKNOWN"]
    assert await pay_codes(leg="BALANCE") == ["PAYMENT_NOT_DUE"]
    assert await pay_codes(leg="FULL") == ["PAYMENT_NOT_DUE"]
    assert await pay_codes(token="guessed") == ["ORDER_NOT_FOUND"]
    assert await pay_codes(orderId=stranger) == ["ORDER_NOT_FOUND"]
    assert await pay_codes(orderId="nonsense") == ["INVALID_INPUT"]
    assert await pay_codes(returnUrl="javascript:alert(1)") == ["INVALID_INPUT"]
    assert await pay_codes(idempotencyKey="") == ["INVALID_INPUT"]
    data = await stack.query(CANCEL, input={"orderId": order_id, "token": "guessed"})
    assert [e["code"] for e in data["orderCancel"]["userErrors"]] == ["ORDER_NOT_FOUND"]
    assert (await state())[0] == before


HOSTILE: dict[str, tuple[dict[str, Any], int, str]] = {
    "malformed JSON": ({"content": b'{"query": '}, 400, "REQUEST_INVALID"),
    "an oversized body": (
        {"content": json.dumps({"query": "{ serverTime }", "x": "y" * 110_000}).encode()},
        413,
        "REQUEST_TOO_LARGE",
    ),
    "an endless document": (
        {"content": json.dumps({"query": "{" + "a: serverTime " * 3_000 + "}"}).encode()},
        200,
        "DOCUMENT_TOO_COMPLEX",
    ),
    "a deep document": (
        {
            "content": json.dumps(
                {
                    "query": '{ shop(slug: "atelier") { campaigns { nodes '
                    + "{ items { campaign " * 10
                    + "{ id }"
                    + " } }" * 10
                    + " } } }"
                }
            ).encode()
        },
        200,
        "DOCUMENT_TOO_COMPLEX",
    ),
    "no document": ({"content": b"{}"}, 400, "REQUEST_INVALID"),
    "a batch": ({"content": b'[{"query": "{ serverTime }"}]'}, 400, "REQUEST_INVALID"),
    "an unknown field": ({"content": b'{"query": "{ moon }"}'}, 200, "DOCUMENT_INVALID"),
    "no syntax": ({"content": b'{"query": "{{{"}'}, 200, "DOCUMENT_SYNTAX"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_requests(
    stack: Stack, sale: Sale, state: Callable[[], Awaitable[State]], name: str
) -> None:
    request, status, code = HOSTILE[name]
    before = await state()

    answer = await stack.shop.post(
        "/graphql", headers={"content-type": "application/json"}, **request
    )

    body = answer.json()
    assert (answer.status_code, body["errors"][0]["extensions"]["code"]) == (status, code)
    assert await state() == before


SUBSCRIBE = '{"id": [1], "type": "subscribe", "payload": {"query": "{ serverTime }"}}'


@pytest.mark.parametrize("frame", ["[]", "1", "not json", '{"type": []}', SUBSCRIBE])
async def test_malformed_frames_close_the_socket(stack: Stack, sale: Sale, frame: str) -> None:
    url = stack.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send('{"type": "connection_init"}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(frame)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4400


async def test_nobody_reads_anothers_order(stack: Stack, sale: Sale) -> None:
    order = await place_order(order_for(sale))
    document = "query ($id: ID!, $token: String!) { order(id: $id, token: $token) { status } }"
    mine = sign_token("end-to-end", "order", order.id)

    async def look(order_id: str, token: str) -> Any:
        return (await stack.query(document, id=order_id, token=token))["order"]

    own = seal("Order", order.id)
    assert await look(own, mine) == {"status": "AWAITING_DEPOSIT"}
    # Another last letter: "x" alone would be the token itself once in 64 runs.
    assert await look(own, mine[:-1] + ("y" if mine.endswith("x") else "x")) is None
    assert await look(seal("Order", sale.shop.id), mine) is None
    assert await look("nonsense", mine) is None
