"""The product's own audits, asked by tests."""

import time
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.audits import audit_database, audit_redis
from headless_presale.slots import reconcile_pool
from headless_presale.slots.admission import RESERVATION_TTL_SECONDS


async def broken_invariants(
    connection: asyncpg.Connection, redis: Redis | None = None
) -> dict[str, tuple[str, ...]]:
    """Return each audit that does not hold, with what breaks it.

    Args:
        redis: where given, what it offers is compared too, which is exact only when all is quiet.
    """
    findings = await audit_database(connection)
    if redis is not None:
        findings += await audit_redis(connection, redis)
    return {finding.sentence: finding.broken for finding in findings if not finding.holds}


async def reconcile_later(pool_id: UUID) -> None:
    """Let the reconciler look twice, each time a reservation's lifetime later than before.

    That is what it takes until every number is on offer again that somebody died holding.
    """
    now_ms = int(time.time() * 1_000)
    for looks in (1, 2):
        await reconcile_pool(pool_id, now_ms=now_ms + looks * (RESERVATION_TTL_SECONDS + 1) * 1_000)
