"""Sold out, told before an order is prepared: the same answer, and nothing else is different."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain, sold_out
from headless_presale.kernel.redis_batches import Batches, Command
from headless_presale.slots.admission import keys_of
from resolvers import orders as resolvers_orders
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api, Reply
from tests.graphql.ordering import CANCEL, PLACE, line, order_input, place
from tests.support.shop import Sale, open_sale
from tests.support.state import everything
from tests.support.statements import counted_statements

SHORT = """
mutation M($a: OrderPlaceInput!) { one: orderPlace(input: $a) { __typename userErrors { field } } }
"""
PARTS = """
mutation Fragments($input: OrderPlaceInput!) { orderPlace(input: $input) { ...P orderToken } }
fragment P on OrderPlacePayload { userErrors { ... on SlotsSoldOutError { remaining } message } }
"""
WRITTEN = """
mutation ($mail: String!, $item: ID!) { orderPlace(input: {
  shop: "moonlit-forge", idempotencyKey: "w", buyer: { name: "Lin", email: $mail },
  lines: [{ campaignItemId: $item, quantity: 1 }],
  acceptedTermsVersion: 1, shippingAddress: { country: "CN", city: "Shanghai", line1: "1" } }) {
  userErrors { code } } }
"""


@pytest.fixture
async def sale(database: str, redis: Redis, clock: object) -> Sale:
    """A sale of one unit for each customer, two in all."""
    return await open_sale(capacity=2, limit=1)


@pytest.fixture
def foretold(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was answered of each order before it was placed."""
    answers: list[object] = []
    find = sold_out.find_sold_out

    async def note(command: Any) -> Any:
        answers.append(await find(command))
        return answers[-1]

    monkeypatch.setattr(sold_out, "_sold_out_at", {})
    monkeypatch.setattr(resolvers_orders, "find_sold_out", note)
    return answers


async def sell_out(api: Api, sale: Sale) -> list[Any]:
    """Sell both, refuse one more; return the two."""
    sold = [await place(api, buys(sale, f"early-{number}")) for number in range(2)]
    refused = await api.ask(PLACE, input=buys(sale, "late"))
    assert refused.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    return sold


def buys(sale: Sale, who: str, **changes: Any) -> dict[str, Any]:
    buyer = {"email": f"{who}@example.com", "name": who}
    return order_input(sale, buyer=buyer, idempotencyKey=who, **changes)


