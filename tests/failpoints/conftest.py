"""The empty worlds that scenarios act on."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import forget_all
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.media import open_store, set_store
from headless_presale.notifications import set_transport
from headless_presale.notifications.mail import parse_sender
from headless_presale.notifications.transports import FileTransport
from tests.conftest import NOON, empty
from tests.failpoints.world import World, new_sale
from tests.support.gateway import sandbox_running
from tests.support.receiver import open_outlet, receiving

Worlds = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
async def worlds(
    database: str, database_admin: asyncpg.Connection, redis: Redis, tmp_path: Path
) -> AsyncIterator[Worlds]:
    """Return what makes a new world: everything empty, a gateway that tells nobody, noon."""
    numbers = itertools.count(1)

    @asynccontextmanager
    async def new_world() -> AsyncIterator[World]:
        await empty(database_admin)
        await redis.flushdb()
        forget_all()
        clock = ManualClock(NOON)
        file = tmp_path / f"gateway-{next(numbers)}.sqlite3"
        with use_clock(clock):
            async with (
                sandbox_running(file) as sandbox,
                receiving() as receiver,
                open_outlet(),
            ):
                yield World(database_admin, redis, sandbox, receiver, clock, await new_sale())

    set_transport(FileTransport(parse_sender("Presale <no-reply@localhost>"), tmp_path / "mail"))
    set_store(open_store(None, tmp_path / "media"))
    yield new_world
    set_store(None)
    set_transport(None)
