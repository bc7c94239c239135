"""Health: what a load balancer and an operator may ask."""

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from redis.exceptions import RedisError

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import redis_client
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 2.0
WORKER_SILENT_AFTER_SECONDS = 30.0
"""A worker shows a sign of life every ten seconds; after thirty its jobs are given to others."""
JOBS_LOOKED_AT_EVERY_SECONDS = 5.0

_WORKER_LIVES = """
SELECT EXISTS (
    SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => $1)
)
"""
# A job that was not put off has its date only in its first event; the lowest id is the oldest.
_JOBS_DUE = """
WITH due AS (
    SELECT id, scheduled_at FROM procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
)
SELECT count(*) AS waiting,
    extract(epoch FROM now() - least(
        min(scheduled_at),
        (SELECT min(at) FROM procrastinate_events WHERE type = 'deferred' AND job_id =
            (SELECT min(id) FROM due WHERE scheduled_at IS NULL))
    ))::float8 AS oldest_seconds
FROM due
"""

_jobs_looked_at = -math.inf


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which parts answer. Only the database is indispensable.

    Attributes:
        has_worker: some job worker has shown a sign of life; nobody knows without the database,
            and then it is False. Without one nothing is lost, but mails and refunds wait.
    """

    has_database: bool
    has_redis: bool
    has_worker: bool

    @property
    def is_ready(self) -> bool:
        return self.has_database

    def to_json(self) -> dict[str, Any]:
        """Return what ``/readyz`` answers."""
        is_whole = self.has_database and self.has_redis and self.has_worker
        return {
            "status": "ok" if is_whole else "degraded" if self.is_ready else "unavailable",
            "database": self.has_database,
            "redis": self.has_redis,
            "worker": self.has_worker,
        }


async def readiness() -> Readiness:
    """Ask both engines, at the same time and not for long."""
    has_worker, has_redis = await asyncio.gather(_database_knows_worker(), _redis_answers())
    return Readiness(
        has_database=has_worker is not None, has_redis=has_redis, has_worker=bool(has_worker)
    )


async def _database_knows_worker() -> bool | None:
    """Tell whether a worker lives; None when the database does not answer."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _find_worker()
    except (TimeoutError, Unavailable):
        return None
    except asyncpg.PostgresError as error:
        # It answers, and says no: to the password, to the database's name...
        log.error("health.database_refused", error=repr(error))
        return None


@shielded
async def _find_worker() -> bool:
    async with unit_of_work() as work:
        (row,) = await work.fetch(_WORKER_LIVES, WORKER_SILENT_AFTER_SECONDS)
    return bool(row[0])


async def _redis_answers() -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return bool(await redis_client().ping())
    except (TimeoutError, RedisError, OSError):
        return False


async def refresh_job_metrics() -> None:
    """Look how many jobs wait, unless that was done within the last five seconds.

    Never raises: what cannot be known is NaN.
    """
    global _jobs_looked_at
    if time.monotonic() < _jobs_looked_at + JOBS_LOOKED_AT_EVERY_SECONDS:
        return
    _jobs_looked_at = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            waiting, oldest_seconds = await _count_due_jobs()
    except (TimeoutError, Unavailable, asyncpg.PostgresError) as error:
        log.info("health.jobs_unknown", error=repr(error))
        waiting = oldest_seconds = math.nan
    metrics.JOBS_WAITING.set(waiting)
    metrics.OLDEST_DUE_JOB_SECONDS.set(oldest_seconds)


@shielded
async def _count_due_jobs() -> tuple[float, float]:
    async with unit_of_work() as work:
        (row,) = await work.fetch(_JOBS_DUE)
    return row["waiting"], row["oldest_seconds"] or 0.0
