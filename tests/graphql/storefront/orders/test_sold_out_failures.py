"""What fails while sold out is looked for is told as where the order is placed."""

import asyncio
from typing import Any

import pytest

from headless_presale.checkout import place as checkout_place
from headless_presale.checkout import reservation, sold_out
from headless_presale.kernel import unit_of_work
from headless_presale.slots import SoldOut
from resolvers import orders as resolvers_orders
from tests.graphql.endpoint import Api, Reply
from tests.graphql.ordering import PLACE, order_input, place
from tests.support.shop import open_sale


@pytest.fixture
async def late(api: Api, clock: object, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The order of somebody who comes after a sale of one unit is over."""
    monkeypatch.setattr(sold_out, "_sold_out_at", {})
    sale = await open_sale(capacity=1)

    def buys(who: str) -> dict[str, Any]:
        buyer = {"email": f"{who}@example.com", "name": who}
        return order_input(sale, buyer=buyer, idempotencyKey=who)

    await place(api, buys("early"))
    refused = await api.ask(PLACE, input=buys("first"))
    assert refused.refusal("orderPlace") == "SLOTS_SOLD_OUT"
    return buys("late")


def told(reply: Reply) -> tuple[int, dict[str, Any]]:
    """Return an answer without what each request has of its own."""
    errors = [
        {**error, "extensions": {**error["extensions"], "requestId": None}}
        for error in reply.body["errors"]
    ]
    return reply.status, {**reply.body, "errors": errors}


async def ask_both_ways(
    api: Api, monkeypatch: pytest.MonkeyPatch, order: dict[str, Any]
) -> tuple[Reply, Reply]:
    short = await api.ask(PLACE, input=order)
    with monkeypatch.context() as plain:
        plain.setattr(resolvers_orders, "is_any_sold_out", lambda: False)
        return short, await api.ask(PLACE, input=order)


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ConnectionRefusedError("the database is away"), 503),
        (TimeoutError(), 503),
        (RuntimeError("nobody thought of it"), 200),
    ],
    ids=repr,
)
@pytest.mark.parametrize("where", ["admit", "find_campaign"])
async def test_a_failure_is_that_of_the_field(
    api: Api,
    late: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    status: int,
    where: str,
) -> None:
    async def fail(*args: Any, **kwargs: Any) -> Any:
        raise failure

    other = reservation if where == "admit" else checkout_place
    for module in (sold_out, other):
        monkeypatch.setattr(module, where, fail)

    short, plain = await ask_both_ways(api, monkeypatch, late)

    assert told(short) == told(plain)
    assert short.status == status
    assert short.body["errors"][0]["path"] == ["orderPlace"]


async def test_it_takes_no_longer_than_an_operation_may(
    api: Api, late: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = asyncio.Event()

    async def admit_late(*args: Any, **kwargs: Any) -> SoldOut:
        await is_over.wait()
        return SoldOut(remaining=0)

    for module in (sold_out, reservation):
        monkeypatch.setattr(module, "admit", admit_late)
    monkeypatch.setattr(api.graphql.engine, "_timeout_seconds", 0.05)

    async with asyncio.timeout(5):
        short, plain = await ask_both_ways(api, monkeypatch, late)
    # Placing goes on without its caller.
    is_over.set()
    assert await unit_of_work.drain(timeout_seconds=5) == 0

    assert told(short) == told(plain)
    assert short.status == 503
    assert short.error_codes == ["TIMEOUT"]
