"""One command, one transaction, and no way for a vanished client to tear it in half.

A cancelled task used to leak its connection: entering a Tortoise transaction acquires first and
only then arms the release, and a client can cause the cancellation by closing its WebSocket. So
every command runs as its own task that the caller's cancellation does not reach
(:func:`shielded`), and the transaction below gives its connection back from every await.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

import asyncpg
import structlog
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContextPooled
from tortoise.connection import get_connection, get_connections
from tortoise.exceptions import DBConnectionError

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.connections import end_turn, give_connection_back, take_connection
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.events import Actor, Event, acting, handlers_of
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jsonb import to_jsonb

P = ParamSpec("P")
R = TypeVar("R")

ACQUIRE_TIMEOUT_SECONDS = 5.0
"""How long a command waits for a free connection before it says 503 instead of queueing on."""

log = structlog.get_logger(__name__)

_running: set[asyncio.Task[Any]] = set()
_abandoned: set[asyncio.Task[Any]] = set()
_is_shielded: ContextVar[bool] = ContextVar("is_shielded", default=False)
_current: ContextVar["UnitOfWork | None"] = ContextVar("unit_of_work", default=None)

_AfterCommit = Callable[[], Awaitable[object]]
_publish: Callable[[Sequence[tuple[str, int]]], Awaitable[None]] | None = None


def set_publisher(publish: Callable[[Sequence[tuple[str, int]]], Awaitable[None]] | None) -> None:
    """Install what tells followers about committed events: called with (topic, event id) pairs."""
    global _publish
    _publish = publish


def shielded(command: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Run a command to its end even when its caller is cancelled.

    The caller gets its CancelledError at once; the command goes on in its own task, bounded by
    ``statement_timeout``, and :func:`drain` waits for it at shutdown. A command that is called
    inside another one is part of it.
    """

    @wraps(command)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _is_shielded.get():
            return await command(*args, **kwargs)

        async def protected() -> R:
            _is_shielded.set(True)
            return await command(*args, **kwargs)

        task = asyncio.create_task(protected(), name=f"command:{command.__qualname__}")
        _running.add(task)
        task.add_done_callback(_running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                _abandoned.add(task)
                task.add_done_callback(_abandoned.discard)
            task.add_done_callback(_report_orphan)
            raise
        finally:
            # What it raised knows this frame: together they would stay until garbage is collected.
            del task

    return run


def _report_orphan(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("command.failed_after_cancellation", command=task.get_name(), error=repr(error))


def abandoned_commands() -> int:
    """Return how many commands go on though nobody waits for their answer any more."""
    return len(_abandoned)


async def drain(timeout_seconds: float) -> int:
    """Wait for running commands; return how many were still running when time was up."""
    if not _running:
        return 0
    _, pending = await asyncio.wait(set(_running), timeout=timeout_seconds)
    return len(pending)


class UnitOfWork:
    """An open transaction plus what happens around it: events inside, callbacks after commit."""

    def __init__(self, client: TransactionalDBClient) -> None:
        self._client = client
        self._events: list[tuple[Event, str]] = []
        self._after_commit: list[_AfterCommit] = []
        self._published: list[tuple[str, int]] = []

    @property
    def connection(self) -> asyncpg.Connection:
        """The asyncpg connection that carries this transaction, for hand-written SQL."""
        return cast(asyncpg.Connection, self._client._connection)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement and return its rows; ``RETURNING`` works as one expects."""
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Run one statement and return its first row."""
        return await self.connection.fetchrow(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run one statement and return how many rows it touched."""
        status = await self.connection.execute(sql, *args)
        return int(status.rsplit(" ", 1)[-1]) if status[-1].isdigit() else 0

    async def lock(self, kind: str, subject: UUID | str) -> None:
        """Wait for the one lock of a thing that several tables describe; held until the end.

        Taken before any row of it, so that use cases which meet on the same rows in different
        orders queue up instead of deadlocking.
        """
        await self.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{kind}:{subject}"
        )

    def emit(self, event: Event, *, actor: Actor | None = None) -> None:
        """Record an event: its row and its handlers' work commit with this transaction.

        Args:
            actor: whose doing it is, where it is not that of whoever acts here.
        """
        self._events.append((event, str(actor or acting())))

    def wake(self, topic: str) -> None:
        """Tell followers of a topic, after the commit, that something they derive has changed."""
        self._published.append((topic, 0))

    def after_commit(self, callback: _AfterCommit) -> None:
        """Run ``callback`` once the transaction is committed. It must be safe to lose."""
        self._after_commit.append(callback)

    async def _flush_events(self) -> None:
        while self._events:
            batch, self._events = self._events, []
            rows = await self.fetch(
                "INSERT INTO event (topic, type, payload, actor, created_at) "
                "SELECT topic, type, payload, actor, $2 FROM json_to_recordset($1::json) "
                "AS e(topic text, type text, payload jsonb, actor text) RETURNING id, topic",
                to_jsonb(
                    [
                        {
                            "topic": event.topic,
                            "type": event.type,
                            "payload": event.payload(),
                            "actor": actor,
                        }
                        for event, actor in batch
                    ]
                ),
                clock.now(),
            )
            reach("events.written")
            followed = {event.topic for event, _ in batch if not event.begins_its_topic}
            self._published += [
                (row["topic"], row["id"]) for row in rows if row["topic"] in followed
            ]
            for event, _ in batch:
                for handle in handlers_of(event):
                    await handle(event)
                reach("events.handled")

    async def _run_after_commit(self) -> None:
        callbacks = list(self._after_commit)
        if self._published and _publish is not None:
            # Last: who is woken looks at what the callbacks have brought up to date.
            callbacks.append(partial(_publish, self._published))
        for callback in callbacks:
            try:
                await callback()
                reach("transaction.followed_up")
            except Unavailable as error:
                # Committed is committed: what follows is repaired by its own reconciler.
                log.info("unit_of_work.after_commit_postponed", part=error.part)
            except Exception:
                log.warning("unit_of_work.after_commit_failed", exc_info=True)


class _Transaction(TransactionContextPooled):
    """Tortoise's transaction with a bounded wait and a release from every await of its entry."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pooled = cast(AsyncpgDBClient, self.client._parent)
        connection = await take_connection(pooled, timeout_seconds=ACQUIRE_TIMEOUT_SECONDS)
        self.client._connection = connection
        self.token = get_connections().set(self.connection_name, self.client)
        try:
            await self.client.begin()
        except BaseException:
            get_connections().reset(self.token)
            await give_connection_back(pooled, connection)
            raise
        return self.client

    async def __aexit__(self, *error: Any) -> None:
        try:
            await super().__aexit__(*error)
        finally:
            end_turn(cast(AsyncpgDBClient, self.client._parent))


DATABASE_DOWN = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection that the server closed while it was idle.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # Too many connections, disk full, out of memory.
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ReadOnlySQLTransactionError,
    DBConnectionError,
    ConnectionError,
    TimeoutError,
    OSError,
)
"""What means "the same request may succeed in a moment"."""


@asynccontextmanager
async def unit_of_work() -> AsyncIterator[UnitOfWork]:
    """Open a transaction, or join the one that is open in this command.

    Raises:
        Unavailable: the database cannot be reached, is out of connections, or broke off.
        RuntimeError: called outside a :func:`shielded` command.
    """
    joined = _current.get()
    if joined is not None:
        yield joined
        return
    if not _is_shielded.get():
        raise RuntimeError("a unit of work needs a @shielded command around it")
    client = cast(AsyncpgDBClient, get_connection("default"))
    try:
        async with _Transaction(TransactionWrapper(client), client._pool_init_lock) as connection:
            work = UnitOfWork(connection)
            token = _current.set(work)
            try:
                yield work
                await work._flush_events()
            finally:
                _current.reset(token)
    except DATABASE_DOWN as error:
        metrics.DATABASE_FAILURES.inc()
        # No traceback: an outage brings hundreds, and writing each one down takes the loop longer
        # than the refusal itself.
        log.warning("database.unavailable", error=repr(error))
        raise Unavailable("database") from error
    reach("transaction.committed")
    await work._run_after_commit()
    reach("transaction.announced")


def find_current_work() -> UnitOfWork | None:
    """Return the open unit of work, or None."""
    return _current.get()


def current_work() -> UnitOfWork:
    """Return the open unit of work, for code that is only ever part of one."""
    work = _current.get()
    if work is None:
        raise RuntimeError("no unit of work is open")
    return work
