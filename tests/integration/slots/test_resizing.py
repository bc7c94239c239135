"""A pool that shrinks and grows while it sells: holes are in the database, never on offer."""

from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.ids import new_id
from headless_presale.slots import (
    Admitted,
    CapacityBelowSold,
    Drift,
    SlotConflict,
    SoldOut,
    admit,
    count_available,
    end_reservation,
    reconcile_pool,
    resync,
    settle,
)
from headless_presale.slots.admission import give_back, keys_of
from headless_presale.slots.loading import find_truth
from tests.integration.slots.pools import (
    capacity_of,
    disown,
    extend,
    make_pool,
    offered_by,
    own,
    refill,
    said,
    shrink,
    slots_of,
)
from tests.support.state import everything

pytestmark = pytest.mark.usefixtures("database", "redis")

LIN, MAX = UUID(int=1), UUID(int=2)


async def test_free_numbers_go_from_the_highest_down(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(10)
    order = await own(pool_id, (1, 2, 8), customer=LIN)

    await shrink(pool_id, to=5)

    # Without 10, 9, 7, 6 and 5.
    assert await slots_of(database_admin, pool_id) == {
        1: order,
        2: order,
        3: None,
        4: None,
        8: order,
    }
    assert await capacity_of(database_admin, pool_id) == 5
    assert await offered_by(redis, pool_id) == [3, 4]
    assert await count_available([pool_id]) == {pool_id: 2}
    assert (await said(redis, pool_id))["meta"] == {
        "next": "9",
        "last": "8",
        "limit": "0",
        "open": "1",
    }


async def test_no_more_goes_than_was_asked_whatever_plan_is_made(
    database_admin: asyncpg.Connection,
) -> None:
    # Statistics of an empty table, and numbers that lie as they came back, the last one first: the
    # plan goes through the slots and asks for each one which are to go.
    await database_admin.execute("VACUUM ANALYZE slot")
    pool_id = await make_pool(40)
    for number in range(40, 0, -1):
        await disown(await own(pool_id, (number,), customer=LIN), LIN)

    await shrink(pool_id, to=15)

    assert await capacity_of(database_admin, pool_id) == 15
    assert list(await slots_of(database_admin, pool_id)) == list(range(1, 16))


async def test_what_orders_own_is_not_taken_away(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(10)
    await own(pool_id, (1, 2, 8), customer=LIN)
    before = await everything(database_admin, redis)

    with pytest.raises(CapacityBelowSold) as refused:
        await shrink(pool_id, to=2)

    assert (refused.value.code, refused.value.params) == ("CAPACITY_BELOW_SOLD", {"owned": 3})
    assert await everything(database_admin, redis) == before
    await shrink(pool_id, to=3)
    assert list(await slots_of(database_admin, pool_id)) == [1, 2, 8]
    assert await admit(pool_id, new_id(), MAX, 1) == SoldOut(remaining=0)


async def test_what_was_taken_away_comes_back_lowest_first(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(10)
    order = await own(pool_id, (1, 2, 8), customer=LIN)
    await shrink(pool_id, to=3)

    assert await refill(pool_id, by=4, up_to=10) == 4

    assert list(await slots_of(database_admin, pool_id)) == [1, 2, 3, 4, 5, 6, 8]
    assert await offered_by(redis, pool_id) == [3, 4, 5, 6]
    # Three more are missing, and then there are no holes left to fill.
    assert await refill(pool_id, by=5, up_to=10) == 3
    assert await capacity_of(database_admin, pool_id) == 10
    assert await slots_of(database_admin, pool_id) == {
        number: order if number in (1, 2, 8) else None for number in range(1, 11)
    }
    assert await offered_by(redis, pool_id) == [3, 4, 5, 6, 7, 9, 10]
    assert await refill(pool_id, by=5, up_to=10) == 0


async def test_large_changes_are_made_in_parts(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headless_presale.slots.resizing.BATCH", 7)
    pool_id = await make_pool(50)

    await shrink(pool_id, to=20)
    assert list(await slots_of(database_admin, pool_id)) == list(range(1, 21))

    assert await refill(pool_id, by=25, up_to=50) == 25
    assert list(await slots_of(database_admin, pool_id)) == list(range(1, 46))
    assert await capacity_of(database_admin, pool_id) == 45


async def test_numbers_appended_behind_holes_are_fresh(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(10)
    await own(pool_id, (1,), customer=LIN)
    await shrink(pool_id, to=3)

    assert await extend(pool_id, by=4, behind=10) == 14

    assert list(await slots_of(database_admin, pool_id)) == [1, 2, 3, 11, 12, 13, 14]
    assert await capacity_of(database_admin, pool_id) == 3 + 4
    # Those below the hole are listed; those behind it are a range, however many they are.
    found = await find_truth(pool_id)
    assert found is not None
    assert (found.free_below_next, found.next_number, found.last_number) == ([2, 3], 11, 14)
    assert await admit(pool_id, new_id(), MAX, 4) == Admitted((2, 3, 11, 12), is_repeat=False)
    assert await offered_by(redis, pool_id) == [13, 14]


async def test_holes_above_every_owned_number_are_not_offered(redis: Redis) -> None:
    pool_id = await make_pool(10)
    order = await own(pool_id, (8,), customer=LIN)
    await own(pool_id, (1,), customer=LIN)
    await shrink(pool_id, to=4)
    await disown(order, LIN)

    for _ in range(2):
        # Owned: 1. Free: 2, 3 and 8.
        assert await offered_by(redis, pool_id) == [2, 3, 8]
        assert await count_available([pool_id]) == {pool_id: 3}
        await resync(pool_id)
    await redis.flushdb()
    assert await admit_loaded(pool_id, 3) == Admitted((2, 3, 8), is_repeat=False)
    assert await admit(pool_id, new_id(), LIN, 1) == SoldOut(remaining=0)


async def admit_loaded(pool_id: UUID, quantity: int) -> object:
    """Admit at a pool that is written anew first."""
    await resync(pool_id)
    return await admit(pool_id, new_id(), MAX, quantity)


async def test_a_number_given_out_and_taken_away_is_not_to_be_had(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(10)
    early, late = new_id(), new_id()
    await admit(pool_id, early, LIN, 3)
    assert await admit(pool_id, late, MAX, 4) == Admitted((4, 5, 6, 7), is_repeat=False)

    await shrink(pool_id, to=5)

    assert await offered_by(redis, pool_id) == []
    with pytest.raises(SlotConflict, match="2 of 4 numbers"):
        await own(pool_id, (4, 5, 6, 7), order_id=late, customer=MAX)
    assert not await end_reservation(pool_id, late, [4, 5, 6, 7])
    # Given back but for those that are gone.
    assert await offered_by(redis, pool_id) == [4, 5]
    await own(pool_id, (1, 2, 3), order_id=early, customer=LIN)
    await settle(pool_id, early)
    assert await reconcile_pool(pool_id) == Drift()
    assert await slots_of(database_admin, pool_id) == {
        1: early,
        2: early,
        3: early,
        4: None,
        5: None,
    }


async def test_a_reservation_whose_numbers_are_gone_gives_none_of_them_back(
    redis: Redis,
) -> None:
    pool_id, order = await make_pool(6), new_id()
    await own(pool_id, (6,), customer=MAX)
    await admit(pool_id, order, LIN, 4)
    # All of them lie below the last number there is.
    await shrink(pool_id, to=2)

    assert not await end_reservation(pool_id, order, [1, 2, 3, 4])

    assert await offered_by(redis, pool_id) == [1]
    assert (await said(redis, pool_id))["taken"] == {MAX: 1}


async def test_a_number_under_way_behind_the_last_one_invents_none_before_it(
    redis: Redis,
) -> None:
    pool_id, first, second = await make_pool(10), new_id(), new_id()
    await admit(pool_id, first, LIN, 4)
    assert await admit(pool_id, second, MAX, 2) == Admitted((5, 6), is_repeat=False)
    await end_reservation(pool_id, first, [1, 2, 3, 4])

    await shrink(pool_id, to=2)

    assert await offered_by(redis, pool_id) == [1, 2]
    assert await count_available([pool_id]) == {pool_id: 2}


async def test_a_number_put_back_while_its_reservation_is_under_way_is_offered_once(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id, order = await make_pool(6), new_id()
    await admit(pool_id, order, LIN, 6)
    await shrink(pool_id, to=2)

    await refill(pool_id, by=4, up_to=6)

    assert await offered_by(redis, pool_id) == []
    await own(pool_id, (1, 2, 3, 4, 5, 6), order_id=order, customer=LIN)
    assert await end_reservation(pool_id, order, [1, 2, 3, 4, 5, 6])
    assert await offered_by(redis, pool_id) == []
    assert set((await slots_of(database_admin, pool_id)).values()) == {order}


async def test_a_late_return_of_a_number_that_is_gone_is_withdrawn(redis: Redis) -> None:
    pool_id = await make_pool(9)
    await own(pool_id, (2, 9), customer=LIN)
    await shrink(pool_id, to=3)
    # A release told late: 5 was free again, and is gone since.
    assert await give_back(pool_id, LIN, [5]) == 1
    assert await offered_by(redis, pool_id) == [1, 5]

    drift = await reconcile_pool(pool_id)

    assert drift.withdrawn == 1
    assert await offered_by(redis, pool_id) == [1]
    # Behind the last number nothing is taken back at all.
    assert await give_back(pool_id, LIN, [10]) == 0


@pytest.mark.parametrize("change", ["shrink", "refill"])
async def test_a_change_that_redis_missed_is_found(
    change: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(9)
    await own(pool_id, (1,), customer=LIN)
    if change == "refill":
        await shrink(pool_id, to=4)
    await resync(pool_id)
    before = await said(redis, pool_id)
    if change == "shrink":
        await shrink(pool_id, to=4)
    else:
        await refill(pool_id, by=5, up_to=9)
    expected = await offered_by(redis, pool_id)
    keys = keys_of(pool_id)
    await redis.delete(keys["free"])
    await redis.hset(keys["meta"], mapping=before["meta"])
    for number in before.get("free", []):
        await redis.zadd(keys["free"], {str(number): number})
    assert await offered_by(redis, pool_id) != expected

    assert await reconcile_pool(pool_id) == Drift(reloaded=1)

    assert await offered_by(redis, pool_id) == expected
    free = [n for n, owner in (await slots_of(database_admin, pool_id)).items() if owner is None]
    assert expected == free
    assert await reconcile_pool(pool_id) == Drift()


async def test_a_pool_that_does_not_exist_cannot_be_resized() -> None:
    for change in (shrink(new_id(), to=1), refill(new_id(), by=1, up_to=9)):
        with pytest.raises(LookupError, match="no slot pool"):
            await change


async def test_the_fresh_range_is_not_offered_over_what_redis_did_not_hear_of(
    redis: Redis,
) -> None:
    pool_id = await make_pool(6)
    await own(pool_id, (6,), customer=LIN)
    await shrink(pool_id, to=3)
    assert await offered_by(redis, pool_id) == [1, 2]
    # As an older state would have it: everything fresh, the holes among it.
    await redis.hset(keys_of(pool_id)["meta"], "next", "1")

    assert await reconcile_pool(pool_id) == Drift(reloaded=1)

    assert await offered_by(redis, pool_id) == [1, 2]
