"""Redis: one client per process, short timeouts, Lua scripts with their contract beside them.

``redis.asyncio`` is what became of aioredis. Redis admits, counts and broadcasts; it is never the
truth. When it is gone every caller has another way, so a failure is remembered for a moment and
the next callers are told at once instead of each waiting for its own timeout.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any
from weakref import WeakSet

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

PAUSE_AFTER_FAILURE_SECONDS = 0.5
MAX_CONNECTIONS = 64
WAIT_FOR_CONNECTION_SECONDS = 1.0
"""A rush waits for its turn: with the default pool, call 65 would count as "Redis is gone"."""
_DOWN = (RedisConnectionError, RedisTimeoutError, OSError)

TROUBLE_SECONDS = 120.0
"""After this long the reconciler has told Redis, twice over, what it missed while it was away."""

_client: Redis | None = None
_client_url: str | None = None
_users = 0
_down_until = 0.0
_troubled_until = 0.0
_connected: WeakSet[AbstractConnection] = WeakSet()


async def _on_connect(connection: AbstractConnection) -> None:
    """Greet the server; a connection that had to be made again means that it may have restarted.

    The client hides that: it makes connections anew, and sends again, without telling.
    """
    await connection.on_connect()
    if connection in _connected:
        _note_trouble()
    _connected.add(connection)


def _note_trouble() -> None:
    global _troubled_until
    _troubled_until = time.monotonic() + TROUBLE_SECONDS


def is_troubled() -> bool:
    """Tell whether Redis may have missed or forgotten what the database knows.

    True for two minutes after a call of this process failed, or a connection had to be made again.
    """
    return time.monotonic() < _troubled_until


def open_redis(url: str, *, timeout_seconds: float) -> Redis:
    """Make the process's one client; nothing is sent until it is used.

    Opening it again joins it, and it closes with its last user.

    Raises:
        RuntimeError: a client of another address is open in this process.
    """
    global _client, _client_url, _users, _down_until, _troubled_until
    if _client is not None:
        if url != _client_url:
            raise RuntimeError("another Redis is open in this process")
        _users += 1
        return _client
    _down_until = _troubled_until = 0.0
    _client_url, _users = url, 1
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=WAIT_FOR_CONNECTION_SECONDS,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        # Every script may be sent twice; none may wait for the ten retries of the default.
        retry=Retry(ConstantBackoff(0.01), 1),
        redis_connect_func=_on_connect,
        decode_responses=True,
    )
    _client = Redis.from_pool(pool)
    return _client


async def close_redis() -> None:
    """Leave the process's client; close it if nobody else uses it."""
    global _client, _users
    _users -= 1
    if _client is not None and _users <= 0:
        client, _client = _client, None
        await client.aclose()


def redis_client() -> Redis:
    """Return the process's client.

    Raises:
        RuntimeError: ``open_redis`` has not been called.
    """
    if _client is None:
        raise RuntimeError("Redis is not open")
    return _client


def _note_failure(error: BaseException) -> None:
    global _down_until
    _down_until = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
    _note_trouble()
    metrics.REDIS_FAILURES.inc()
    log.warning("redis.unavailable", error=repr(error))


@asynccontextmanager
async def answering_redis() -> AsyncIterator[Redis]:
    """Give the client; what goes wrong with Redis inside the block is Unavailable.

    A Redis that does not answer is not asked again for half a second. One that answers with an
    error (READONLY, OOM, a key of the wrong type) costs no waiting, so the next call may try.

    Raises:
        Unavailable: Redis does not answer as we need it, or did not within the last half second.
    """
    if time.monotonic() < _down_until:
        raise Unavailable("redis")
    try:
        yield redis_client()
    except _DOWN as error:
        _note_failure(error)
        raise Unavailable("redis") from error
    except RedisError as error:
        metrics.REDIS_FAILURES.inc()
        log.warning("redis.refused", error=repr(error))
        raise Unavailable("redis") from error


class LuaScript:
    """A Lua file of a context, called by name. Its header states keys, arguments and results."""

    def __init__(self, package: str, name: str) -> None:
        self._source = files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")
        self._registered: tuple[Redis, AsyncScript] | None = None

    async def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """Run the script atomically.

        Raises:
            Unavailable: Redis does not answer, or failed within the last half second.
        """
        async with answering_redis() as client:
            if self._registered is None or self._registered[0] is not client:
                self._registered = (client, client.register_script(self._source))
            return await self._registered[1](keys=list(keys), args=list(args))
