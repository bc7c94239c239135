"""Who owns an order is told so when asking again, and never that all is sold out."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import cancel_campaign
from headless_presale.checkout import drain, place, place_order
from headless_presale.kernel import redis as kernel_redis
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import Unavailable
from headless_presale.orders import OrderStatus, cancel_order, sweep_orders
from headless_presale.slots import SlotsSoldOut, admission, admit, reconcile_pool, resync
from headless_presale.slots.admission import Admitted, PoolTruth, keys_of
from tests.support.shop import Sale, open_sale, order_for
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def _without_redis(*args: Any) -> None:
    raise Unavailable("redis")


async def _sell_out_behind_the_back_of_redis(patch: pytest.MonkeyPatch) -> tuple[Sale, Any]:
    """Return a sale whose last number was taken in the database, which Redis never heard of.

    Another buyer is placing at the same time, so Redis's counts cannot simply be written anew.
    """
    sale = await open_sale(capacity=3)
    first = await place_order(order_for(sale, email="a@example.com"))
    await place_order(order_for(sale, email="b@example.com"))
    await drain()
    assert await admit(sale.pool_id, uuid4(), uuid4(), 1) == Admitted((3,), is_repeat=False)
    await cancel_order(first.id, reason="changed my mind")
    wish = order_for(sale, email="c@example.com", key="once")
    with patch.context() as down:
        down.setattr(place, "reserve", _without_redis)
        # The one attempt to tell Redis is lost as well.
        down.setattr("headless_presale.checkout.reservation.settle", _without_redis)
        placed = await place_order(wish)
        await drain()
    assert placed.lines[0].numbers == (1,)
    return sale, wish


async def test_the_reconciler_that_withdraws_a_number_makes_its_owner_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sale, wish = await _sell_out_behind_the_back_of_redis(monkeypatch)
    drift = await reconcile_pool(sale.pool_id)
    assert (drift.withdrawn, drift.reloaded) == (1, 0)

    again = await place_order(wish)

    assert again.lines[0].numbers == (1,)
    with pytest.raises(SlotsSoldOut):
        await place_order(order_for(sale, email="d@example.com"))


async def test_while_redis_may_have_missed_things_sold_out_asks_the_database_first(
    monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    # given: nobody has made the order known, and a call to Redis has failed a moment ago
    sale, wish = await _sell_out_behind_the_back_of_redis(monkeypatch)
    await redis.zrem(keys_of(sale.pool_id)["free"], "1")
    kernel_redis._note_trouble()

    again = await place_order(wish)

    assert again.lines[0].numbers == (1,)


async def test_control_a_redis_that_is_trusted_says_sold_out_without_a_statement(
    monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    sale, wish = await _sell_out_behind_the_back_of_redis(monkeypatch)
    await redis.zrem(keys_of(sale.pool_id)["free"], "1")
    assert not kernel_redis.is_troubled()

    async with counted_statements() as statements:
        with pytest.raises(SlotsSoldOut):
            await place_order(wish)

    assert statements == []


async def test_a_lost_connection_that_a_second_attempt_outlives_is_noted(
    redis: Redis, redis_url: str
) -> None:
    used = await redis.client_id()
    assert not kernel_redis.is_troubled()

    async with Redis.from_url(redis_url) as operator:
        await operator.client_kill_filter(_id=str(used))
    answer = await redis.ping()

    assert answer is True
    assert kernel_redis.is_troubled()


async def test_an_order_settled_while_its_pool_is_loaded_stays_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given: a load that has read the database before the order was committed, and writes after
    # it was settled
    sale = await open_sale(capacity=1)
    wish = order_for(sale, key="once")
    load = admission.load

    async def load_late(pool_id: Any, truth: PoolTruth, *, replace: bool) -> bool:
        await place_order(wish)
        await drain()
        return await load(pool_id, truth, replace=replace)

    with monkeypatch.context() as patch:
        patch.setattr(admission, "load", load_late)
        await resync(sale.pool_id)
    await reconcile_pool(sale.pool_id)

    again = await place_order(wish)

    assert again.lines[0].numbers == (1,)


async def test_an_order_that_is_over_is_known_to_a_redis_that_lost_its_memory(
    redis: Redis, clock: ManualClock
) -> None:
    # given: its hold ran out, somebody else has the slot, and Redis starts anew
    sale = await open_sale(capacity=1)
    wish = order_for(sale, key="once")
    placed = await place_order(wish)
    clock.advance(timedelta(minutes=20))
    await sweep_orders()
    await place_order(order_for(sale, email="quick@example.com"))
    await drain()
    await redis.flushdb()

    again = await place_order(wish)

    assert (again.id, again.status) == (placed.id, OrderStatus.EXPIRED)


async def test_a_campaign_called_off_still_answers_who_ordered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sale, wish = await _sell_out_behind_the_back_of_redis(monkeypatch)
    await cancel_campaign(sale.campaign.id, reason="the kiln broke")

    again = await place_order(wish)

    assert again.lines[0].numbers == (1,)
