"""Caps lowered and raised under a rush: never more sold than there is, and both sides agree."""

import asyncio
import random
from collections import Counter
from datetime import date

import asyncpg
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from headless_presale.audits import audit_database, audit_redis
from headless_presale.campaigns import add_batch, change_capacity, extend_campaign
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.orders import OrderView, cancel_order
from headless_presale.slots import CapacityBelowSold, count_available, reconcile_pool
from tests.support.shop import Sale, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

BUYERS = 64
CAPS = (20, 120, 40, 60, 30, 150, 10, 80, 50, 100, 70, 90)


async def _rush(
    sale: Sale, attempts: int, *, cancelling: bool, first: int = 0
) -> list[OrderView | BaseException]:
    """Send attempts of different customers, 64 at a time; each fourth order is cancelled."""
    turnstile = asyncio.Semaphore(BUYERS)

    async def buy(number: int) -> OrderView:
        command = order_for(
            sale, email=f"buyer{number}@example.com", key=f"order-{number}", quantity=1 + number % 2
        )
        async with turnstile:
            for _ in range(20):
                try:
                    order = await place_order(command)
                except Unavailable:
                    # The campaign changed twice while the order was written: the same again.
                    continue
                if cancelling and number % 4 == 0:
                    await cancel_order(order.id, reason="changed my mind")
                return order
            raise TimeoutError("always in the middle of a change")

    numbers = range(first, first + attempts)
    return await asyncio.gather(*map(buy, numbers), return_exceptions=True)


async def _change_caps(sale: Sale, done: asyncio.Event, counted: Counter[str]) -> None:
    """Lower and raise until the rush is over; count how often each was done or refused."""
    before = 60
    while not done.is_set():
        for capacity in CAPS:
            try:
                await change_capacity(sale.item_id, capacity=capacity)
            except CapacityBelowSold:
                counted["refused"] += 1
            else:
                counted["lowered" if capacity < before else "raised"] += 1
                before = capacity
            await asyncio.sleep(random.uniform(0, 0.05))
            if done.is_set():
                break


async def _watch(admin: asyncpg.Connection, done: asyncio.Event) -> int:
    """Look at one snapshot after the other; return at how many."""
    looks = 0
    while not done.is_set():
        row = await admin.fetchrow(
            "SELECT p.capacity, count(s.number) AS slots, count(s.order_id) AS owned "
            "FROM slot_pool p JOIN slot s ON s.pool_id = p.id GROUP BY p.id"
        )
        assert row is not None
        assert row["slots"] == row["capacity"]
        assert row["owned"] <= row["capacity"]
        looks += 1
        await asyncio.sleep(0.01)
    return looks


@pytest.mark.parametrize(("attempts", "has_redis"), [(256, True), (96, False)])
async def test_a_cap_that_moves_under_a_rush_holds_at_every_moment(
    attempts: int,
    has_redis: bool,
    redis: Redis,
    redis_url: str,
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=60)
    if not has_redis:
        await close_redis()
        open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)
    done = asyncio.Event()
    # Without Redis every change logs a traceback; drawing hundreds would stall the loop.
    with capture_logs():
        counted: Counter[str] = Counter()
        changing = asyncio.create_task(_change_caps(sale, done, counted))
        watching = asyncio.create_task(_watch(database_admin, done))
        results: list[OrderView | BaseException] = []
        # A cap that is low for a moment sells out, and what is refused takes no time: more come
        # until it has moved both ways under them.
        for crowd in range(10):
            results += await _rush(sale, attempts, cancelling=True, first=crowd * attempts)
            if counted["lowered"] and counted["raised"]:
                break
        done.set()
        await changing
        looks = await watching
    assert counted["lowered"] > 0
    assert counted["raised"] > 0
    assert looks > 0
    refusals = Counter(
        result.code if isinstance(result, DomainError) else repr(result)
        for result in results
        if not isinstance(result, OrderView)
    )
    assert set(refusals) <= {"SLOTS_SOLD_OUT"}
    await drain()
    # Whatever is left is sold to the last slot, and not one more.
    owned = await database_admin.fetchval("SELECT count(order_id) FROM slot")
    await change_capacity(sale.item_id, capacity=owned + 3)
    if not has_redis:
        await close_redis()
        redis = open_redis(redis_url, timeout_seconds=2.0)
    await reconcile_pool(sale.pool_id)
    assert [
        finding.sentence for finding in await audit_database(database_admin) if finding.broken
    ] == []
    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]
    assert await count_available([sale.pool_id]) == {sale.pool_id: 3}
    last = await place_order(order_for(sale, email="last@example.com", quantity=3))
    assert len(set(last.lines[0].numbers)) == 3
    with pytest.raises(DomainError) as refused:
        await place_order(order_for(sale, email="late@example.com"))
    assert refused.value.code == "SLOTS_SOLD_OUT"
    with pytest.raises(CapacityBelowSold):
        await change_capacity(sale.item_id, capacity=owned + 2)


async def test_batches_and_extensions_in_the_middle_of_a_rush_lose_no_order(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=60)
    rushing = asyncio.create_task(_rush(sale, 256, cancelling=False))
    for step in range(1, 6):
        await change_capacity(sale.item_id, capacity=60 * step + 40)
        await add_batch(sale.item_id, capacity=20, ships_by=date(2026, 9, step))
        await extend_campaign(
            sale.campaign.id,
            closes_at=sale.campaign.closes_at.replace(day=sale.campaign.closes_at.day + step),
            reason="it sells well",
            default_locale="en",
        )

    results = await rushing

    orders = [result for result in results if isinstance(result, OrderView)]
    refused = [result for result in results if not isinstance(result, OrderView)]
    assert {getattr(error, "code", repr(error)) for error in refused} <= {"SLOTS_SOLD_OUT"}
    numbers = [number for order in orders for number in order.lines[0].numbers]
    assert len(set(numbers)) == len(numbers)
    assert all(order.ships_by is not None for order in orders)
    # 60 * 5 + 40 as the last cap, and the batch after it.
    assert await database_admin.fetchval("SELECT capacity FROM slot_pool") == 340 + 20
    await drain()
    await reconcile_pool(sale.pool_id)
    assert [
        finding.sentence for finding in await audit_database(database_admin) if finding.broken
    ] == []
    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]
