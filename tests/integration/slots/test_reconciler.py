"""The reconciler: each kind of drift, found, counted and repaired in Redis, and never harmful."""

import asyncio
import time
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.slots import (
    Admitted,
    Drift,
    admit,
    load_if_unknown,
    loading,
    reconcile_open_pools,
    reconcile_pool,
    resync,
    settle,
)
from headless_presale.slots.admission import RESERVATION_TTL_SECONDS, keys_of
from tests.integration.slots.pools import disown, make_pool, own, said
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis")

LIN, MAX = UUID(int=1), UUID(int=2)
TTL_MS = RESERVATION_TTL_SECONDS * 1000


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _sell(pool_id: UUID, numbers: tuple[int, ...], customer: UUID) -> UUID:
    """Sell numbers the usual way: admitted, owned, settled."""
    order = new_id()
    admitted = await admit(pool_id, order, customer, len(numbers))
    assert admitted == Admitted(numbers, is_repeat=False)
    await own(pool_id, numbers, order_id=order, customer=customer)
    await settle(pool_id, order)
    return order


async def test_two_sides_that_agree_are_left_alone(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(5, limit=3)
    await _sell(pool_id, (1, 2), LIN)
    before = await said(redis, pool_id), await stored_rows(database_admin)

    assert await reconcile_pool(pool_id) == Drift()

    assert (await said(redis, pool_id), await stored_rows(database_admin)) == before


async def test_a_pool_that_redis_forgot_is_written_anew(redis: Redis) -> None:
    pool_id = await make_pool(5, limit=3)
    await _sell(pool_id, (1, 2), LIN)
    before = await said(redis, pool_id)
    await redis.flushdb()

    assert await reconcile_pool(pool_id) == Drift(reloaded=1)

    assert await said(redis, pool_id) == before
    assert await reconcile_pool(pool_id) == Drift()
    assert await reconcile_pool(new_id()) == Drift()


async def test_a_reservation_under_way_is_left_alone(redis: Redis) -> None:
    pool_id = await make_pool(5)
    await admit(pool_id, new_id(), LIN, 2)
    before = await said(redis, pool_id)

    assert await reconcile_pool(pool_id, now_ms=_now_ms() + TTL_MS - 1_000) == Drift()

    assert await said(redis, pool_id) == before


async def test_an_overdue_reservation_with_an_order_is_settled(redis: Redis) -> None:
    pool_id, order = await make_pool(5), new_id()
    await admit(pool_id, order, LIN, 2)
    await own(pool_id, (1, 2), order_id=order, customer=LIN)

    assert await reconcile_pool(pool_id, now_ms=_now_ms() + TTL_MS + 1_000) == Drift(settled=1)

    assert await said(redis, pool_id) == {
        "meta": {"next": "3", "last": "5", "limit": "0", "open": "1"},
        "taken": {LIN: 2},
        "owners": {order},
    }
    assert await reconcile_pool(pool_id) == Drift()


async def test_an_overdue_reservation_without_an_order_gives_its_numbers_back(
    redis: Redis,
) -> None:
    pool_id = await make_pool(5)
    await admit(pool_id, new_id(), LIN, 2)
    await admit(pool_id, new_id(), MAX, 1)

    assert await reconcile_pool(pool_id, now_ms=_now_ms() + TTL_MS + 1_000) == Drift(aborted=2)

    assert await said(redis, pool_id) == {
        "meta": {"next": "4", "last": "5", "limit": "0", "open": "1"},
        "free": [1, 2, 3],
    }


async def test_numbers_owned_by_others_are_not_given_back(redis: Redis) -> None:
    pool_id = await make_pool(5)
    await admit(pool_id, new_id(), LIN, 2)
    # Somebody bought number 1 while Redis did not answer.
    await own(pool_id, (1,), customer=MAX)

    drift = await reconcile_pool(pool_id, now_ms=_now_ms() + TTL_MS + 1_000)

    # Given back but for number 1; then the counts differ, and all is written anew.
    assert drift == Drift(aborted=1, reloaded=1)
    assert (await said(redis, pool_id))["taken"] == {MAX: 1}
    assert await admit(pool_id, new_id(), LIN, 1) == Admitted((2,), is_repeat=False)


async def test_an_order_with_other_numbers_than_its_reservation_loses_none(redis: Redis) -> None:
    pool_id, order = await make_pool(5), new_id()
    await admit(pool_id, order, LIN, 2)
    # Redis's answer was lost; the order took what the database had.
    await own(pool_id, (4, 5), order_id=order, customer=LIN)

    drift = await reconcile_pool(pool_id, now_ms=_now_ms() + TTL_MS + 1_000)

    assert drift.settled == 1
    assert await reconcile_pool(pool_id) == Drift()
    assert await said(redis, pool_id) == {
        "meta": {"next": "6", "last": "5", "limit": "0", "open": "1"},
        "free": [1, 2, 3],
        "taken": {LIN: 2},
        "owners": {order},
    }


async def test_a_number_on_offer_that_an_order_owns_is_withdrawn(redis: Redis) -> None:
    pool_id = await make_pool(5)
    await _sell(pool_id, (1, 2, 3), LIN)
    await redis.zadd(keys_of(pool_id)["free"], {"2": 2, "3": 3})

    assert await reconcile_pool(pool_id) == Drift(withdrawn=2)

    assert "free" not in await said(redis, pool_id)
    assert await reconcile_pool(pool_id) == Drift()


async def test_a_lost_number_is_offered_again_after_two_looks(redis: Redis) -> None:
    pool_id = await make_pool(5)
    first = await _sell(pool_id, (1, 2), LIN)
    await _sell(pool_id, (3,), MAX)
    await disown(first, LIN)
    await redis.zrem(keys_of(pool_id)["free"], "1")
    at = _now_ms()

    assert await reconcile_pool(pool_id, now_ms=at) == Drift()
    assert await reconcile_pool(pool_id, now_ms=at + TTL_MS - 1) == Drift()
    assert (await said(redis, pool_id))["free"] == [2]

    assert await reconcile_pool(pool_id, now_ms=at + TTL_MS) == Drift(restored=1)

    assert (await said(redis, pool_id))["free"] == [1, 2]
    assert await redis.exists(f"slots:{{{pool_id}}}:suspects") == 0


async def test_a_number_that_was_only_on_its_way_is_forgotten_as_a_suspect(redis: Redis) -> None:
    pool_id = await make_pool(5)
    first = await _sell(pool_id, (1,), LIN)
    await _sell(pool_id, (2,), MAX)
    await disown(first, LIN)
    await redis.zrem(keys_of(pool_id)["free"], "1")
    at = _now_ms()
    await reconcile_pool(pool_id, now_ms=at)
    # It was an order between its admission and its commit, and is one now.
    await own(pool_id, (1,), customer=LIN)
    await redis.hset(keys_of(pool_id)["taken"], str(LIN), 1)

    assert await reconcile_pool(pool_id, now_ms=at + TTL_MS) == Drift()

    assert "free" not in await said(redis, pool_id)
    assert await redis.exists(f"slots:{{{pool_id}}}:suspects") == 0


async def test_a_customers_count_that_differs_is_written_anew(redis: Redis) -> None:
    pool_id = await make_pool(5, limit=2)
    order = await _sell(pool_id, (1, 2), LIN)
    await disown(order, LIN)
    # The release never reached Redis's count: the customer would stay at the limit.
    await redis.hset(keys_of(pool_id)["taken"], str(LIN), 2)

    assert await reconcile_pool(pool_id) == Drift(reloaded=1)

    assert "taken" not in await said(redis, pool_id)
    assert await admit(pool_id, new_id(), LIN, 2) == Admitted((1, 2), is_repeat=False)


@pytest.mark.parametrize(
    ("name", "value"), [("next", "1"), ("last", "4"), ("limit", "9"), ("open", "0")]
)
async def test_a_redis_from_an_older_state_is_written_anew(
    redis: Redis, name: str, value: str
) -> None:
    pool_id = await make_pool(5, limit=3)
    await _sell(pool_id, (1, 2), LIN)
    before = await said(redis, pool_id)
    await redis.hset(keys_of(pool_id)["meta"], name, value)

    assert await reconcile_pool(pool_id) == Drift(reloaded=1)

    assert await said(redis, pool_id) == before


async def test_every_open_pool_is_compared_and_a_broken_one_stops_nobody(redis: Redis) -> None:
    broken, sound = await make_pool(5), await make_pool(5)
    await redis.delete(keys_of(broken)["free"])
    await redis.set(keys_of(broken)["free"], "not a sorted set")
    await redis.delete(keys_of(sound)["meta"])

    results = await reconcile_open_pools()

    assert results == {sound: Drift(reloaded=1)}


async def test_without_redis_nothing_is_touched(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    pool_id = await make_pool(5)
    before = await stored_rows(database_admin)
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)

    with pytest.raises(Unavailable):
        await reconcile_pool(pool_id)
    assert await reconcile_open_pools() == {}

    assert await stored_rows(database_admin) == before


async def test_a_rush_for_a_forgotten_pool_reads_the_database_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool_id = await make_pool(50)
    await redis.flushdb()
    reads = 0
    find_truth = loading.find_truth

    async def counted(pool: UUID) -> object:
        nonlocal reads
        reads += 1
        return await find_truth(pool)

    monkeypatch.setattr(loading, "find_truth", counted)

    assert all(await asyncio.gather(*(load_if_unknown(pool_id) for _ in range(50))))
    assert reads == 1

    # Who asks while one is being read may need what was committed since: one more, for all.
    assert all(await asyncio.gather(*(resync(pool_id) for _ in range(50))))
    assert reads in (2, 3)


async def test_a_load_that_fails_is_tried_again_by_the_next(redis: Redis) -> None:
    pool_id = await make_pool(5)
    assert not await load_if_unknown(new_id())
    await redis.flushdb()
    await redis.set(keys_of(pool_id)["pending"], "not a hash")
    with pytest.raises(Unavailable):
        await resync(pool_id)

    await redis.flushdb()

    assert await resync(pool_id)
    assert (await said(redis, pool_id))["meta"]["last"] == "5"
