"""One customer, many orders at once: never more than the limit, and the control that shows why."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain, place_order
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders import OrderView
from headless_presale.slots.admission import keys_of
from tests.support.shop import Sale, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

LIMIT = 3
ATTEMPTS = 40


async def _rush(sale: Sale) -> list[OrderView | BaseException]:
    """Let one customer order one slot forty times at once, each under a key of its own."""
    return await asyncio.gather(
        *(place_order(order_for(sale)) for _ in range(ATTEMPTS)), return_exceptions=True
    )


async def _redis_that_forgets(redis: Redis, sale: Sale) -> None:
    """Make Redis lose every count it makes, before the next one asks."""
    keys = keys_of(sale.pool_id)
    await redis.hset(keys["meta"], "limit", "0")
    await redis.delete(keys["taken"])


def _outcomes(results: list[OrderView | BaseException]) -> Counter[str]:
    return Counter(
        "PLACED"
        if isinstance(result, OrderView)
        else result.code
        if isinstance(result, DomainError)
        else repr(result)
        for result in results
    )


async def _owned(admin: asyncpg.Connection) -> int:
    owned: int = await admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NOT NULL")
    return owned


@pytest.mark.parametrize("state", ["Redis", "Redis without limits", "no Redis"])
async def test_the_limit_holds(
    state: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=100, limit=LIMIT)
    if state == "Redis without limits":
        await _redis_that_forgets(redis, sale)
    if state == "no Redis":
        await close_redis()
        open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)

    results = await _rush(sale)

    assert _outcomes(results) == {"PLACED": LIMIT, "PURCHASE_LIMIT": ATTEMPTS - LIMIT}
    assert await _owned(database_admin) == LIMIT
    assert await database_admin.fetchval("SELECT taken FROM customer_quota") == LIMIT


async def test_control_without_the_quota_the_limit_is_broken(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=100, limit=LIMIT)
    await _redis_that_forgets(redis, sale)

    async def no_quota(work: UnitOfWork, orders: object) -> None:
        """Count nothing."""

    monkeypatch.setattr("headless_presale.checkout.together.take_quotas", no_quota)

    results = await _rush(sale)

    assert _outcomes(results) == {"PLACED": ATTEMPTS}
    assert await _owned(database_admin) == ATTEMPTS


async def test_other_customers_are_not_held_up_by_one_at_the_limit(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=100, limit=LIMIT)

    async def other(number: int) -> OrderView:
        return await place_order(order_for(sale, email=f"buyer{number}@example.com"))

    rush = asyncio.create_task(_rush(sale))
    others = await asyncio.gather(*map(other, range(20)))
    greedy = await rush
    await drain()

    assert _outcomes(greedy)["PLACED"] == LIMIT
    assert len({order.lines[0].numbers for order in others}) == 20
    assert await _owned(database_admin) == LIMIT + 20
