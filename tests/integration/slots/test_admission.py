"""Admission, script by script: each answer, what it leaves behind, and that repeating is safe."""

from uuid import UUID

import pytest
from redis.asyncio import Redis

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.slots import (
    Admitted,
    AlreadyPlaced,
    OverLimit,
    PoolClosed,
    PoolUnknown,
    SoldOut,
    abort,
    admit,
    settle,
)
from headless_presale.slots.admission import count_remaining, give_back, keys_of, load
from tests.integration.slots.pools import said, truth

LIN, MAX = UUID(int=1), UUID(int=2)
FIRST, SECOND, THIRD = UUID(int=11), UUID(int=12), UUID(int=13)


@pytest.fixture
async def pool_id(redis: Redis) -> UUID:
    """Return a pool of five that Redis knows."""
    pool_id = new_id()
    assert await load(pool_id, truth(5, limit=3), replace=False)
    return pool_id


async def test_numbers_are_given_out_lowest_first(redis: Redis, pool_id: UUID) -> None:
    assert await admit(pool_id, FIRST, LIN, 2) == Admitted((1, 2), is_repeat=False)
    assert await admit(pool_id, SECOND, MAX, 1) == Admitted((3,), is_repeat=False)

    assert await said(redis, pool_id) == {
        "meta": {"next": "4", "last": "5", "limit": "3", "open": "1"},
        "taken": {LIN: 2, MAX: 1},
        "pending": {FIRST: f"{LIN}|1,2", SECOND: f"{MAX}|3"},
        "expiry": {FIRST, SECOND},
    }
    assert await count_remaining(pool_id) == 5 - 3


async def test_the_same_reservation_gets_the_same_numbers(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 2)
    before = await said(redis, pool_id)

    assert await admit(pool_id, FIRST, LIN, 2) == Admitted((1, 2), is_repeat=True)

    assert await said(redis, pool_id) == before


async def test_a_settled_reservation_is_an_order(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 2)

    await settle(pool_id, FIRST)
    after = await said(redis, pool_id)
    await settle(pool_id, FIRST)

    assert after == await said(redis, pool_id)
    assert after == {
        "meta": {"next": "3", "last": "5", "limit": "3", "open": "1"},
        "taken": {LIN: 2},
        "owners": {FIRST},
    }
    assert await admit(pool_id, FIRST, LIN, 2) == AlreadyPlaced()
    assert await said(redis, pool_id) == after


async def test_the_limit_counts_what_is_reserved_and_what_is_owned(
    redis: Redis, pool_id: UUID
) -> None:
    await admit(pool_id, FIRST, LIN, 2)
    await settle(pool_id, FIRST)
    before = await said(redis, pool_id)

    assert await admit(pool_id, SECOND, LIN, 2) == OverLimit(taken=2, limit=3)
    assert await said(redis, pool_id) == before
    assert await admit(pool_id, SECOND, LIN, 1) == Admitted((3,), is_repeat=False)


async def test_too_few_left_is_sold_out_and_takes_nothing(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 3)
    before = await said(redis, pool_id)

    assert await admit(pool_id, SECOND, MAX, 3) == SoldOut(remaining=2)

    assert await said(redis, pool_id) == before
    # All or none, and the rest can still be had.
    assert await admit(pool_id, SECOND, MAX, 2) == Admitted((4, 5), is_repeat=False)
    assert await admit(pool_id, THIRD, UUID(int=3), 1) == SoldOut(remaining=0)


async def test_a_closed_pool_gives_nothing_but_answers_for_its_orders(
    redis: Redis, pool_id: UUID
) -> None:
    await admit(pool_id, FIRST, LIN, 1)
    await settle(pool_id, FIRST)
    await load(
        pool_id,
        truth(5, limit=3, is_open=False, next_number=2, taken={LIN: 1}, owners=(FIRST,)),
        replace=True,
    )

    assert await admit(pool_id, SECOND, MAX, 1) == PoolClosed()
    assert await admit(pool_id, FIRST, LIN, 1) == AlreadyPlaced()


async def test_an_unknown_pool_says_so_and_stays_unknown(redis: Redis) -> None:
    pool_id = new_id()

    assert await admit(pool_id, FIRST, LIN, 1) == PoolUnknown()
    assert await count_remaining(pool_id) is None
    assert await give_back(pool_id, LIN, [1]) == 0
    assert await abort(pool_id, FIRST) == 0
    assert await said(redis, pool_id) == {}


async def test_an_aborted_reservation_gives_its_numbers_back_once(
    redis: Redis, pool_id: UUID
) -> None:
    await admit(pool_id, FIRST, LIN, 2)

    assert await abort(pool_id, FIRST) == 2
    after = await said(redis, pool_id)
    assert await abort(pool_id, FIRST) == 0

    assert await said(redis, pool_id) == after
    assert after == {
        "meta": {"next": "3", "last": "5", "limit": "3", "open": "1"},
        "free": [1, 2],
    }
    # Returned numbers are sold again before fresh ones.
    assert await admit(pool_id, SECOND, MAX, 3) == Admitted((1, 2, 3), is_repeat=False)


