"""What an application does to have the engines: attach to their keeper, or start one."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from headless_presale.engines.binaries import postgres_install, valkey_server
from headless_presale.engines.errors import EngineStartFailed
from headless_presale.engines.layout import DATABASE_NAME, Layout
from headless_presale.engines.log_files import open_log, tail_of
from headless_presale.engines.orphans import try_lock
from headless_presale.engines.postgres import Postgres
from headless_presale.engines.valkey import Valkey
from headless_presale.engines.wire import KeeperOptions, Line, Message

_POLL_SECONDS = 0.02
_STOP_SECONDS = 90.0
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class EngineUrls:
    """Addresses of the running engines; None for one that was not asked for.

    Attributes:
        database_url: For ``asyncpg.connect`` and ``psycopg.connect`` alike.
        redis_url: For ``redis.asyncio.Redis.from_url``.
    """

    database_url: str | None
    redis_url: str | None


class EmbeddedEngines:
    """PostgreSQL and Valkey on the files of one folder, for as long as this object is in use.

    Several processes may use one folder at once: the first starts the engines, the others attach,
    and the engines stop when the last one stops or dies. Blocking; for a main thread or a fixture.

    Args:
        data_dir: Folder of all files; created where missing.
        postgres: Whether PostgreSQL is wanted.
        valkey: Whether Valkey is wanted.
        durable: False trades the safety of the data in a crash for speed, for tests. All users of
            a folder have to agree.
        discard: Whether to remove ``data_dir`` after the last user; decided by the one that starts.
        postgres_install: PostgreSQL's folder, where it is not the bundled one.
        start_timeout_seconds: How long :meth:`start` waits, a recovery after a crash included.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
        discard: bool = False,
        postgres_install: Path | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        self._names = [
            name
            for name, is_wanted in ((Postgres.name, postgres), (Valkey.name, valkey))
            if is_wanted
        ]
        self._options = KeeperOptions(
            data_dir=data_dir, durable=durable, discard=discard, postgres_install=postgres_install
        )
        self._start_timeout_seconds = start_timeout_seconds
        self._line: Line | None = None
        self._user_pid = 0
        self._urls = EngineUrls(database_url=None, redis_url=None)

    def start(self) -> EngineUrls:
        """Start the engines or attach to the running ones, and wait until they answer.

        Creates the database ``presale`` when it is missing. Safe to repeat.

        Raises:
            EngineStartFailed: With the last lines of the engine's log.
            EnginesUnsupported: There are no embedded engines for this platform.
        """
        if self._line is not None or not self._names:
            return self._urls
        self._check_platform()
        layout = Layout.of(self._options.data_dir)
        deadline = time.monotonic() + self._start_timeout_seconds
        line, layout = self._join(layout, deadline)
        try:
            if Postgres.name in self._names:
                ensure_database(layout, deadline)
        except BaseException:
            line.close()
            raise
        self._line = line
        self._user_pid = os.getpid()
        self._urls = EngineUrls(
            database_url=layout.database_url if Postgres.name in self._names else None,
            redis_url=layout.redis_url if Valkey.name in self._names else None,
        )
        return self._urls

    def is_lost(self) -> bool:
        """Tell whether the keeper is gone, and the engines with it, though nobody stopped them."""
        if self._line is None:
            return False
        connection = self._line.connection
        patience = connection.gettimeout()
        # With a timeout set, even a read that must not wait would wait for it.
        connection.setblocking(False)
        try:
            seen = connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(patience)
        return not seen

    def revive(self) -> EngineUrls:
        """Start the engines again after they were lost; their addresses stay the same.

        Raises:
            EngineStartFailed: With the last lines of the engine's log.
        """
        line, self._line = self._line, None
        if line is not None:
            line.close()
        return self.start()

    def stop(self) -> None:
        """End the use; the last user waits until the engines are down. Safe to repeat."""
        line, self._line = self._line, None
        if line is None:
            return
        self._urls = EngineUrls(database_url=None, redis_url=None)
        # After a fork the connection is shared, and only the process that started speaks for it.
        if os.getpid() == self._user_pid:
            _leave(line)
        else:
            line.close()

    def __enter__(self) -> EngineUrls:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _check_platform(self) -> None:
        if Postgres.name in self._names and self._options.postgres_install is None:
            postgres_install()
        if Valkey.name in self._names:
            valkey_server()

    def _join(self, layout: Layout, deadline: float) -> tuple[Line, Layout]:
        """Become a user of the folder's keeper, starting one where there is none."""
        while True:
            layout.create()
            line = _find_keeper(layout)
            is_mine = False
            if line is None:
                lock = try_lock(layout.keeper_lock)
                if lock is not None:
                    is_mine = True
                    line = self._start_keeper(layout, lock)
            if line is not None:
                answer = self._ask(line, layout, deadline)
                if answer is not None:
                    return line, replace(layout, sockets=Path(answer["sockets"]))
                if is_mine:
                    raise EngineStartFailed(
                        f"The keeper of {layout.data_dir} ended while starting.",
                        log_tail=tail_of(layout.log_of("keeper")),
                    )
            # A keeper is about to listen, or about to leave.
            if time.monotonic() > deadline:
                raise EngineStartFailed(
                    f"The engines of {layout.data_dir} are neither running nor stopped "
                    f"after {self._start_timeout_seconds:g} s.",
                    log_tail=tail_of(layout.log_of("keeper")),
                )
            time.sleep(_POLL_SECONDS)

    def _ask(self, line: Line, layout: Layout, deadline: float) -> Message | None:
        """Say what is wanted and wait for it; None when the keeper left instead of answering."""
        line.connection.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            line.send({"engines": self._names, "durable": self._options.durable})
            answer = line.receive()
        except TimeoutError as error:
            line.close()
            raise EngineStartFailed(
                f"The engines of {layout.data_dir} did not become ready "
                f"within {self._start_timeout_seconds:g} s.",
                log_tail="\n".join(tail_of(layout.log_of(name)) for name in self._names),
            ) from error
        except OSError:
            answer = None
        except BaseException:
            line.close()
            raise
        if answer is None:
            line.close()
        elif "error" in answer:
            _leave(line)
            raise EngineStartFailed(answer["error"], log_tail=answer["log_tail"])
        return answer

    def _start_keeper(self, layout: Layout, lock: int) -> Line:
        """Start a keeper that takes over the lock and has this process as its first user."""
        layout.hand_over(layout.keeper_lock)
        ours, theirs = socket.socketpair()
        log_path = layout.log_of("keeper")
        log = open_log(log_path)
        layout.hand_over(log_path)
        import_path = os.pathsep.join(
            part for part in (str(_PACKAGE_PARENT), os.environ.get("PYTHONPATH")) if part
        )
        options = replace(self._options, data_dir=layout.data_dir)
        try:
            subprocess.run(
                [
                    *(sys.executable, "-P", "-m", "headless_presale.engines.keeper"),
                    *(options.dump(), str(lock), str(theirs.fileno())),
                ],
                cwd="/",
                env={**os.environ, "PYTHONPATH": import_path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock, theirs.fileno()),
                check=False,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            for descriptor in (log, lock):
                os.close(descriptor)
        return Line(ours)


def ensure_database(layout: Layout, deadline: float) -> None:
    """Create the application's database where it is missing; several may do so at once."""
    # Here, because the keeper imports this package too and never needs a database driver.
    import psycopg
    from psycopg import sql

    while True:
        try:
            with psycopg.connect(layout.url_of_database("postgres"), autocommit=True) as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                if connection.execute(query, (DATABASE_NAME,)).fetchone() is None:
                    creation = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME))
                    connection.execute(creation)
            return
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return
        except psycopg.OperationalError as error:
            # Ready a moment ago: it may just be starting again.
            if time.monotonic() > deadline:
                raise EngineStartFailed(
                    "PostgreSQL is running but does not accept connections.",
                    log_tail=tail_of(layout.log_of("postgres")),
                ) from error
            time.sleep(_POLL_SECONDS)


def _leave(line: Line) -> None:
    """End the use and wait: for the answer, and as the last user for the end of the keeper."""
    line.connection.settimeout(_STOP_SECONDS)
    # An error means that the keeper is gone already, and the engines with it.
    with contextlib.suppress(OSError):
        line.send({"leave": True})
        while line.receive() is not None:
            pass
    line.close()


def _find_keeper(layout: Layout) -> Line | None:
    try:
        path = layout.keeper_lock.read_bytes()
    except FileNotFoundError:
        return None
    if not path:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except PermissionError as error:
        connection.close()
        raise EngineStartFailed(
            f"The engines of {layout.data_dir} were started by another user; "
            "use another PRESALE_DATA_DIR, or become that user."
        ) from error
    except OSError:
        connection.close()
        return None
    return Line(connection)
