"""PostgreSQL with an end to every wait, also on a server that will never answer.

``statement_timeout`` is the server's own watch: a server that is stopped, or behind a network that
swallows packets, keeps none. So the client has bounds as well, each a little above the server's::

    a free connection     5 s   ACQUIRE_TIMEOUT_SECONDS, connecting included (CONNECT_SECONDS)
    one statement         6 s   statement_timeout and GRACE_SECONDS
    giving it up          1 s   CANCEL_SECONDS; then the connection is cut, not used again

The first statement that is given up ends its request: after twelve seconds at most with the default
settings. Tortoise opens this module as its engine; see ``database.tortoise_config``.
"""

import asyncio
from typing import Any, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import ConnectionWrapper, PoolConnectionWrapper

from headless_presale.kernel import metrics, unit_of_work
from headless_presale.kernel.connections import (
    give_all_aside_back,
    give_connection_back,
    lay_connection_aside,
    take_connection,
)
from headless_presale.kernel.errors import Unavailable

CONNECT_SECONDS = 3.0
GRACE_SECONDS = 1.0
"""How much longer than the server the client waits: the server's refusal is the better answer."""
CANCEL_SECONDS = 1.0
"""How long the server may take to confirm that it has stopped a statement."""


def command_timeout_seconds(statement_timeout_ms: int) -> float | None:
    """Return how long the client waits for one statement; None where the server does not end."""
    return statement_timeout_ms / 1000 + GRACE_SECONDS if statement_timeout_ms else None


class BoundedConnection(asyncpg.Connection):
    """A connection that is cut when the server does not even confirm a cancellation.

    asyncpg asks for one over a second connection and lets the next statement, the ROLLBACK, wait
    for the answer as long as for a statement: a frozen server would be waited for twice.
    """

    async def _cancel(self, waiter: Any, cancel_waiter: Any = None) -> None:
        try:
            async with asyncio.timeout(CANCEL_SECONDS) as limit:
                await super()._cancel(waiter, cancel_waiter)  # type: ignore[misc]
        finally:
            # asyncpg swallows the cancellation that a timeout is made of.
            if limit.expired() and not self.is_closed():
                self.terminate()

    def set_command_timeout(self, seconds: float | None) -> None:
        """Wait so long for each statement from now on."""
        config: Any = self._config  # type: ignore[has-type]
        self._config = config._replace(command_timeout=seconds)


async def allow_slow_statements(connection: asyncpg.Connection, statement_timeout_ms: int) -> None:
    """Let each statement of this transaction take so long, on both sides."""
    await connection.execute(
        "SELECT set_config('statement_timeout', $1, true)", str(statement_timeout_ms)
    )
    # A pool's connection is a proxy that passes on what it does not know itself.
    bounded = cast(BoundedConnection, connection)
    bounded.set_command_timeout(command_timeout_seconds(statement_timeout_ms))


class _BoundedAcquire(PoolConnectionWrapper[asyncpg.Connection]):
    """A statement of its own waits for a free connection no longer than a transaction does."""

    async def __aenter__(self) -> asyncpg.Connection:
        await self.ensure_connection()
        self.connection = await take_connection(
            cast(AsyncpgDBClient, self.client),
            timeout_seconds=unit_of_work.ACQUIRE_TIMEOUT_SECONDS,
        )
        return cast(asyncpg.Connection, self.connection)

    async def __aexit__(self, error: type[BaseException] | None, *_: Any) -> None:
        done = lay_connection_aside if error is None else give_connection_back
        await done(cast(AsyncpgDBClient, self.client), self.connection)


class BoundedClient(AsyncpgDBClient):
    """Tortoise's client; outside transactions too, a database that is away is ``Unavailable``."""

    def acquire_connection(
        self,
    ) -> ConnectionWrapper[asyncpg.Connection] | PoolConnectionWrapper[asyncpg.Connection]:
        """Take a connection from the pool for one statement."""
        return _BoundedAcquire(self, self._pool_init_lock)

    async def _close(self) -> None:
        await give_all_aside_back(self)
        await super()._close()

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except unit_of_work.DATABASE_DOWN as error:
            metrics.DATABASE_FAILURES.inc()
            raise Unavailable("database") from error


client_class = BoundedClient
"""By this name Tortoise finds what an engine's connections are made of."""
