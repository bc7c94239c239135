"""The database's side: who owns a number is decided here, with Redis or without."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.ids import new_id
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import (
    PoolOrder,
    PurchaseLimitReached,
    SlotConflict,
    SlotsSoldOut,
    claim,
    close_pools,
    count_available,
    extend_pool,
    pick_free,
    take_quota,
)
from headless_presale.slots.admission import admit, keys_of
from headless_presale.slots.resizing import BATCH
from tests.integration.slots.pools import disown, make_pool, own, said

pytestmark = pytest.mark.usefixtures("database", "redis")

LIN, MAX = UUID(int=1), UUID(int=2)


async def _owned(admin: asyncpg.Connection) -> list[tuple[UUID, int, UUID]]:
    rows = await admin.fetch(
        "SELECT pool_id, number, order_id FROM slot WHERE order_id IS NOT NULL ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def _taken(admin: asyncpg.Connection) -> dict[tuple[UUID, UUID], int]:
    rows = await admin.fetch("SELECT pool_id, customer_id, taken FROM customer_quota")
    return {(row["pool_id"], row["customer_id"]): row["taken"] for row in rows}


@shielded
async def _take(customer: UUID, *orders: PoolOrder) -> None:
    async with unit_of_work() as work:
        await take_quota(work, customer, orders)


@shielded
async def _claim(order_id: UUID, *orders: PoolOrder) -> None:
    async with unit_of_work() as work:
        await claim(work, order_id, orders)


@shielded
async def _pick(pool_id: UUID, quantity: int) -> tuple[int, ...]:
    async with unit_of_work() as work:
        numbers = await pick_free(work, pool_id, quantity)
        await claim(work, new_id(), [PoolOrder(pool_id, numbers, None)])
    return numbers


async def test_a_claim_takes_every_number_or_none(database_admin: asyncpg.Connection) -> None:
    a, b = sorted([await make_pool(3), await make_pool(3)])
    order = new_id()
    await _claim(order, PoolOrder(a, (1, 2), None), PoolOrder(b, (3,), None))
    before = await _owned(database_admin)
    assert before == [(a, 1, order), (a, 2, order), (b, 3, order)]

    with pytest.raises(SlotConflict, match="1 of 3 numbers"):
        await _claim(new_id(), PoolOrder(a, (3,), None), PoolOrder(b, (2, 3), None))
    with pytest.raises(SlotConflict):
        await _claim(new_id(), PoolOrder(a, (4,), None))

    assert await _owned(database_admin) == before


async def test_a_closed_pool_gives_nothing_whatever_redis_says(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(3)

    await _close(pool_id)

    with pytest.raises(SlotConflict):
        await _claim(new_id(), PoolOrder(pool_id, (1,), None))
    assert await _owned(database_admin) == []
    assert (await said(redis, pool_id))["meta"]["open"] == "0"


@shielded
async def _close(pool_id: UUID) -> None:
    async with unit_of_work() as work:
        await close_pools(work, [pool_id])


async def test_closing_waits_for_a_claim_under_way_and_then_nothing_more_is_claimed(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(3)
    claimed, commit = asyncio.Event(), asyncio.Event()
    order = new_id()

    @shielded
    async def slow_order() -> None:
        async with unit_of_work() as work:
            await claim(work, order, [PoolOrder(pool_id, (1,), None)])
            claimed.set()
            await commit.wait()

    slow = asyncio.create_task(slow_order())
    await claimed.wait()
    closing = asyncio.create_task(_close(pool_id))
    await asyncio.sleep(0.1)
    assert not closing.done()
    # This one began before the close is committed, and is too late all the same.
    late = asyncio.create_task(_claim(new_id(), PoolOrder(pool_id, (2,), None)))
    await asyncio.sleep(0.1)
    commit.set()

    await asyncio.gather(slow, closing)

    outcome = (await asyncio.gather(late, return_exceptions=True))[0]
    assert outcome is None or isinstance(outcome, SlotConflict)
    # Whoever looks after the close has committed sees every order there will ever be.
    owned = await _owned(database_admin)
    assert owned[0] == (pool_id, 1, order)
    assert len(owned) == (2 if outcome is None else 1)
    with pytest.raises(SlotConflict):
        await _claim(new_id(), PoolOrder(pool_id, (3,), None))


async def test_extending_appends_numbers_and_tells_redis(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(2)
    order = await own(pool_id, (1,), customer=LIN)

    @shielded
    async def extend(by: int) -> int:
        async with unit_of_work() as work:
            return await extend_pool(work, pool_id, by=by, behind=2)

    assert await extend(3) == 2 + 3

    numbers = await database_admin.fetch("SELECT number FROM slot ORDER BY number")
    assert [row["number"] for row in numbers] == [1, 2, 3, 4, 5]
    assert await _owned(database_admin) == [(pool_id, 1, order)]
    assert await said(redis, pool_id) == {
        "meta": {"next": "2", "last": "5", "limit": "0", "open": "1"},
        "taken": {LIN: 1},
        "owners": {order},
    }
    assert await count_available([pool_id]) == {pool_id: 4}


async def test_a_pool_larger_than_one_statement_has_every_number_once(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headless_presale.slots.resizing.BATCH", 7)
    assert BATCH == 100_000

    await make_pool(20)

    numbers = await database_admin.fetch("SELECT number FROM slot ORDER BY number")
    assert [row["number"] for row in numbers] == list(range(1, 21))


async def test_extending_a_pool_that_does_not_exist_fails() -> None:
    @shielded
    async def extend() -> None:
        async with unit_of_work() as work:
            await extend_pool(work, new_id(), by=1, behind=0)

    with pytest.raises(LookupError, match="no slot pool"):
        await extend()


async def test_the_quota_counts_across_pools_and_refuses_all_or_nothing(
    database_admin: asyncpg.Connection,
) -> None:
    a, b = await make_pool(9), await make_pool(9)
    await _take(LIN, PoolOrder(a, (1, 2), 2), PoolOrder(b, (1,), None))
    before = await _taken(database_admin)
    assert before == {(a, LIN): 2, (b, LIN): 1}

    with pytest.raises(PurchaseLimitReached) as refused:
        await _take(LIN, PoolOrder(b, (2,), None), PoolOrder(a, (3,), 2))

    assert refused.value.params == {"limit": 2, "taken": 2}
    assert await _taken(database_admin) == before
    await _take(MAX, PoolOrder(a, (3, 4), 2))
    await _take(LIN, PoolOrder(b, (2, 3), 3))
    assert await _taken(database_admin) == {(a, LIN): 2, (b, LIN): 3, (a, MAX): 2}


async def test_the_first_order_over_the_limit_writes_no_quota(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(9)

    with pytest.raises(PurchaseLimitReached) as refused:
        await _take(LIN, PoolOrder(pool_id, (1, 2, 3), 2))

    assert refused.value.params == {"limit": 2, "taken": 0}
    assert await _taken(database_admin) == {}


async def test_two_customers_of_the_same_pools_in_opposite_order_do_not_deadlock(
    database_admin: asyncpg.Connection,
) -> None:
    a, b = await make_pool(100), await make_pool(100)

    @shielded
    async def buy(round_: int, *pools: UUID) -> None:
        async with unit_of_work() as work:
            orders = [PoolOrder(pool, (round_,), None) for pool in pools]
            await take_quota(work, LIN, orders)

    await asyncio.gather(
        *(buy(n, a, b) for n in range(1, 21)), *(buy(n, b, a) for n in range(21, 41))
    )

    assert await _taken(database_admin) == {(a, LIN): 40, (b, LIN): 40}


async def test_releasing_gives_back_numbers_and_quota_once(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(5)
    order = new_id()
    await admit(pool_id, order, LIN, 3)
    await own(pool_id, (1, 2, 3), order_id=order, customer=LIN)

    await disown(order, LIN)
    after = await said(redis, pool_id)
    await disown(order, LIN)

    assert await _owned(database_admin) == []
    assert await _taken(database_admin) == {(pool_id, LIN): 0}
    assert after["free"] == [1, 2, 3]
    assert "taken" not in after
    assert await said(redis, pool_id) == after


async def test_without_redis_the_lowest_free_numbers_are_picked(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(5)
    await own(pool_id, (1, 3), customer=LIN)

    assert await _pick(pool_id, 2) == (2, 4)

    with pytest.raises(SlotsSoldOut) as refused:
        await _pick(pool_id, 2)
    assert refused.value.params == {"remaining": 1}
    assert len(await _owned(database_admin)) == 4


async def test_picking_at_once_never_picks_a_number_twice(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(30)

    outcomes = await asyncio.gather(*(_pick(pool_id, 2) for _ in range(30)), return_exceptions=True)

    picked = [number for pair in outcomes if isinstance(pair, tuple) for number in pair]
    assert len(picked) == len(set(picked)) == len(await _owned(database_admin))
    refused = [outcome for outcome in outcomes if not isinstance(outcome, tuple)]
    # Locked by somebody else, or gone: never an accident.
    assert all(isinstance(error, SlotConflict | SlotsSoldOut) for error in refused)
    while len(picked) < 30:
        picked += await _pick(pool_id, 2)
    assert sorted(picked) == list(range(1, 31))


async def test_numbers_that_others_hold_are_a_conflict_not_sold_out() -> None:
    pool_id = await make_pool(2)
    picked, done = asyncio.Event(), asyncio.Event()

    @shielded
    async def hold() -> None:
        async with unit_of_work() as work:
            await pick_free(work, pool_id, 1)
            picked.set()
            await done.wait()

    holder = asyncio.create_task(hold())
    await picked.wait()

    with pytest.raises(SlotConflict):
        await _pick(pool_id, 2)

    done.set()
    await holder
    assert await _pick(pool_id, 2) == (1, 2)


async def test_what_is_left_is_counted_with_redis_and_without(redis: Redis) -> None:
    a, b = await make_pool(5), await make_pool(3)
    await own(a, (1, 2), customer=LIN)
    # Redis was not told of that order: its live count, then the database's.
    assert await count_available([a, b]) == {a: 5, b: 3}
    assert await count_available([b, a, b]) == {b: 3, a: 5}
    assert await count_available([]) == {}

    # One that Redis has forgotten beside one that it knows
    await redis.delete(*keys_of(a).values())
    assert await count_available([a, b]) == {a: 3, b: 3}

    await redis.flushdb()
    assert await count_available([a, b]) == {a: 3, b: 3}
    await admit(a, new_id(), MAX, 1)
    assert await count_available([a]) == {a: 2}

    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)
    unknown = new_id()
    assert await count_available([a, b, unknown]) == {a: 3, b: 3, unknown: 0}
