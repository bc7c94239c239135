"""Connections on which nobody asks anything: how long they stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from redis.asyncio import Redis
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headless_presale.cli import processes
from headless_presale.cli.server import DoorProtocol
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.api import api_serving
from tests.support.servers import until

REQUEST = b"GET /livez HTTP/1.1\r\nhost: api.example\r\n\r\n"
HALF = REQUEST[:-4]
GUARD_SECONDS = 30


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_url,
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
        }
    )


class Seen:
    """The server's side of the newest connection."""

    newest: ClassVar["Seen | None"] = None
    received = 0
    timeout_keep_alive_task: asyncio.TimerHandle | None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        Seen.newest = self

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # type: ignore[misc]
        self.received += len(data)

    def waits(self) -> asyncio.TimerHandle | None:
        """Return what is going to end the connection, if anything is."""
        timer = self.timeout_keep_alive_task
        return None if timer is None or timer.cancelled() else timer


class Ours(Seen, DoorProtocol): ...


class Uvicorns(Seen, HttpToolsProtocol): ...


async def seen(count: int) -> Seen:
    """Return the server's side, once it has so many bytes."""
    await until(
        lambda: Seen.newest is not None and Seen.newest.received == count, seconds=GUARD_SECONDS
    )
    assert Seen.newest is not None
    return Seen.newest


@asynccontextmanager
async def connection(
    client: httpx.AsyncClient,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_who_asks_nothing_is_shut_out(settings: Settings) -> None:
    short = settings.model_copy(update={"keep_alive_seconds": 0.1})
    async with api_serving(short) as client:

        async def all_that_is_said(sent: bytes) -> bytes:
            async with connection(client) as (reader, writer):
                writer.write(sent)
                return await asyncio.wait_for(reader.read(), GUARD_SECONDS)

        nothing, half, whole = await asyncio.gather(*map(all_that_is_said, (b"", HALF, REQUEST)))

    assert (nothing, half) == (b"", b"")
    assert whole.startswith(b"HTTP/1.1 200")


async def test_the_beginning_of_a_request_is_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "newest", None)
    async with api_serving(settings, protocol=Ours) as client:
        async with connection(client) as (reader, writer):
            writer.write(HALF)
            server = await seen(len(HALF))
            first = server.waits()
            assert first is not None
            writer.write(b"x")
            await seen(len(HALF) + 1)
            assert server.waits() is first

            # A whole one ends the waiting, and its answer begins it anew.
            writer.write(b"\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), GUARD_SECONDS)
            await until(lambda: server.waits() is not None, seconds=GUARD_SECONDS)
            again = server.waits()
            assert first.cancelled()
            assert again is not None
            latest = asyncio.get_running_loop().time() + settings.keep_alive_seconds
            assert first.when() <= again.when() <= latest
        await until(lambda: server.waits() is None, seconds=GUARD_SECONDS)


async def test_control_uvicorn_alone_waits_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "newest", None)
    async with api_serving(settings, protocol=Uvicorns) as client, connection(client) as (_, way):
        way.write(HALF)
        assert (await seen(len(HALF))).waits() is None


def test_it_is_longer_than_a_proxy_waits_and_told_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings().keep_alive_seconds > 60

    told: list[Any] = []
    monkeypatch.setattr(processes, "follow_parent", lambda: None)
    monkeypatch.setattr(
        processes, "engines", lambda **_: nullcontext(Settings(keep_alive_seconds=620))
    )
    monkeypatch.setattr(processes, "environment_of", lambda _: {})
    monkeypatch.setattr(processes, "run_server", told.append)
    processes.serve()
    assert [config.timeout_keep_alive for config in told] == [620]
