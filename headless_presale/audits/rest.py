"""What holds only once all is quiet: nothing under way, nothing overdue, both sides equal."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.audits.findings import Finding, ask, finding_of
from headless_presale.audits.redis import free_numbers, listen
from headless_presale.webhooks import listening

LATE_AFTER = timedelta(minutes=5)
"""How long what is due may wait before it counts as late."""

_REST_AUDITS: Mapping[str, str] = {
    "no hold is past its time": """
        SELECT o.id::text FROM sales_order o, moment
        WHERE o.status IN ('AWAITING_PAYMENT', 'AWAITING_DEPOSIT')
          AND o.hold_expires_at < moment.at""",
    "no job that is due waits": """
        SELECT j.task_name || ' ' || j.id FROM procrastinate_jobs j, moment
        WHERE (j.status = 'todo' AND moment.at > coalesce(j.scheduled_at, (
                SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)))
           OR (j.status = 'doing' AND NOT EXISTS (
                SELECT 1 FROM procrastinate_workers w
                WHERE w.id = j.worker_id AND w.last_heartbeat > moment.at))""",
    "no refund is still open": """
        SELECT r.id || ' ' || r.status FROM refund r, moment
        WHERE r.status <> 'SUCCEEDED' AND r.created_at < moment.at""",
    "no webhook that is due waits": f"""
        SELECT d.id || ' ' || w.url FROM webhook_delivery d
        JOIN webhook_endpoint w ON w.id = d.endpoint_id, moment
        WHERE d.status = 'PENDING' AND d.next_attempt_at < moment.at AND w.disabled_at IS NULL
          AND w.deleted_at IS NULL AND coalesce(w.paused_until, moment.at) <= moment.at
          AND {listening(endpoint="w", delivery="d")}""",
    "no webhook endpoint has been failing for an hour, or was turned off for it": """
        SELECT w.url FROM webhook_endpoint w, moment
        WHERE w.deleted_at IS NULL AND (w.disabled_reason IN ('GONE', 'FAILING')
            OR (w.disabled_at IS NULL AND w.failing_since < moment.at - interval '1 hour'))""",
}


async def audit_rest(
    connection: asyncpg.Connection,
    redis: Redis,
    *,
    now: datetime,
    grace: timedelta = LATE_AFTER,
) -> list[Finding]:
    """Ask what holds only once all is quiet: nothing under way, nothing overdue, both sides equal.

    While orders come in or the worker stands still these break, and nothing is wrong with the
    shop: what is late is done later.

    Args:
        grace: how long what is due may wait.
    """
    late = now - grace
    differing: list[str] = []
    miscounted: list[str] = []
    under_way: list[str] = []
    overdue: list[str] = []
    async for said in listen(connection, redis):
        differing += said.named(said.offered ^ await free_numbers(connection, said.pool_id))
        taken = await _quotas(connection, said.pool_id)
        miscounted += [
            f"{said.pool_id} {customer}"
            for customer in sorted(taken.keys() | said.taken.keys())
            if taken.get(customer) != said.taken.get(customer)
        ]
        under_way += [f"{said.pool_id} {reservation}" for reservation in sorted(said.due_ms)]
        overdue += [
            f"{said.pool_id} {reservation}"
            for reservation, due_ms in sorted(said.due_ms.items())
            if due_ms < late.timestamp() * 1_000
        ]
    return [
        *await ask(connection, _REST_AUDITS, late),
        finding_of("Redis offers exactly what is free", differing),
        finding_of("Redis counts for each customer what the customer owns", miscounted),
        finding_of("no reservation is under way", under_way),
        finding_of("no reservation is past its time", overdue),
    ]


async def _quotas(connection: asyncpg.Connection, pool_id: UUID) -> dict[UUID, int]:
    rows = await connection.fetch(
        "SELECT customer_id, taken FROM customer_quota WHERE pool_id = $1 AND taken > 0", pool_id
    )
    return {row["customer_id"]: row["taken"] for row in rows}
