"""Everything that can be killed is killed, with a signal nobody can catch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest

from headless_presale.engines import EmbeddedEngines, EngineUrls
from headless_presale.engines.binaries import postgres_install
from headless_presale.engines.layout import Layout
from headless_presale.engines.postgres import Postgres
from headless_presale.engines.supervised import SupervisedEngine
from tests.integration.engines.content import read_both, was_shut_down_cleanly, write_both
from tests.integration.engines.processes import (
    engine_processes,
    everything,
    find_keepers,
    kill_all,
    launcher_process,
    postmaster,
    valkey,
    wait_until,
)

GONE_SECONDS = 30.0
BACK_SECONDS = 30.0


def test_engines_end_cleanly_when_their_only_user_is_killed(folder: Path) -> None:
    with launcher_process(folder) as launcher:
        write_both(launcher.report["database_url"], launcher.report["redis_url"], "kept")
        assert len(find_keepers(folder)) == 1

        launcher.kill()

        wait_until(lambda: everything(folder) == [], seconds=GONE_SECONDS)
    with EmbeddedEngines(folder) as urls:
        assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")
    assert was_shut_down_cleanly(folder)


def test_killing_one_of_two_users_leaves_the_engines_to_the_other(folder: Path) -> None:
    with EmbeddedEngines(folder, durable=False) as urls:
        with launcher_process(folder, durable=False) as other:
            assert other.report["redis_url"] == urls.redis_url
            server = postmaster(folder).pid
            other.kill()
        time.sleep(0.3)
        assert postmaster(folder).pid == server
        write_both(urls.database_url, urls.redis_url, "mine alone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_engines_end_cleanly_when_their_keeper_is_killed(folder: Path) -> None:
    engines = EmbeddedEngines(folder)
    urls = engines.start()
    write_both(urls.database_url, urls.redis_url, "kept")

    find_keepers(folder)[0].kill()

    wait_until(lambda: everything(folder) == [], seconds=GONE_SECONDS)
    engines.stop()
    with engines as urls:
        assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")
    assert was_shut_down_cleanly(folder)


def test_a_start_right_after_the_keeper_was_killed_waits_for_its_engines(folder: Path) -> None:
    with launcher_process(folder) as launcher:
        write_both(launcher.report["database_url"], launcher.report["redis_url"], "kept")
        find_keepers(folder)[0].kill()
        with EmbeddedEngines(folder) as urls:
            assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")


def test_a_killed_postgres_comes_back_while_in_use(folder: Path) -> None:
    with EmbeddedEngines(folder) as urls:
        write_both(urls.database_url, urls.redis_url, "kept")
        assert urls.database_url is not None
        killed = postmaster(folder)
        with closing(psycopg.connect(urls.database_url)) as busy:
            busy.execute("SELECT 1")
            killed.kill()
            wait_until(lambda: answers_again(urls), seconds=BACK_SECONDS)
        assert postmaster(folder).pid != killed.pid
        assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")


def test_a_killed_valkey_comes_back_with_what_was_written(folder: Path) -> None:
    with EmbeddedEngines(folder, durable=True) as urls:
        write_both(urls.database_url, urls.redis_url, "kept")
        killed = valkey(folder)
        killed.kill()
        wait_until(lambda: answers_again(urls), seconds=BACK_SECONDS)
        assert valkey(folder).pid != killed.pid
        assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")


def test_a_server_killed_again_and_again_comes_back_each_time(folder: Path) -> None:
    with EmbeddedEngines(folder, postgres=False, durable=False) as urls:
        for _ in range(3):
            killed = valkey(folder)
            killed.kill()
            wait_until(partial(runs_anew, folder, killed.pid), seconds=BACK_SECONDS)
        assert urls.redis_url is not None


def test_everything_killed_at_once_starts_again_with_its_data(folder: Path) -> None:
    with launcher_process(folder) as launcher:
        write_both(launcher.report["database_url"], launcher.report["redis_url"], "kept")
        victims = [psutil.Process(launcher.process.pid), *everything(folder)]
        kill_all(victims)
        psutil.wait_procs(victims, timeout=GONE_SECONDS)
        # The sockets and the process id file are still lying about.
        assert Layout.of(folder).postgres_socket_file.exists()
        assert (folder / "postgres" / "18" / "postmaster.pid").exists()

    with EmbeddedEngines(folder) as urls:
        assert read_both(urls.database_url, urls.redis_url) == ("kept", "kept")


def test_an_orphan_is_stopped_first(folder: Path) -> None:
    # Given a server whose keeper is gone without taking it along
    with EmbeddedEngines(folder, valkey=False) as urls:
        assert urls.database_url is not None
        with psycopg.connect(urls.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'kept' AS value")
    layout = Layout.of(folder)
    layout.create()
    orphan = SupervisedEngine(Postgres(layout, postgres_install(), durable=True), layout)
    wait_until(partial(is_ready_now, orphan), seconds=BACK_SECONDS)
    orphan_pid = postmaster(folder).pid

    # When the engines are started
    with EmbeddedEngines(folder, valkey=False) as urls:
        assert urls.database_url is not None
        # Then another server has taken its place, in good order
        assert postmaster(folder).pid != orphan_pid
        with psycopg.connect(urls.database_url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == ("kept",)
    orphan.wait_until_stopped()
    assert was_shut_down_cleanly(folder)


def test_a_stale_process_id_that_lives_again_does_not_matter(folder: Path) -> None:
    # Given a killed cluster whose recorded process id now belongs to a stranger of the same user
    cluster = folder / "postgres" / "18"
    with stranger(uid=cluster.stat().st_uid) as sleeper:
        pid_file = cluster / "postmaster.pid"
        pid_file.write_text(f"{sleeper.pid}\n{cluster}\n1700000000\n5432\n\n\n  1 1\nready\n")
        os.chown(pid_file, cluster.stat().st_uid, -1)
        # The control: PostgreSQL by itself gives up on this.
        layout = Layout.of(folder)
        alone = Postgres(layout, postgres_install(), durable=False)
        refused = subprocess.run(
            alone.command(), user=cluster.stat().st_uid, capture_output=True, check=False
        )
        assert b'lock file "postmaster.pid" already exists' in refused.stderr

        with EmbeddedEngines(folder, valkey=False, durable=False) as urls:
            assert urls.database_url is not None
            with psycopg.connect(urls.database_url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)

        assert sleeper.poll() is None


def test_a_terminated_keeper_stops_its_engines_first(folder: Path) -> None:
    with EmbeddedEngines(folder):
        find_keepers(folder)[0].send_signal(signal.SIGTERM)
        wait_until(lambda: everything(folder) == [], seconds=GONE_SECONDS)
    assert "database system is shut down" in (folder / "log" / "postgres.log").read_text()


@contextmanager
def stranger(*, uid: int) -> Iterator[subprocess.Popen[bytes]]:
    user = uid if os.geteuid() == 0 else None
    process = subprocess.Popen(["sleep", "60"], user=user)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def answers_again(urls: EngineUrls) -> bool:
    try:
        read_both(urls.database_url, urls.redis_url)
    except (psycopg.OperationalError, OSError, ConnectionError):
        return False
    except Exception as error:  # redis has an error tree of its own
        return type(error).__module__ != "redis.exceptions"
    return True


def is_ready_now(engine: SupervisedEngine) -> bool:
    engine.step()
    return engine.is_ready


def runs_anew(folder: Path, old_pid: int) -> bool:
    running = engine_processes(folder, "valkey-server")
    return bool(running) and running[0].pid != old_pid
