"""Health: what a load balancer and an operator may ask."""

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from redis.exceptions import RedisError

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import redis_client
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which engines answer. Only the database is indispensable."""

    has_database: bool
    has_redis: bool

    @property
    def is_ready(self) -> bool:
        return self.has_database

    def to_json(self) -> dict[str, Any]:
        """Return what ``/readyz`` answers."""
        return {
            "status": "ok"
            if self.is_ready and self.has_redis
            else "degraded"
            if self.is_ready
            else "unavailable",
            "database": self.has_database,
            "redis": self.has_redis,
        }


async def readiness() -> Readiness:
    """Ask both engines, at the same time and not for long."""
    has_database, has_redis = await asyncio.gather(_database_answers(), _redis_answers())
    return Readiness(has_database, has_redis)


async def _database_answers() -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await _ask_database()
    except (TimeoutError, Unavailable):
        return False
    except asyncpg.PostgresError as error:
        # It answers, and says no: to the password, to the database's name...
        log.error("health.database_refused", error=repr(error))
        return False
    return True


@shielded
async def _ask_database() -> None:
    async with unit_of_work() as work:
        await work.execute("SELECT 1")


async def _redis_answers() -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return bool(await redis_client().ping())
    except (TimeoutError, RedisError, OSError):
        return False