async def asked_both_ways(
    api: Api, monkeypatch: pytest.MonkeyPatch, document: str, language: str, **variables: Any
) -> tuple[Reply, Reply]:
    short = await api.ask(document, language=language, **variables)
    with monkeypatch.context() as plain:
        plain.setattr(resolvers_orders, "is_any_sold_out", lambda: False)
        return short, await api.ask(document, language=language, **variables)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_it_is_told_as_when_the_order_is_placed(
    api: Api, sale: Sale, foretold: list[object], monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    await sell_out(api, sale)
    for variable, document in (("input", PLACE), ("a", SHORT), ("input", PARTS)):
        for who in ("ann", "ben", "cay"):
            del foretold[:]
            short, plain = await asked_both_ways(
                api, monkeypatch, document, language, **{variable: buys(sale, who)}
            )
            assert (short.status, short.body) == (plain.status, plain.body)
            assert [*short.headers.items()] == [*plain.headers.items()]
            assert [answer is not None for answer in foretold] == [True]
    told = await api.ask(PLACE, language=language, input=buys(sale, "dan"))
    (refusal,) = told.data["orderPlace"]["userErrors"]
    assert refusal["code"] == "SLOTS_SOLD_OUT"
    assert refusal["remaining"] == 0
    assert refusal["field"] == ["lines", "0", "quantity"]


async def test_what_is_wrong_with_an_order_is_told_as_ever(
    api: Api, sale: Sale, foretold: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell_out(api, sale)
    wrong: list[dict[str, Any]] = [
        {"shop": "nobodys"},
        {"acceptedTermsVersion": 7},
        {"idempotencyKey": ""},
        {"locale": "nonsense"},
        {"lines": []},
        {"lines": [line(sale, 0)]},
        {"lines": [line(sale, 101)]},
        {"lines": [{"campaignItemId": "nothing", "quantity": 1}]},
        {"lines": None},
        {"cartId": "nothing"},
        {"buyer": {"name": "Lin"}},
        {"buyer": {"name": "Lin", "email": "nobody"}},
        {"buyer": {"name": "", "email": "lin@example.com"}},
        {"shippingAddress": {"country": "cn", "city": "Shanghai", "line1": "1"}},
        {"lines": [line(sale, 2)]},
        {"idempotencyKey": 1},
        {"unknown": 1},
    ]
    for changes in wrong:
        short, plain = await asked_both_ways(
            api, monkeypatch, PLACE, "en", input={**buys(sale, "ann"), **changes}
        )
        assert (short.status, short.body) == (plain.status, plain.body), changes
        if "errors" not in plain.body:
            assert plain.refusal("orderPlace") is not None, changes


async def test_neither_the_database_is_asked_nor_anything_changed(
    api: Api, sale: Sale, foretold: list[object], database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await sell_out(api, sale)
    await api.ask(PLACE, input=buys(sale, "ann"))
    before = await everything(database_admin, redis)
    async with counted_statements() as sent:
        for who in ("ben", "cay"):
            told = await api.ask(PLACE, input=buys(sale, who))
            assert told.refusal("orderPlace") == "SLOTS_SOLD_OUT"
        assert sent == []
    assert await everything(database_admin, redis) == before
    assert len(foretold) == 3


async def test_redis_is_asked_once(
    api: Api, sale: Sale, foretold: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell_out(api, sale)
    await api.ask(PLACE, input=buys(sale, "ann"))
    asked: list[Command] = []
    send = Batches._send

    async def note(self: Batches, commands: Any) -> Any:
        asked.extend(commands)
        return await send(self, commands)

    monkeypatch.setattr(Batches, "_send", note)
    await api.ask(PLACE, input=buys(sale, "ben"))
    assert [command[0] for command in asked] == ["EVALSHA"]


async def test_whoever_has_his_order_is_given_it_again(
    api: Api, sale: Sale, foretold: list[object]
) -> None:
    first, _ = await sell_out(api, sale)
    again = await api.ask(PLACE, input=buys(sale, "early-0"))
    assert again.data["orderPlace"]["order"]["id"] == first["order"]["id"]
    assert foretold == [None]

    other = await api.ask(PLACE, input=buys(sale, "early-0", lines=[line(sale, 2)]))
    assert other.refusal("orderPlace") == "IDEMPOTENCY_MISMATCH"
    limited = await api.ask(PLACE, input={**buys(sale, "early-0"), "idempotencyKey": "another"})
    assert limited.refusal("orderPlace") == "PURCHASE_LIMIT"


async def test_a_slot_that_comes_back_is_sold_at_once(
    api: Api, sale: Sale, foretold: list[object], redis: Redis
) -> None:
    first, _ = await sell_out(api, sale)
    assert (await api.ask(PLACE, input=buys(sale, "ann"))).refusal("orderPlace") is not None
    key = {"orderId": first["order"]["id"], "token": first["orderToken"]}
    assert (await api.ask(CANCEL, input=key)).refusal("orderCancel") is None

    numbers = first["order"]["lines"][0]["slotNumbers"]
    ben = await place(api, buys(sale, "ben"))
    assert ben["order"]["lines"][0]["slotNumbers"] == numbers
    cay = await api.ask(PLACE, input=buys(sale, "cay"))
    assert cay.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    # What was asked for ahead is a reservation no more.
    await drain()
    assert await redis.hlen(keys_of(sale.pool_id)["pending"]) == 0


async def test_of_customers_and_of_other_documents_more_is_looked_at(
    api: Api, sale: Sale, storefront: Storefront, foretold: list[object]
) -> None:
    await sell_out(api, sale)
    lin = await storefront.sign_in("lin@example.com")
    del foretold[:]
    told = await api.ask(
        PLACE, bearer=lin["accessToken"], input=order_input(sale, idempotencyKey="lin")
    )
    assert told.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    assert foretold == []

    told = await api.ask(
        WRITTEN, mail="ann@example.com", item=order_input(sale)["lines"][0]["campaignItemId"]
    )
    assert told.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    assert foretold == []


async def test_while_redis_may_have_forgotten_the_database_is_asked(
    api: Api, sale: Sale, foretold: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell_out(api, sale)
    monkeypatch.setattr(sold_out, "is_troubled", lambda: True)
    told = await api.ask(PLACE, input=buys(sale, "ann"))
    assert told.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    assert foretold == [None]


async def test_after_a_while_nothing_is_expected(
    api: Api, sale: Sale, foretold: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell_out(api, sale)
    monkeypatch.setattr(sold_out, "REMEMBER_SECONDS", 0.0)
    await api.ask(PLACE, input=buys(sale, "ann"))
    # Not even looked at: orders of all other sales would pay for that.
    assert foretold == []
    assert list(sold_out._sold_out_at) == [sale.pool_id]


def test_each_pool_is_forgotten_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0  # 103.0 for the second, 106.0 for the first again
    monkeypatch.setattr(sold_out, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(sold_out, "_sold_out_at", {})
    first, second = UUID(int=1), UUID(int=2)
    for pool_id in (first, second, first):
        sold_out.note_sold_out(pool_id)
        now += 3.0

    now = 115.9
    assert sold_out.is_any_sold_out()
    assert not sold_out._was_sold_out(second)
    assert sold_out._was_sold_out(first)

    now = 116.0
    assert not sold_out.is_any_sold_out()
