"""Buyers of several units and of several items at once, and the controls that show why it holds."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import CartLine, drain, place, place_order, reservation, together
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders import OrderView
from headless_presale.slots import PoolOrder, count_available, take_quotas
from tests.support.invariants import broken_invariants
from tests.support.shop import Sale, open_sale, order_for, two_items

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

Outcome = OrderView | BaseException


async def _rush(orders: Sequence[Any]) -> list[Outcome]:
    return await asyncio.gather(*map(place_order, orders), return_exceptions=True)


def _placed(outcomes: Sequence[Outcome]) -> list[OrderView]:
    return [outcome for outcome in outcomes if isinstance(outcome, OrderView)]


def _refusals(outcomes: Sequence[Outcome]) -> Counter[str]:
    return Counter(
        outcome.code if isinstance(outcome, DomainError) else type(outcome).__name__
        for outcome in outcomes
        if not isinstance(outcome, OrderView)
    )


@pytest.fixture(params=["Redis", "no Redis"])
async def has_redis(request: pytest.FixtureRequest, redis: Redis) -> bool:
    """Sell with Redis and without."""
    return bool(request.param == "Redis")


async def _lose_redis() -> None:
    await drain()
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)


async def test_three_at_a_time_of_ten_leave_one_for_a_single_buyer(
    has_redis: bool, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)
    if not has_redis:
        await _lose_redis()

    outcomes = await _rush(
        [order_for(sale, email=f"b{number}@example.com", quantity=3) for number in range(20)]
    )

    orders = _placed(outcomes)
    assert len(orders) == 10 // 3
    assert _refusals(outcomes) == {"SLOTS_SOLD_OUT": 20 - 3}
    assert all(len(order.lines[0].numbers) == 3 for order in orders)
    taken = {number for order in orders for number in order.lines[0].numbers}
    assert len(taken) == 9

    # the one that is left goes to who wants one, and to nobody else
    last = await _rush([order_for(sale, email=f"s{number}@example.com") for number in range(20)])

    assert [order.lines[0].numbers for order in _placed(last)] == [
        tuple(set(range(1, 11)) - taken),
    ]
    assert _refusals(last) == {"SLOTS_SOLD_OUT": 19}
    assert await broken_invariants(database_admin) == {}


async def test_control_numbers_taken_one_by_one_tear_orders_apart(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=10)
    await _lose_redis()

    async def claim_what_is_left(
        work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]
    ) -> None:
        for order_id, order in orders:
            for number in order.numbers:
                await work.execute(
                    "UPDATE slot SET order_id = $1 "
                    "WHERE pool_id = $2 AND number = $3 AND order_id IS NULL",
                    order_id,
                    order.pool_id,
                    number,
                )

    async def pick_without_locking(
        work: UnitOfWork, pool_id: UUID, quantity: int
    ) -> tuple[int, ...]:
        rows = await work.fetch(
            "SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL ORDER BY number "
            "LIMIT $2",
            pool_id,
            quantity,
        )
        return tuple(row["number"] for row in rows)

    monkeypatch.setattr(together, "claim_all", claim_what_is_left)
    monkeypatch.setattr(place, "pick_free", pick_without_locking)

    await _rush(
        [order_for(sale, email=f"b{number}@example.com", quantity=3) for number in range(20)]
    )

    broken = await broken_invariants(database_admin)
    assert "an order owns the very numbers its lines name" in broken


async def test_lines_of_one_item_are_judged_by_their_sum(
    has_redis: bool, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5, limit=3)
    if not has_redis:
        await _lose_redis()
    line = CartLine(sale.item_id, 2)

    # 2 + 2 = 4: each line is within the limit of 3, their sum is not
    with pytest.raises(DomainError) as over_limit:
        await place_order(order_for(sale, lines=[line, line]))
    assert over_limit.value.code == "PURCHASE_LIMIT"
    assert over_limit.value.params == {"limit": 3, "taken": 0}

    # 1 + 2 = 3: as much as anybody may have
    order = await place_order(order_for(sale, lines=[CartLine(sale.item_id, 1), line]))
    assert [(li.quantity, li.numbers) for li in order.lines] == [(3, (1, 2, 3))]

    # 1 + 2 = 3 where 5 - 3 = 2 are left: each line is to be had, their sum is not
    with pytest.raises(DomainError) as sold_out:
        await place_order(
            order_for(sale, email="max@example.com", lines=[CartLine(sale.item_id, 1), line])
        )
    assert sold_out.value.code == "SLOTS_SOLD_OUT"
    assert sold_out.value.params == {"remaining": 2}
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 1
    assert await broken_invariants(database_admin) == {}


async def _opposite_carts(sale: Sale, lines: list[CartLine], pairs: int) -> list[Outcome]:
    """Send pairs of orders over the same two items, in opposite order; each pair is one customer.

    What two orders can wait for is the customer's quota rows: slots they never share.
    """
    return await _rush(
        [
            order_for(sale, email=f"b{pair}@example.com", lines=cart)
            for pair in range(pairs)
            for cart in (lines, lines[::-1])
        ]
    )


async def test_fifty_pairs_of_opposite_carts_are_all_placed(
    has_redis: bool, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale, lines = await two_items(100, 100)
    if not has_redis:
        await _lose_redis()
    deadlocks = await _deadlocks(database_admin)

    outcomes = await _opposite_carts(sale, lines, 50)

    assert _refusals(outcomes) == {}
    orders = _placed(outcomes)
    for index in (0, 1):
        numbers = sorted(number for order in orders for number in order.lines[index].numbers)
        assert numbers == list(range(1, 101))
    assert await _deadlocks(database_admin) == deadlocks
    await drain()
    assert await broken_invariants(database_admin, redis if has_redis else None) == {}


async def test_control_pools_locked_in_the_order_of_the_cart_deadlock(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, lines = await two_items(10, 10)
    carts = iter((1, -1))

    async def take_quota_by_cart(
        work: UnitOfWork, orders: Sequence[tuple[UUID, PoolOrder]]
    ) -> None:
        for order in sorted(orders, key=lambda each: each[1].pool_id)[:: next(carts)]:
            await take_quotas(work, [order])
            # Both orders have their first row before either asks for its second.
            await asyncio.sleep(0.1)

    monkeypatch.setattr(together, "take_quotas", take_quota_by_cart)
    deadlocks = await _deadlocks(database_admin)

    outcomes = await _opposite_carts(sale, lines, 1)

    assert len(_placed(outcomes)) == 1
    assert _refusals(outcomes) == {"Unavailable": 1}
    assert await _deadlocks(database_admin) == deadlocks + 1


async def _deadlocks(admin: asyncpg.Connection) -> int:
    """Return how many deadlocks PostgreSQL has broken up in this database."""
    await admin.execute("SELECT pg_stat_force_next_flush()")
    await admin.execute("SELECT pg_stat_clear_snapshot()")
    count: int = await admin.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return count


async def test_a_second_pool_that_is_sold_out_gives_the_first_ones_numbers_back(
    has_redis: bool, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    # given: 10 of the one and 4 of the other, and twenty buyers who want both
    sale, lines = await two_items(10, 4)
    first, second = (item.pool_id for item in sale.campaign.items)
    if not has_redis:
        await _lose_redis()

    outcomes = await _rush(
        [order_for(sale, email=f"b{number}@example.com", lines=lines) for number in range(20)]
    )

    assert len(_placed(outcomes)) == 4
    assert _refusals(outcomes) == {"SLOTS_SOLD_OUT": 20 - 4}
    await drain()
    assert await count_available([first, second]) == {first: 10 - 4, second: 0}
    free = "SELECT count(*) FROM slot WHERE pool_id = $1 AND order_id IS NULL"
    assert await database_admin.fetchval(free, first) == 10 - 4
    assert await broken_invariants(database_admin, redis if has_redis else None) == {}

    # and: what came back is sold
    rest = await _rush(
        [order_for(sale, email=f"s{number}@example.com", lines=lines[:1]) for number in range(8)]
    )
    assert len(_placed(rest)) == 6
    assert _refusals(rest) == {"SLOTS_SOLD_OUT": 2}


async def test_control_a_reservation_that_is_not_ended_withholds_the_first_pool(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, lines = await two_items(10, 4)
    first = sale.campaign.items[0].pool_id

    async def forget(self: reservation.Reservation) -> None:
        """Keep what was reserved."""

    monkeypatch.setattr(reservation.Reservation, "end", forget)
    assert first < sale.campaign.items[1].pool_id, "the larger pool has to be asked first"

    await _rush(
        [order_for(sale, email=f"b{number}@example.com", lines=lines) for number in range(20)]
    )
    await drain()

    # 4 orders, and 6 of the 16 who were refused hold a number of the first pool
    assert await count_available([first]) == {first: 0}
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 4
