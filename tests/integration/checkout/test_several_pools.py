"""An order over several pools has all of them or none, and two never wait for each other."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import forget_all
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.orders import OrderView
from headless_presale.slots import (
    PurchaseLimitReached,
    SlotsSoldOut,
    count_available,
    reconcile_pool,
)
from tests.support.shop import order_for, two_items
from tests.support.state import everything, stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_one_order_takes_from_every_pool(database_admin: asyncpg.Connection) -> None:
    sale, lines = await two_items(3, 3)

    order = await place_order(order_for(sale, lines=lines))

    assert [(line.item_id, line.numbers) for line in order.lines] == [
        (lines[0].item_id, (1,)),
        (lines[1].item_id, (1,)),
    ]
    assert order.total.amount_minor == 2 * 10_000
    owned = await database_admin.fetch("SELECT pool_id FROM slot WHERE order_id = $1", order.id)
    assert {row["pool_id"] for row in owned} == {item.pool_id for item in sale.campaign.items}


@pytest.mark.parametrize("scarce", [0, 1])
async def test_sold_out_in_one_pool_takes_nothing_of_the_other(
    scarce: int, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale, lines = await two_items(*((1, 5) if scarce == 0 else (5, 1)))
    await place_order(order_for(sale, email="first@example.com", lines=[lines[scarce]]))
    # A number is given out and taken back once; from then on Redis holds the same after as before.
    with pytest.raises(SlotsSoldOut):
        await place_order(order_for(sale, lines=lines))
    before = await everything(database_admin, redis)

    with pytest.raises(SlotsSoldOut) as refused:
        await place_order(order_for(sale, lines=lines))

    assert refused.value.params == {"remaining": 0}
    # The line that asked for it is named.
    assert refused.value.field == ("lines", str(scarce), "quantity")
    assert await everything(database_admin, redis) == before


@pytest.mark.parametrize("scarce", [0, 1])
async def test_without_redis_it_is_all_or_none_too(
    scarce: int, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale, lines = await two_items(*((1, 5) if scarce == 0 else (5, 1)))
    await place_order(order_for(sale, email="first@example.com", lines=[lines[scarce]]))
    await drain()
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)
    before = await stored_rows(database_admin)

    with pytest.raises(SlotsSoldOut) as refused:
        await place_order(order_for(sale, lines=lines))

    assert refused.value.field == ("lines", str(scarce), "quantity")
    assert await stored_rows(database_admin) == before
    other = await place_order(order_for(sale, lines=[lines[1 - scarce]]))
    assert other.lines[0].numbers == (1,)


@pytest.mark.parametrize("has_redis", [True, False], ids=["with Redis", "without Redis"])
async def test_the_line_over_its_item_s_limit_is_named(
    has_redis: bool, database_admin: asyncpg.Connection
) -> None:
    sale, lines = await two_items(5, 5)
    limited = lines[1].item_id
    await database_admin.execute(
        "UPDATE campaign_item SET limit_per_customer = 1 WHERE id = $1", limited
    )
    await database_admin.execute(
        "UPDATE slot_pool SET limit_per_customer = 1 "
        "WHERE id = (SELECT pool_id FROM campaign_item WHERE id = $1)",
        limited,
    )
    forget_all()
    if not has_redis:
        await close_redis()
        open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)

    with pytest.raises(PurchaseLimitReached) as refused:
        await place_order(order_for(sale, lines=[lines[0], replace(lines[1], quantity=2)]))

    assert refused.value.params == {"limit": 1, "taken": 0}
    assert refused.value.field == ("lines", "1", "quantity")


@pytest.mark.parametrize("has_redis", [True, False], ids=["with Redis", "without Redis"])
async def test_carts_in_opposite_order_all_go_through(
    has_redis: bool, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale, lines = await two_items(40, 40)
    if not has_redis:
        await close_redis()
        open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)

    async def buy(number: int) -> OrderView:
        cart = lines if number % 2 else lines[::-1]
        return await place_order(
            # One customer in four: quota rows are fought for as well.
            order_for(sale, email=f"buyer{number % 10}@example.com", lines=cart)
        )

    orders = await asyncio.gather(*map(buy, range(40)))

    for index in (0, 1):
        numbers = sorted(number for order in orders for number in order.lines[index].numbers)
        assert numbers == list(range(1, 41))
    assert await database_admin.fetchval("SELECT sum(taken) FROM customer_quota") == 40 + 40
    await drain()
    if has_redis:
        for item in sale.campaign.items:
            assert (await reconcile_pool(item.pool_id)).total == 0
            assert await count_available([item.pool_id]) == {item.pool_id: 0}
