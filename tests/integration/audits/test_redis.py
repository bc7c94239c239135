"""Redis beside the database: while orders come in, and once all is quiet."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.audits import audit_redis, audit_rest
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import sweep_orders
from headless_presale.payments.gateways.port import GatewayRefundStatus
from headless_presale.slots import admit
from headless_presale.slots.admission import keys_of
from tests.integration.audits.conftest import PlayedShop
from tests.support.money import work_off

LATE = timedelta(minutes=6)
"""Later than what an audit forgives by itself."""


async def test_an_undamaged_redis_passes(
    played: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]


async def test_a_redis_that_knows_nothing_passes(
    played: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await redis.flushdb()

    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]


async def test_numbers_that_redis_offers_wrongly_or_withholds_are_seen(
    played: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    pool_id = played.sale.pool_id
    owned = await database_admin.fetchval("SELECT min(number) FROM slot WHERE order_id IS NOT NULL")
    free = [
        row["number"]
        for row in await database_admin.fetch(
            "SELECT number FROM slot WHERE order_id IS NULL ORDER BY number"
        )
    ]
    assert len(free) == 10 - 2 - 1 - 3 - 1
    await redis.zrem(keys_of(pool_id)["free"], str(free[0]), str(free[1]))
    await redis.zadd(keys_of(pool_id)["free"], {str(owned): owned})

    offered, withheld = await audit_redis(database_admin, redis)

    assert offered.broken == (f"{pool_id} {owned}",)
    assert withheld.broken == (f"{pool_id} {free[0]}", f"{pool_id} {free[1]}")


# At rest


@pytest.fixture
async def quiet(
    played: PlayedShop, database_admin: asyncpg.Connection, clock: ManualClock
) -> PlayedShop:
    """Let every hold run out, every job run and every refund succeed; nothing is under way."""
    clock.advance(timedelta(minutes=15))
    await sweep_orders()
    await work_off(database_admin, "payments", "orders")
    for gateway in played.gateways.values():
        for key in gateway.pending_refunds():
            gateway.settle_refund(key, GatewayRefundStatus.SUCCEEDED)
    await database_admin.execute("UPDATE refund SET status = 'SUCCEEDED'")
    await database_admin.execute(
        "UPDATE procrastinate_jobs SET status = 'succeeded' "
        "WHERE task_name = 'notifications:send_message'"
    )
    return played


async def late(admin: asyncpg.Connection, redis: Redis, now: datetime) -> dict[str, int]:
    """Return the sentences that do not hold, with how many subjects break each."""
    findings = await audit_rest(admin, redis, now=now)
    return {finding.sentence: len(finding.broken) for finding in findings if not finding.holds}


async def test_a_quiet_shop_is_at_rest(
    quiet: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    assert await late(database_admin, redis, datetime.now(UTC) + LATE) == {}


async def test_a_shop_whose_redis_knows_nothing_is_at_rest(
    quiet: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await redis.flushdb()

    assert await late(database_admin, redis, datetime.now(UTC) + LATE) == {}


async def test_a_shop_without_its_worker_is_late_but_not_before_the_grace(
    played: PlayedShop, database_admin: asyncpg.Connection, redis: Redis, clock: ManualClock
) -> None:
    waiting = await database_admin.fetchval(
        "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"
    )
    # Three refunds are a quarter of an hour old, the fourth is not.
    assert await late(database_admin, redis, clock.now() + timedelta(minutes=4)) == {
        "no refund is still open": 3
    }

    assert await late(database_admin, redis, datetime.now(UTC) + LATE) == {
        "no hold is past its time": 2,
        "no job that is due waits": waiting,
        "no refund is still open": 4,
    }


Damage = Callable[[asyncpg.Connection, Redis, UUID], Awaitable[object]]


async def _hold(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await admin.execute(
        "UPDATE sales_order SET status = 'AWAITING_DEPOSIT' WHERE id IN "
        "(SELECT id FROM sales_order WHERE status = 'EXPIRED' LIMIT 1)"
    )


async def _waiting_job(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await admin.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'orders:sweep')"
    )


async def _job_of_a_dead_worker(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await admin.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
    )
    await admin.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id) "
        "SELECT 'default', 'orders:sweep', 'doing', id FROM procrastinate_workers"
    )


async def _refund(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await admin.execute("UPDATE refund SET status = 'SUBMITTED' WHERE reason = 'paid_twice'")


async def _withheld(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await redis.zpopmin(keys_of(pool_id)["free"])


async def _miscounted(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await redis.hset(keys_of(pool_id)["taken"], str(uuid4()), "1")


async def _abandoned(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    await redis.hset(keys_of(pool_id)["pending"], str(uuid4()), f"{uuid4()}|1")


_ENDPOINT = (
    "INSERT INTO webhook_endpoint (id, merchant_id, url, description, event_types, secret, "
    "failure_count, version, created_at, failing_since, disabled_at, disabled_reason) "
    "SELECT gen_random_uuid(), m.id, 'https://erp.example.com/', '', ARRAY['order.*'], '', 0, 1, "
    "now(), $1, $2, $3 FROM merchant m LIMIT 1 RETURNING id"
)


async def _webhook(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    endpoint_id = await admin.fetchval(_ENDPOINT, None, None, None)
    await admin.execute(
        "INSERT INTO webhook_delivery (id, endpoint_id, type, status, attempts, next_attempt_at, "
        "occurred_at) VALUES (webhook_delivery_id(), $1, 'webhook.test', 'PENDING', 0, now(), "
        "now())",
        endpoint_id,
    )


async def _failing_endpoint(admin: asyncpg.Connection, redis: Redis, pool_id: UUID) -> None:
    now = datetime.now(UTC)
    await admin.fetchval(_ENDPOINT, now - timedelta(hours=2), None, None)
    await admin.fetchval(_ENDPOINT, None, now, "GONE")
    await admin.fetchval(_ENDPOINT, None, now, "MERCHANT")


@pytest.mark.parametrize(
    ("damage", "sentences"),
    [
        (_webhook, {"no webhook that is due waits": 1}),
        (
            _failing_endpoint,
            {"no webhook endpoint has been failing for an hour, or was turned off for it": 2},
        ),
        (_hold, {"no hold is past its time": 1}),
        (_waiting_job, {"no job that is due waits": 1}),
        (_job_of_a_dead_worker, {"no job that is due waits": 1}),
        (_refund, {"no refund is still open": 1}),
        (_withheld, {"Redis offers exactly what is free": 1}),
        (_miscounted, {"Redis counts for each customer what the customer owns": 1}),
        (
            _abandoned,
            {"no reservation is under way": 1, "no reservation is past its time": 1},
        ),
    ],
)
async def test_what_is_not_at_rest_is_seen_and_nothing_else(
    quiet: PlayedShop,
    database_admin: asyncpg.Connection,
    redis: Redis,
    damage: Damage,
    sentences: dict[str, int],
) -> None:
    await damage(database_admin, redis, quiet.sale.pool_id)

    assert await late(database_admin, redis, datetime.now(UTC) + LATE) == sentences


async def test_a_reservation_is_under_way_before_it_is_past_its_time(
    quiet: PlayedShop, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await admit(quiet.sale.pool_id, uuid4(), uuid4(), 2)

    assert await late(database_admin, redis, datetime.now(UTC)) == {
        "Redis offers exactly what is free": 2,
        "Redis counts for each customer what the customer owns": 1,
        "no reservation is under way": 1,
    }
