"""Redis: one client per process, short timeouts, Lua scripts with their contract beside them.

``redis.asyncio`` is what became of aioredis. Redis admits, counts and broadcasts; it is never the
truth. When it is gone every caller has another way, so a failure is remembered for a moment and
the next callers are told at once instead of each waiting for its own timeout.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any
from weakref import WeakSet

import hiredis
import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis_batches import Batches, Command

log = structlog.get_logger(__name__)

PAUSE_AFTER_FAILURE_SECONDS = 0.5
MAX_CONNECTIONS = 64
WAIT_FOR_CONNECTION_SECONDS = 1.0
"""A rush waits for its turn: with the default pool, call 65 would count as "Redis is gone"."""
_DOWN = (RedisConnectionError, RedisTimeoutError, OSError)

TROUBLE_SECONDS = 120.0
"""After this long the reconciler has told Redis, twice over, what it missed while it was away."""

_client: Redis | None = None
_batches: Batches | None = None
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


def _by_hiredis(connection: type[AbstractConnection]) -> type[AbstractConnection]:
    """Return a kind of connection that leaves the bytes of commands to the C library.

    redis-py does that for its synchronous connections, and in Python, word by word, for these: a
    tenth of what an order cost. For each command of a pipeline it sets a timer, looks for options
    and counts: three quarters of what asking for twenty pools took.
    """

    class ByHiredis(connection):  # type: ignore[valid-type,misc]
        _serializer = HiredisRespSerializer()

        def pack_command(self, *args: Any) -> list[bytes]:
            packed: list[bytes] = self._serializer.pack(*args)
            return packed

        async def exchange(self, commands: Sequence[Command]) -> list[Any]:
            """Send commands in one write; return their answers as Redis gives them, and errors of
            single commands among them.

            Raises:
                RedisTimeoutError: all of them together were not answered in the time of one.
                RedisConnectionError: the connection broke off; whether any has run is not known.
            """
            if not self.is_connected:
                await self.connect_check_health(check_health=False)
            try:
                # One timer for writing and reading: redis-py's for writing alone is a task.
                async with asyncio.timeout(self.socket_timeout):
                    await self._send_packed_command([b"".join(_pack(commands))])
                    return [await self._parser.read_response() for _ in commands]
            except BaseException as error:
                # What has not been read would be taken for the answers to the next ones.
                await self.disconnect(nowait=True)
                if isinstance(error, TimeoutError):
                    raise RedisTimeoutError("Timeout talking to Redis") from error
                if isinstance(error, OSError):
                    raise RedisConnectionError(f"Error talking to Redis: {error.args}") from error
                raise

    return ByHiredis


def _pack(commands: Sequence[Command]) -> Iterator[bytes]:
    # Its types know of commands of one word alone.
    pack: Any = hiredis.pack_command
    return map(pack, commands)


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
    global _client, _batches, _client_url, _users, _down_until, _troubled_until
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
    pool.connection_class = _by_hiredis(pool.connection_class)
    _client = Redis.from_pool(pool)
    _batches = Batches(_client)
    return _client


async def close_redis() -> None:
    """Leave the process's client; close it if nobody else uses it."""
    global _client, _batches, _users
    _users -= 1
    if _client is not None and _batches is not None and _users <= 0:
        client, batches = _client, _batches
        _client = _batches = None
        await batches.drain()
        await client.aclose()


async def drain() -> None:
    """Wait for the commands that are on their way."""
    if _batches is not None:
        await _batches.drain()


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
    is_news = time.monotonic() >= _down_until
    _down_until = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
    _note_trouble()
    metrics.REDIS_FAILURES.inc()
    # All that went together fails together: one line is enough.
    if is_news:
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
    except (RedisError, OSError) as error:
        raise _unavailable(error) from error


def _unavailable(error: RedisError | OSError) -> Unavailable:
    if isinstance(error, _DOWN):
        _note_failure(error)
    else:
        metrics.REDIS_FAILURES.inc()
        log.warning("redis.refused", error=repr(error))
    return Unavailable("redis")


async def ask(*commands: Command) -> list[Any]:
    """Send commands along with those of others, in one round trip; return their answers in order.

    Each has to be safe to repeat. See :mod:`headless_presale.kernel.redis_batches`.

    Raises:
        Unavailable: Redis does not answer one of them as we need it, or failed within the last
            half second.
    """
    return _without_errors(await _ask(commands))


def _without_errors(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, RedisError | OSError):
            raise _unavailable(answer) from answer
    return answers


async def _ask(commands: Sequence[Command]) -> list[Any]:
    """Return answers, and errors among them."""
    if not commands:
        return []
    if time.monotonic() < _down_until:
        raise Unavailable("redis")
    if _batches is None:
        raise RuntimeError("Redis is not open")
    futures = _batches.ask(*commands)
    if len(futures) > 1:
        return await asyncio.gather(*futures, return_exceptions=True)
    try:
        return [await futures[0]]
    except (RedisError, OSError) as error:
        return [error]


class LuaScript:
    """A Lua file of a context, called by name. Its header states keys, arguments and results."""

    def __init__(self, package: str, name: str) -> None:
        self._source = files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """Run the script atomically.

        Raises:
            Unavailable: Redis does not answer, or failed within the last half second.
        """
        return (await self.all([(keys, args)]))[0]

    async def all(self, calls: Sequence[tuple[Sequence[str], Sequence[str | int]]]) -> list[Any]:
        """Run the script once for each of these keys and arguments, in one round trip.

        Raises:
            Unavailable: as above; some of them may have run.
        """
        commands = [("EVALSHA", self._sha, len(keys), *keys, *args) for keys, args in calls]
        answers = await _ask(commands)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # A Redis that was emptied or started anew. Those that ran may run again.
            return (await ask(("SCRIPT", "LOAD", self._source), *commands))[1:]
        return _without_errors(answers)
