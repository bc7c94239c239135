"""Folders with long, odd or contested names."""

import os
import tempfile
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from headless_presale.engines import EmbeddedEngines, EngineStartFailed
from headless_presale.engines.layout import SOCKET_PATH_LIMIT_BYTES, Layout
from tests.integration.engines.content import read_both, write_both
from tests.integration.engines.processes import everything, launcher_process, nothing_is_left


@pytest.fixture
def odd(folder: Path, parent: Path) -> Path:
    return folder.rename(parent / "a b%20&?#'é")


async def test_odd_names_reach_both_clients(odd: Path) -> None:
    with EmbeddedEngines(odd, durable=False) as urls:
        assert Layout.of(odd).sockets == odd / "run"
        assert urls.database_url is not None
        assert urls.redis_url is not None
        connection = await asyncpg.connect(urls.database_url)
        assert await connection.fetchval("SELECT current_database()") == "presale"
        await connection.close()
        client = redis.asyncio.Redis.from_url(urls.redis_url)
        assert await client.set("seen", 1) is True
        await client.aclose()
        write_both(urls.database_url, urls.redis_url, "odd")
        assert read_both(urls.database_url, urls.redis_url) == ("odd", "odd")


def test_a_long_path_gets_a_short_private_socket_folder(folder: Path, parent: Path) -> None:
    # Given a data folder below which no socket can be bound
    deep = parent / ("deep" * 30)
    deep.mkdir()
    long = folder.rename(deep / "data")
    assert len(os.fsencode(long / "run" / "pg" / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT_BYTES
    short = Layout.of(long).sockets

    # When two users share it, the second one with another idea of the temporary folder
    with EmbeddedEngines(long, durable=False) as urls:
        elsewhere = parent / "tmp"
        elsewhere.mkdir()

        def use_another_temporary_folder() -> None:
            os.environ["TMPDIR"] = str(elsewhere)

        with launcher_process(long, preexec=use_another_temporary_folder, durable=False) as second:
            # Then both get the same sockets, which nobody else can reach
            assert second.report == {
                "database_url": urls.database_url,
                "redis_url": urls.redis_url,
            }
            assert short.parent == Path(tempfile.gettempdir()).resolve()
            assert (short / "pg").stat().st_mode & 0o777 == 0o700
            assert (short / "valkey.sock").stat().st_mode & 0o077 == 0
            assert (short / "keeper.sock").stat().st_mode & 0o077 == 0
            write_both(urls.database_url, urls.redis_url, "short")

    # And nothing remains of them
    assert nothing_is_left(long)
    assert not short.exists()


@pytest.mark.usefixtures("as_root")
def test_a_socket_folder_of_somebody_else_is_refused(parent: Path) -> None:
    # Given that somebody was there first
    long = parent / ("deep" * 30)
    long.mkdir()
    taken = Layout.of(long).sockets
    taken.mkdir(mode=0o777)
    os.chown(taken, 12345, 12345)
    before = taken.stat()
    try:
        with pytest.raises(EngineStartFailed, match=f"{taken} belongs to user 12345"):
            EmbeddedEngines(long).start()
        assert taken.stat() == before
        assert list(taken.iterdir()) == []
        assert everything(long) == []
    finally:
        taken.rmdir()


def test_a_file_in_the_place_of_the_data_folder_is_left_alone(parent: Path) -> None:
    file = parent / "data"
    file.write_text("mine")
    with pytest.raises(EngineStartFailed, match="set PRESALE_DATA_DIR"):
        EmbeddedEngines(file).start()
    assert file.read_text() == "mine"
