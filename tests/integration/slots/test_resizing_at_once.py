"""A pool that shrinks while transactions claim its numbers: real ones, in every order."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import (
    CapacityBelowSold,
    PoolOrder,
    SlotConflict,
    claim,
    pick_free,
    shrink_pool,
)
from tests.integration.slots.pools import capacity_of, extend, make_pool, own, shrink, slots_of

pytestmark = pytest.mark.usefixtures("database", "redis")

LIN, MAX = UUID(int=1), UUID(int=2)


@shielded
async def _claim_slowly(
    pool_id: UUID, numbers: tuple[int, ...], claimed: asyncio.Event, commit: asyncio.Event
) -> UUID:
    order = new_id()
    async with unit_of_work() as work:
        await claim(work, order, [PoolOrder(pool_id, numbers, None)])
        claimed.set()
        await commit.wait()
    return order


@shielded
async def _shrink_slowly(
    pool_id: UUID, to: int, shrunk: asyncio.Event, commit: asyncio.Event
) -> None:
    async with unit_of_work() as work:
        await shrink_pool(work, pool_id, to=to)
        shrunk.set()
        await commit.wait()


async def test_a_claim_under_way_counts_as_owned_and_nobody_waits(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(5)
    claimed, commit = asyncio.Event(), asyncio.Event()
    claiming = asyncio.create_task(_claim_slowly(pool_id, (4, 5), claimed, commit))
    await claimed.wait()

    with pytest.raises(CapacityBelowSold) as refused:
        await asyncio.wait_for(shrink(pool_id, to=1), 30)
    assert refused.value.params == {"owned": 2}
    await asyncio.wait_for(shrink(pool_id, to=2), 30)

    commit.set()
    order = await claiming
    assert await slots_of(database_admin, pool_id) == {4: order, 5: order}
    assert await capacity_of(database_admin, pool_id) == 2


async def test_a_claim_that_comes_too_late_learns_that_its_number_is_gone(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(5)
    shrunk, commit = asyncio.Event(), asyncio.Event()
    shrinking = asyncio.create_task(_shrink_slowly(pool_id, 3, shrunk, commit))
    await shrunk.wait()

    # One that wants nothing of what goes does not wait; one that does, waits and is refused.
    order = await asyncio.wait_for(own(pool_id, (1,), customer=LIN), 30)
    late = asyncio.create_task(own(pool_id, (3, 4), customer=MAX))
    await asyncio.sleep(0.1)
    assert not late.done()
    commit.set()

    with pytest.raises(SlotConflict, match="1 of 2 numbers"):
        await late
    await shrinking
    assert await slots_of(database_admin, pool_id) == {1: order, 2: None, 3: None}


async def test_a_shrink_that_is_rolled_back_takes_nothing_from_who_waited(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(3)
    shrunk, commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def fail() -> None:
        async with unit_of_work() as work:
            await shrink_pool(work, pool_id, to=1)
            shrunk.set()
            await commit.wait()
            raise CapacityBelowSold(owned=0)

    failing = asyncio.create_task(fail())
    await shrunk.wait()
    waiting = asyncio.create_task(own(pool_id, (3,), customer=LIN))
    await asyncio.sleep(0.1)
    commit.set()

    order = await waiting
    with pytest.raises(CapacityBelowSold):
        await failing
    assert await slots_of(database_admin, pool_id) == {1: None, 2: None, 3: order}
    assert await capacity_of(database_admin, pool_id) == 3


async def test_numbers_picked_without_redis_are_kept_and_nobody_deadlocks(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(4)
    picked, go_on = asyncio.Event(), asyncio.Event()

    @shielded
    async def pick() -> UUID:
        order = new_id()
        async with unit_of_work() as work:
            numbers = await pick_free(work, pool_id, 2)
            picked.set()
            await go_on.wait()
            # Takes the pool's lock only now, with the rows locked long since.
            await claim(work, order, [PoolOrder(pool_id, numbers, None)])
        return order

    picking = asyncio.create_task(pick())
    await picked.wait()
    shrunk, commit = asyncio.Event(), asyncio.Event()
    shrinking = asyncio.create_task(_shrink_slowly(pool_id, 2, shrunk, commit))
    await shrunk.wait()
    go_on.set()

    order = await asyncio.wait_for(picking, 30)

    commit.set()
    await shrinking
    assert await slots_of(database_admin, pool_id) == {1: order, 2: order}


async def test_changes_of_one_pool_wait_for_each_other(
    database_admin: asyncpg.Connection,
) -> None:
    pool_id = await make_pool(40)
    shrunk, commit = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(_shrink_slowly(pool_id, 30, shrunk, commit))
    await shrunk.wait()
    changes = [
        asyncio.create_task(shrink(pool_id, to=25)),
        asyncio.create_task(shrink(pool_id, to=35)),
        asyncio.create_task(extend(pool_id, by=5, behind=40)),
    ]
    await asyncio.sleep(0.1)
    assert not any(change.done() for change in changes)
    commit.set()

    await asyncio.gather(first, *changes)

    # By turns: 25 and then five more, five more and then 25, or something between the two.
    left = await capacity_of(database_admin, pool_id)
    assert left in (25, 30)
    assert len(await slots_of(database_admin, pool_id)) == left
