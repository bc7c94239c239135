"""One key, one order: however often, however late, and whatever has happened meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import cancel_campaign, revise_terms
from headless_presale.checkout import CartLine, drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.ids import customer_id_of, reservation_id_of
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.orders import OrderView, cancel_order
from headless_presale.payments import IdempotencyMismatch
from headless_presale.slots import Admitted, admit, count_available, reconcile_pool
from tests.support.shop import TERMS, open_sale, order_for
from tests.support.state import everything, stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_the_same_request_again_is_the_same_order(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5, limit=2)
    command = order_for(sale, key="key", quantity=2)
    first = await place_order(command)
    before = await everything(database_admin, redis)

    for _ in range(3):
        assert await place_order(command) == first

    assert await everything(database_admin, redis) == before
    assert len(before[0]["sales_order"]) == 1


async def test_twenty_at_once_are_one_order_with_one_answer(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5, limit=2)
    command = order_for(sale, key="key", quantity=2)

    answers = await asyncio.gather(*(place_order(command) for _ in range(20)))

    assert answers == [answers[0]] * 20
    assert answers[0].lines[0].numbers == (1, 2)
    assert len((await stored_rows(database_admin))["sales_order"]) == 1
    assert await database_admin.fetchval("SELECT count(*) FROM event") == 1 + 1 + 1
    assert await database_admin.fetchval("SELECT sum(taken) FROM customer_quota") == 2
    await drain()
    assert (await reconcile_pool(sale.pool_id)).total == 0
    assert await count_available([sale.pool_id]) == {sale.pool_id: 5 - 2}


@pytest.mark.parametrize("change", ["quantity", "lines", "buyer", "address", "expected total"])
async def test_another_request_under_the_key_is_refused_and_changes_nothing(
    redis: Redis, database_admin: asyncpg.Connection, change: str
) -> None:
    sale = await open_sale(skus=("FOX-1", "FOX-2"), capacity=5)
    command = order_for(sale, key="key")
    await place_order(command)
    before = await everything(database_admin, redis)
    other = {
        "quantity": replace(command, lines=[CartLine(sale.item_id, 2)]),
        "lines": replace(command, lines=[CartLine(sale.campaign.items[1].id, 1)]),
        "buyer": replace(command, buyer=replace(command.buyer, name="Max")),
        "address": replace(command, shipping_address=replace(command.shipping_address, city="X")),
        "expected total": replace(command, expected_total_minor=10_000),
    }[change]

    with pytest.raises(IdempotencyMismatch) as refused:
        await place_order(other)

    assert refused.value.field == ("idempotencyKey",)
    rows, keys = await everything(database_admin, redis)
    assert rows == before[0]
    # A number may have been given out and taken back; what is left is the same.
    assert await count_available([sale.pool_id]) == {sale.pool_id: 4}
    assert (await reconcile_pool(sale.pool_id)).total == 0
    assert {key for key in keys if key.endswith(":pending")} == set()


async def test_two_requests_under_one_key_at_once_are_one_order_of_one_of_them(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)
    one = order_for(sale, key="key", quantity=1)
    three = replace(one, lines=[CartLine(sale.item_id, 3)])

    answers = await asyncio.gather(
        *(place_order(command) for command in [one, three] * 10), return_exceptions=True
    )

    placed = [answer for answer in answers if isinstance(answer, OrderView)]
    assert {order.id for order in placed} == {placed[0].id}
    quantity = placed[0].lines[0].quantity
    assert quantity in (1, 3)
    # Never one request's numbers under the other one's name.
    for command, answer in zip([one, three] * 10, answers, strict=True):
        if isinstance(answer, OrderView):
            assert command.lines[0].quantity == quantity
        else:
            assert isinstance(answer, IdempotencyMismatch)
    assert await database_admin.fetchval(
        "SELECT count(*) FROM slot WHERE order_id IS NOT NULL"
    ) == (quantity)
    assert await database_admin.fetchval("SELECT sum(taken) FROM customer_quota") == quantity


async def test_a_wish_for_more_under_a_key_in_flight_gets_nothing_of_it(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)
    customer = customer_id_of(sale.shop.id, "lin@example.com")
    # One slot is reserved for the order of this key, which is being written.
    admitted = await admit(sale.pool_id, reservation_id_of(customer, "key"), customer, 1)
    before = await everything(database_admin, redis)

    with pytest.raises(IdempotencyMismatch):
        await place_order(order_for(sale, key="key", quantity=3))

    assert admitted == Admitted((1,), is_repeat=False)
    assert await everything(database_admin, redis) == before


async def test_another_customers_key_is_another_order() -> None:
    sale = await open_sale(capacity=5)

    lin = await place_order(order_for(sale, key="key", email="lin@example.com"))
    max_ = await place_order(order_for(sale, key="key", email="max@example.com"))

    assert lin.id != max_.id
    assert (lin.lines[0].numbers, max_.lines[0].numbers) == ((1,), (2,))


@pytest.mark.parametrize(
    "meanwhile",
    ["sold out", "closed", "cancelled", "terms changed", "Redis wiped", "Redis gone",
     "Redis wiped and sold out", "Redis gone and sold out", "the order was cancelled"],
)  # fmt: skip
async def test_a_late_retry_gets_the_order_whatever_happened_meanwhile(
    meanwhile: str, redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=3, limit=1)
    command = order_for(sale, key="key")
    order = await place_order(command)
    await drain()
    if "sold out" in meanwhile:
        for buyer in range(2):
            await place_order(order_for(sale, email=f"buyer{buyer}@example.com"))
        await drain()
    if meanwhile == "closed":
        clock.advance(timedelta(days=8))
    if meanwhile == "cancelled":
        await cancel_campaign(sale.campaign.id, reason="no factory")
    if meanwhile == "terms changed":
        await revise_terms(sale.campaign.id, default_locale="en", **TERMS)
    if "wiped" in meanwhile:
        await redis.flushdb()
    if "gone" in meanwhile:
        await close_redis()
        open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)
    if meanwhile == "the order was cancelled":
        await cancel_order(order.id, reason="changed my mind")
    before = await stored_rows(database_admin)

    again = await place_order(command)

    if meanwhile == "the order was cancelled":
        assert (again.id, again.status, again.total) == (order.id, "CANCELLED", order.total)
    else:
        assert again == order
    assert await stored_rows(database_admin) == before


async def test_a_refused_request_may_be_sent_again_under_its_key(clock: ManualClock) -> None:
    sale = await open_sale(capacity=1, limit=1)
    holder = await place_order(order_for(sale, email="holder@example.com"))
    command = order_for(sale, key="key")
    with pytest.raises(DomainError) as refused:
        await place_order(command)
    assert refused.value.code == "SLOTS_SOLD_OUT"

    await cancel_order(holder.id, reason="changed my mind")

    assert (await place_order(command)).lines[0].numbers == (1,)
