"""Connections between two requests: how long they stay."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest
from redis.asyncio import Redis

from headless_presale.cli import processes, server
from headless_presale.cli.http import DoorProtocol
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.api import api_serving
from tests.support.servers import until

REQUEST = b"GET /livez HTTP/1.1\r\nhost: api.example\r\n\r\n"
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


class Seen(DoorProtocol):
    """The server's side of the newest connection."""

    newest: ClassVar["Seen | None"] = None
    lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        Seen.newest = self

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost = True


async def test_one_is_closed_on_which_nothing_more_is_asked(settings: Settings) -> None:
    short = settings.model_copy(update={"keep_alive_seconds": 0.1})
    async with api_serving(short) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(REQUEST)
        said = await asyncio.wait_for(reader.read(), GUARD_SECONDS)
        writer.close()
    assert said.startswith(b"HTTP/1.1 200")


async def test_it_is_waited_for_as_long_as_is_set_and_no_longer_than_it_lives(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "newest", None)
    async with api_serving(settings, protocol=Seen) as client:
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(REQUEST)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), GUARD_SECONDS)
        server = Seen.newest
        assert server is not None
        await until(lambda: server.timeout_keep_alive_task is not None, seconds=GUARD_SECONDS)
        timer = server.timeout_keep_alive_task
        assert timer is not None
        waits = timer.when() - settings.keep_alive_seconds
        assert began <= waits <= asyncio.get_running_loop().time()

        # Broken off, not closed in order: nothing of it is kept for the rest of its time.
        writer.transport.abort()
        server.transport.abort()
        await until(lambda: server.lost, seconds=GUARD_SECONDS)
        assert timer.cancelled()


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
    monkeypatch.setattr(server, "run_server", told.append)
    processes.serve()
    assert [config.timeout_keep_alive for config in told] == [620]