async def test_an_owned_number_is_never_given_back(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 3)

    assert await abort(pool_id, FIRST, unfree=[2]) == 2

    assert (await said(redis, pool_id))["free"] == [1, 3]
    assert "taken" not in await said(redis, pool_id)


async def test_giving_back_counts_each_number_once(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 3)
    await settle(pool_id, FIRST)

    assert await give_back(pool_id, LIN, [1, 3]) == 2
    after = await said(redis, pool_id)
    assert await give_back(pool_id, LIN, [1, 3]) == 0
    # Never given out, or beyond the capacity.
    assert await give_back(pool_id, LIN, [4, 6]) == 0

    assert await said(redis, pool_id) == after
    assert after["free"] == [1, 3]
    assert after["taken"] == {LIN: 1}


async def test_loading_leaves_a_known_pool_alone_unless_told_to_replace(
    redis: Redis, pool_id: UUID
) -> None:
    await admit(pool_id, FIRST, LIN, 1)
    before = await said(redis, pool_id)

    assert not await load(pool_id, truth(9, taken={MAX: 4}, owners=(SECOND,)), replace=False)

    # That an order exists is true whatever else is written.
    assert await said(redis, pool_id) == {**before, "owners": {SECOND}}
    assert [key async for key in redis.scan_iter("*staged*")] == []


async def test_replacing_keeps_what_is_under_way(redis: Redis, pool_id: UUID) -> None:
    await admit(pool_id, FIRST, LIN, 2)
    await admit(pool_id, SECOND, MAX, 1)

    # The database knows of an order that owns 5 and of one that owns 3: the second reservation's,
    # committed and not settled yet.
    await load(
        pool_id,
        truth(
            6,
            limit=3,
            next_number=6,
            free=(1, 2, 4),
            taken={MAX: 1, UUID(int=3): 1},
            owners=(SECOND, THIRD),
        ),
        replace=True,
    )

    assert await said(redis, pool_id) == {
        "meta": {"next": "6", "last": "6", "limit": "3", "open": "1"},
        "free": [4],
        "taken": {LIN: 2, MAX: 1, UUID(int=3): 1},
        "pending": {FIRST: f"{LIN}|1,2", SECOND: f"{MAX}|3"},
        "expiry": {FIRST, SECOND},
        "owners": {SECOND, THIRD},
    }
    assert await admit(pool_id, FIRST, LIN, 2) == Admitted((1, 2), is_repeat=True)
    assert await redis.ttl(keys_of(pool_id)["owners"]) == -1


async def test_loading_behind_a_pending_number_offers_what_lies_between(
    redis: Redis, pool_id: UUID
) -> None:
    await admit(pool_id, FIRST, LIN, 3)
    await admit(pool_id, SECOND, MAX, 1)
    await abort(pool_id, FIRST)

    # Nothing is owned, and 4 is on its way.
    await load(pool_id, truth(5), replace=True)

    assert (await said(redis, pool_id))["free"] == [1, 2, 3]
    assert (await said(redis, pool_id))["meta"]["next"] == "5"
    assert await count_remaining(pool_id) == 4


async def test_a_large_pool_is_loaded_in_batches(redis: Redis) -> None:
    pool_id = new_id()
    owners = tuple(UUID(int=n) for n in range(1, 12_001))

    await load(
        pool_id,
        truth(
            30_000,
            next_number=24_001,
            free=tuple(range(1, 12_001)),
            taken=dict.fromkeys(owners, 1),
            owners=owners,
        ),
        replace=True,
    )

    keys = keys_of(pool_id)
    assert await redis.zcard(keys["free"]) == 12_000
    assert await redis.hlen(keys["taken"]) == 12_000
    assert await redis.scard(keys["owners"]) == 12_000
    assert await count_remaining(pool_id) == 12_000 + (30_000 - 24_000)
    assert [key async for key in redis.scan_iter("*staged*")] == []


async def test_every_script_says_when_redis_is_away(redis: Redis, pool_id: UUID) -> None:
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)

    with pytest.raises(Unavailable):
        await admit(pool_id, FIRST, LIN, 1)
    with pytest.raises(Unavailable):
        await load(pool_id, truth(5), replace=True)
    with pytest.raises(Unavailable):
        await count_remaining(pool_id)


async def test_all_keys_of_a_pool_share_a_hash_tag() -> None:
    pool_id = new_id()

    assert {key.partition("{")[2].partition("}")[0] for key in keys_of(pool_id).values()} == {
        str(pool_id)
    }
