"""Starting, sharing and stopping the engines of one folder."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import pytest
import redis.asyncio

from headless_presale.engines import EmbeddedEngines, EngineStartFailed
from tests.integration.engines.content import read_both, was_shut_down_cleanly, write_both
from tests.integration.engines.processes import (
    engine_processes,
    find_keepers,
    launcher_process,
    nothing_is_left,
    postmaster,
    valkey,
)


async def test_both_engines_answer_every_client_as_is(new_folder: Path) -> None:
    # Given engines on a folder that did not exist
    with EmbeddedEngines(new_folder) as urls:
        assert urls.database_url is not None
        assert urls.redis_url is not None

        # When each client connects with the address it is given
        connection = await asyncpg.connect(urls.database_url)
        answers = await connection.fetchrow(
            "SELECT current_database() AS name, current_setting('timezone') AS zone, "
            "current_setting('server_version_num')::int / 10000 AS major, "
            "current_setting('data_checksums') AS checksums, "
            "current_setting('fsync') AS fsync, upper('é') AS upper, "
            "pg_encoding_to_char(encoding) AS encoding, datlocale AS locale "
            "FROM pg_database WHERE datname = current_database()"
        )
        await connection.close()
        with psycopg.connect(urls.database_url) as other:
            row = other.execute("SELECT current_user, current_database()").fetchone()
        client = redis.asyncio.Redis.from_url(urls.redis_url)
        settings = await client.config_get("appendonly", "appendfsync", "port")
        await client.aclose()

    # Then they reach the database, as Unicode, in UTC, with checksums, and the durable server
    assert answers is not None
    assert dict(answers) == {
        "name": "presale",
        "zone": "UTC",
        "major": 18,
        "checksums": "on",
        "fsync": "on",
        "upper": "É",
        "encoding": "UTF8",
        "locale": "C.UTF-8",
    }
    assert row == ("postgres", "presale")
    assert settings == {"appendonly": "yes", "appendfsync": "everysec", "port": "0"}
    assert nothing_is_left(new_folder)


def test_data_survives_a_stop(folder: Path) -> None:
    # Given a row and a key
    with EmbeddedEngines(folder) as urls:
        write_both(urls.database_url, urls.redis_url, "kept")

    # When the engines are started again
    with EmbeddedEngines(folder) as urls:
        found = read_both(urls.database_url, urls.redis_url)

    # Then both are there and nothing had to be recovered
    assert found == ("kept", "kept")
    assert was_shut_down_cleanly(folder)


def test_engines_stop_when_the_last_of_two_users_leaves(folder: Path) -> None:
    first = EmbeddedEngines(folder)
    urls = first.start()
    # Given a second application on the same folder
    with launcher_process(folder) as second:
        assert second.report == {"database_url": urls.database_url, "redis_url": urls.redis_url}
        servers = [postmaster(folder).pid, valkey(folder).pid]

        # When the one that started them leaves
        first.stop()

        # Then the same servers go on for the other one
        assert [postmaster(folder).pid, valkey(folder).pid] == servers
        write_both(urls.database_url, urls.redis_url, "by the second")

        # And when that one leaves too, they are gone
        second.leave()
        assert engine_processes(folder, "postgres") == []
        assert engine_processes(folder, "valkey-server") == []


def test_users_may_come_and_go_at_any_moment(folder: Path) -> None:
    # Given that somebody always starts while somebody else, maybe the last one, stops
    def come_and_go(_: int) -> tuple[int, ...] | None:
        with EmbeddedEngines(folder, valkey=False, durable=False) as urls:
            assert urls.database_url is not None
            with psycopg.connect(urls.database_url) as connection:
                return connection.execute("SELECT 1").fetchone()

    with ThreadPoolExecutor(max_workers=3) as pool:
        answers = list(pool.map(come_and_go, range(12)))

    # Then everyone is served
    assert answers == [(1,)] * 12
    assert nothing_is_left(folder)


def test_starting_and_stopping_twice_is_harmless(folder: Path) -> None:
    engines = EmbeddedEngines(folder, durable=False)
    assert engines.start() == engines.start()
    engines.stop()
    engines.stop()
    assert nothing_is_left(folder)


def test_a_second_user_can_add_the_missing_engine(folder: Path) -> None:
    with EmbeddedEngines(folder, postgres=False, durable=False) as urls:
        assert urls.database_url is None
        assert engine_processes(folder, "postgres") == []
        with EmbeddedEngines(folder, durable=False) as all_urls:
            assert all_urls.redis_url == urls.redis_url
            write_both(all_urls.database_url, all_urls.redis_url, "both")


def test_a_user_with_another_idea_of_durability_is_refused(folder: Path) -> None:
    with EmbeddedEngines(folder, durable=False) as urls:
        before = postmaster(folder).pid
        with pytest.raises(EngineStartFailed, match="are running and are not durable"):
            EmbeddedEngines(folder, durable=True).start()
        assert postmaster(folder).pid == before
        write_both(urls.database_url, urls.redis_url, "undisturbed")


def test_the_terminals_interrupt_does_not_reach_the_engines(folder: Path) -> None:
    with EmbeddedEngines(folder, durable=False) as urls:
        [keeper] = find_keepers(folder)
        members = [keeper.pid, postmaster(folder).pid, valkey(folder).pid]
        assert all(os.getsid(pid) != os.getsid(0) for pid in members)

        keeper.send_signal(signal.SIGINT)
        keeper.send_signal(signal.SIGHUP)

        write_both(urls.database_url, urls.redis_url, "still here")
        assert read_both(urls.database_url, urls.redis_url) == ("still here", "still here")


def test_a_dropped_database_is_created_again(folder: Path) -> None:
    engines = EmbeddedEngines(folder, valkey=False, durable=False)
    with engines as urls:
        assert urls.database_url is not None
        server = urls.database_url.replace("/presale?", "/postgres?")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP DATABASE presale")
        with EmbeddedEngines(folder, valkey=False, durable=False) as again:
            assert again.database_url is not None
            with psycopg.connect(again.database_url) as connection:
                assert connection.info.dbname == "presale"


def test_a_failed_start_shows_the_engines_own_words(folder: Path) -> None:
    # Given a cluster that lost a file it cannot do without
    (folder / "postgres" / "18" / "global" / "pg_control").unlink()

    with pytest.raises(EngineStartFailed) as failure:
        EmbeddedEngines(folder).start()

    assert failure.value.reason == "postgres ended with status 2 while starting."
    assert "pg_control" in failure.value.log_tail
    assert nothing_is_left(folder)


def test_a_cluster_of_another_version_is_not_touched(folder: Path) -> None:
    version = folder / "postgres" / "18" / "PG_VERSION"
    version.write_text("17\n")

    with pytest.raises(EngineStartFailed, match="was written by PostgreSQL 17, not 18"):
        EmbeddedEngines(folder, valkey=False).start()

    assert version.read_text() == "17\n"


def test_half_a_cluster_is_made_anew(new_folder: Path) -> None:
    # Given what a killed first start leaves behind
    leftover = new_folder / "postgres" / "new-killed"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")

    with EmbeddedEngines(new_folder, valkey=False, durable=False) as urls:
        assert urls.database_url is not None
        with psycopg.connect(urls.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    assert not leftover.exists()
