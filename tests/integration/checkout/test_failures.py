"""What breaks while an order is placed: nothing of it stays, and both sides find each other."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import cancel_campaign, find_snapshot, snapshot
from headless_presale.checkout import drain, place, place_order, together
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import unit_of_work
from headless_presale.orders import OrderView, cancel_orders_of_campaign, write_orders
from headless_presale.slots import (
    Admitted,
    admit,
    count_available,
    reconcile_pool,
    take_quotas,
)
from headless_presale.slots.admission import RESERVATION_TTL_SECONDS, keys_of
from tests.integration.slots.pools import said
from tests.support.pool import all_given_back, open_transactions
from tests.support.shop import Sale, open_sale, order_for
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

LATER_MS = (RESERVATION_TTL_SECONDS + 1) * 1000


async def _agree(sale: Sale, redis: Redis, admin: asyncpg.Connection) -> None:
    """After the reconciler both sides say the same, and a further pass finds nothing."""
    await drain()
    await reconcile_pool(sale.pool_id, now_ms=int(time.time() * 1000) + LATER_MS)
    await reconcile_pool(sale.pool_id, now_ms=int(time.time() * 1000) + 3 * LATER_MS)
    assert (await reconcile_pool(sale.pool_id)).total == 0
    free = await admin.fetchval(
        "SELECT count(*) FROM slot WHERE pool_id = $1 AND order_id IS NULL", sale.pool_id
    )
    assert await count_available([sale.pool_id]) == {sale.pool_id: free}
    assert "pending" not in await said(redis, sale.pool_id)


@asynccontextmanager
async def _trigger(admin: asyncpg.Connection, table: str, body: str) -> AsyncIterator[None]:
    """Run PL/pgSQL before each row that is written to a table."""
    await admin.execute(
        f"CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body}; RETURN NEW; END $$"
    )
    await admin.execute(
        f"CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION planted()"
    )
    try:
        yield
    finally:
        await admin.execute(f"DROP TRIGGER planted ON {table}")
        await admin.execute("DROP FUNCTION planted()")


@pytest.mark.parametrize("table", ["sales_order", "order_line", "customer_quota", "slot", "event"])
async def test_a_connection_lost_at_any_statement_leaves_nothing(
    table: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    command = order_for(sale, key="key", quantity=2)
    before = await stored_rows(database_admin)

    async with _trigger(database_admin, table, "PERFORM pg_terminate_backend(pg_backend_pid())"):
        with pytest.raises(Unavailable):
            await place_order(command)

    assert await all_given_back()
    assert await open_transactions(database_admin) == 0
    assert await stored_rows(database_admin) == before
    # The same request again is the same order, with the numbers that were kept for it.
    order = await place_order(command)
    assert order.lines[0].numbers == (1, 2)
    await _agree(sale, redis, database_admin)


@pytest.mark.parametrize("table", ["sales_order", "slot", "event"])
async def test_an_order_that_is_never_sent_again_returns_its_numbers(
    table: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    async with _trigger(database_admin, table, "RAISE EXCEPTION USING ERRCODE = '57P01'"):
        with pytest.raises(Unavailable):
            await place_order(order_for(sale, quantity=5))

    await _agree(sale, redis, database_admin)

    assert await count_available([sale.pool_id]) == {sale.pool_id: 5}
    other = await place_order(order_for(sale, email="max@example.com", quantity=5))
    assert other.lines[0].numbers == (1, 2, 3, 4, 5)


async def test_a_commit_whose_answer_was_lost_is_found_by_the_retry(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=5)
    command = order_for(sale, key="key", quantity=2)

    @asynccontextmanager
    async def loses_the_answer() -> AsyncIterator[Any]:
        async with unit_of_work() as work:
            yield work
        raise Unavailable("database")

    monkeypatch.setattr(place, "unit_of_work", loses_the_answer)
    with pytest.raises(Unavailable):
        await place_order(command)
    monkeypatch.undo()
    committed = await stored_rows(database_admin)
    assert len(committed["sales_order"]) == 1

    order = await place_order(command)

    assert order.lines[0].numbers == (1, 2)
    assert await stored_rows(database_admin) == committed
    await _agree(sale, redis, database_admin)


async def test_redis_lost_between_the_numbers_and_the_commit_does_not_matter(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=5)

    async def wiped_meanwhile(*args: Any, **kwargs: Any) -> bool:
        await redis.flushdb()
        return await write_orders(*args, **kwargs)

    monkeypatch.setattr(together, "write_orders", wiped_meanwhile)

    order = await place_order(order_for(sale, quantity=2))

    assert order.lines[0].numbers == (1, 2)
    await _agree(sale, redis, database_admin)
    assert await count_available([sale.pool_id]) == {sale.pool_id: 3}


async def test_redis_wiped_while_selling_neither_oversells_nor_loses(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=60)

    async def wipe() -> None:
        for _ in range(4):
            await asyncio.sleep(0.03)
            await redis.flushdb()

    async def buy(number: int) -> OrderView:
        await asyncio.sleep(0.002 * number)
        return await place_order(order_for(sale, email=f"buyer{number}@example.com"))

    *results, _ = await asyncio.gather(*map(buy, range(80)), wipe(), return_exceptions=True)

    orders = [result for result in results if isinstance(result, OrderView)]
    numbers = [number for order in orders for number in order.lines[0].numbers]
    assert len(numbers) == len(set(numbers)) == len(orders)
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == len(orders)
    await _agree(sale, redis, database_admin)
    # Nothing is lost on the way: whoever comes now gets what is left.
    for number in range(60 - len(orders)):
        await place_order(order_for(sale, email=f"late{number}@example.com"))
    with pytest.raises(DomainError):
        await place_order(order_for(sale, email="too-late@example.com"))
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 60


async def test_a_redis_that_is_behind_costs_an_attempt_not_a_slot(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    await place_order(order_for(sale, email="a@example.com", quantity=3))
    await drain()
    await redis.hset(keys_of(sale.pool_id)["meta"], "next", "1")

    order = await place_order(order_for(sale, quantity=2))

    assert order.lines[0].numbers == (4, 5)
    await _agree(sale, redis, database_admin)


async def test_orders_placed_without_redis_are_known_to_it_afterwards(
    redis: Redis, redis_url: str, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    await close_redis()
    open_redis("unix:///nonexistent/valkey.sock", timeout_seconds=0.05)
    first = await place_order(order_for(sale, key="key", quantity=2))
    assert first.lines[0].numbers == (1, 2)

    await close_redis()
    again = open_redis(redis_url, timeout_seconds=1)
    # Redis still offers 1 and 2: the next order exchanges them.
    second = await place_order(order_for(sale, email="max@example.com"))

    assert second.lines[0].numbers == (3,)
    assert await place_order(order_for(sale, key="key", quantity=2)) == first
    await _agree(sale, again, database_admin)


@pytest.mark.parametrize("quantity", [2, 5])
async def test_several_slots_are_taken_together_or_not_at_all(
    quantity: int, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=12)

    results = await asyncio.gather(
        *(
            place_order(order_for(sale, email=f"buyer{n}@example.com", quantity=quantity))
            for n in range(20)
        ),
        return_exceptions=True,
    )

    orders = [result for result in results if isinstance(result, OrderView)]
    assert len(orders) == 12 // quantity
    assert all(len(order.lines[0].numbers) == quantity for order in orders)
    owned = await database_admin.fetch(
        "SELECT order_id, count(*) AS n FROM slot WHERE order_id IS NOT NULL GROUP BY 1"
    )
    assert {row["order_id"]: row["n"] for row in owned} == {o.id: quantity for o in orders}
    await _agree(sale, redis, database_admin)


async def test_a_campaign_that_changed_in_another_process_is_read_again(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    sale = await open_sale(capacity=5)
    await find_snapshot(sale.campaign.id)
    # Another process lowers the price; this one's cache does not know.
    await database_admin.execute("UPDATE campaign_item SET price_minor = 8000")
    await database_admin.execute("UPDATE campaign SET version = version + 1")

    order = await place_order(order_for(sale, quantity=2))

    assert order.total.amount_minor == 2 * 8_000
    assert order.lines[0].numbers == (1, 2)
    await _agree(sale, redis, database_admin)


async def test_a_total_that_changed_in_another_process_is_refused_not_charged(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    sale = await open_sale(capacity=5)
    await find_snapshot(sale.campaign.id)
    await database_admin.execute("UPDATE campaign_item SET price_minor = 12000")
    await database_admin.execute("UPDATE campaign SET version = version + 1")
    before = await stored_rows(database_admin)

    with pytest.raises(DomainError) as refused:
        await place_order(order_for(sale, expected_total_minor=10_000))

    assert refused.value.code == "PRICE_CHANGED"
    assert await stored_rows(database_admin) == before
    assert await count_available([sale.pool_id]) == {sale.pool_id: 5}


async def test_a_campaign_that_changes_with_every_attempt_asks_to_come_back(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)

    async def changed_meanwhile(*args: Any, **kwargs: Any) -> bool:
        await database_admin.execute("UPDATE campaign SET version = version + 1")
        return await write_orders(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "write_orders", changed_meanwhile)
        with pytest.raises(Unavailable) as refused:
            await place_order(order_for(sale))

    assert refused.value.part == "campaign"
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 0
    await _agree(sale, redis, database_admin)


async def test_an_order_under_way_when_its_campaign_is_cancelled_is_not_forgotten(
    redis: Redis, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=5)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any, **kwargs: Any) -> None:
        written.set()
        await go_on.wait()
        await take_quotas(*args, **kwargs)

    monkeypatch.setattr(together, "take_quotas", slowly)
    placing = asyncio.create_task(place_order(order_for(sale)))
    await written.wait()

    # The order's row is written and not committed; the campaign is called off now.
    cancelling = asyncio.create_task(cancel_campaign(sale.campaign.id, reason="no factory"))
    await asyncio.sleep(0.1)
    go_on.set()
    await cancelling
    while await cancel_orders_of_campaign(sale.campaign.id, reason="no factory"):
        pass

    outcome = (await asyncio.gather(placing, return_exceptions=True))[0]
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, DomainError)
        assert outcome.code == "CAMPAIGN_NOT_OPEN"
    # Either it was refused, or the cancellation found it: no live order on a dead campaign.
    statuses = await database_admin.fetch("SELECT status FROM sales_order")
    assert {row["status"] for row in statuses} <= {"CANCELLED"}
    assert (
        await database_admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NOT NULL") == 0
    )


async def test_twins_with_one_reservation_do_not_lose_it(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    command = order_for(sale, key="key", quantity=2)
    order = await place_order(command)
    await drain()
    # A reservation of the same order again, as a twin that was admitted late would have it.
    keys = keys_of(sale.pool_id)
    await redis.delete(keys["owners"])
    assert await admit(sale.pool_id, order.id, order.customer_id, 2) == Admitted((3, 4), False)

    assert await place_order(command) == order

    await _agree(sale, redis, database_admin)
    assert await count_available([sale.pool_id]) == {sale.pool_id: 3}
