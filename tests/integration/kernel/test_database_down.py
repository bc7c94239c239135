"""A database that is gone, full or slow: a clear answer, nothing half done, and a way back."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tortoise.connection import get_connection

from headless_presale.database import tortoise_config
from headless_presale.kernel import unit_of_work as module
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.integration.kernel.records import BellRang, count_rows, ring_shielded
from tests.support.pool import all_given_back, open_transactions, pool
from tests.support.servers import until

pytestmark = pytest.mark.usefixtures("database")


@shielded
async def _run(sql: str, *args: object, timeout_ms: int | None = None) -> None:
    async with unit_of_work() as work:
        work.emit(BellRang(number=1))
        if timeout_ms is not None:
            await work.execute(f"SET LOCAL statement_timeout = {timeout_ms}")
        await work.execute(sql, *args)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
async def dead_port() -> AsyncIterator[None]:
    """Point the process's pool to where nobody listens."""
    client = get_connection("default")
    await client.close()
    host, port = client.host, client.port  # type: ignore[attr-defined]
    client.host, client.port = "127.0.0.1", _free_port()  # type: ignore[attr-defined]
    yield
    client.host, client.port = host, port  # type: ignore[attr-defined]


async def test_a_database_that_cannot_be_reached_is_unavailable_and_comes_back(
    dead_port: None, database_admin: asyncpg.Connection, worker_database_url: str
) -> None:
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            await ring_shielded(1)
        assert refused.value.part == "database"
    assert await count_rows(database_admin) == (0, 0)

    client = get_connection("default")
    await client.close()
    client.host, client.port = _address(worker_database_url)  # type: ignore[attr-defined]

    assert await ring_shielded(2) == 2
    assert await count_rows(database_admin) == (1, 1)


async def test_connections_that_were_cut_are_replaced(
    database_admin: asyncpg.Connection,
) -> None:
    await asyncio.gather(*map(ring_shielded, range(5)))
    await _cut_all(database_admin)

    results = await asyncio.gather(*map(ring_shielded, range(10)), return_exceptions=True)

    failed = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, Unavailable) for error in failed)
    done = 5 + len(results) - len(failed)
    assert await count_rows(database_admin) == (done, done)
    assert await ring_shielded(99) == 99
    assert await all_given_back()


async def test_a_connection_cut_in_the_middle_leaves_nothing(
    database_admin: asyncpg.Connection,
) -> None:
    command = asyncio.create_task(_run("SELECT pg_sleep(3)"))

    async def is_under_way() -> bool:
        return bool(await open_transactions(database_admin))

    await until(is_under_way)

    await _cut_all(database_admin)

    with pytest.raises(Unavailable):
        await command
    assert await count_rows(database_admin) == (0, 0)
    assert await all_given_back()
    assert await ring_shielded(1) == 1


async def test_a_statement_is_bounded(database_admin: asyncpg.Connection) -> None:
    async with pool().acquire() as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "5s"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    begun = time.monotonic()

    with pytest.raises(Unavailable) as refused:
        await _run("SELECT pg_sleep(90)", timeout_ms=100)

    assert time.monotonic() - begun < 60
    assert isinstance(refused.value.__cause__, asyncpg.QueryCanceledError)
    assert await count_rows(database_admin) == (0, 0)
    assert await all_given_back()


async def test_a_pool_that_is_used_up_says_so_instead_of_queueing_on(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ACQUIRE_TIMEOUT_SECONDS", 0.1)
    await ring_shielded(0)
    held = [await pool().acquire() for _ in range(pool().get_max_size())]
    try:
        with pytest.raises(Unavailable):
            await ring_shielded(1)
    finally:
        for connection in held:
            await pool().release(connection)

    assert await ring_shielded(2) == 2
    assert await count_rows(database_admin) == (2, 2)


async def test_an_argument_of_the_wrong_kind_is_our_bug_not_an_outage(
    database_admin: asyncpg.Connection,
) -> None:
    with pytest.raises(asyncpg.DataError, match="int32"):
        await _run("SELECT $1::int", 2**40)

    assert await count_rows(database_admin) == (0, 0)
    assert await all_given_back()


async def _cut_all(admin: asyncpg.Connection) -> None:
    await admin.fetch(
        # The second argument waits until the process is gone, up to these milliseconds.
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
        "WHERE application_name = 'headless-presale' AND datname = current_database()"
    )


def _address(url: str) -> tuple[str, int]:
    credentials = tortoise_config(url)["connections"]["default"]["credentials"]
    return credentials["host"], credentials["port"]
