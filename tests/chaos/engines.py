"""PostgreSQL and Valkey of one run: started directly, so that the run decides when they come back.

Both listen on sockets only; the product reaches them through the fault proxies. They run as the
users and with the settings the product gives its embedded engines, except that PostgreSQL does not
wait for the disk: ``fsync`` guards against power cuts, and what is killed here are processes,
whose writes the kernel keeps. ``full_page_writes`` stays on, because a killed process may have
written half a page, and ``synchronous_commit`` too: an answered COMMIT is a promise.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from headless_presale.engines.binaries import postgres_install, valkey_server
from headless_presale.engines.launcher import ensure_database
from headless_presale.engines.layout import Layout
from headless_presale.engines.postgres import ENVIRONMENT, Postgres
from headless_presale.engines.privileges import child_setup
from headless_presale.engines.supervised import Engine
from headless_presale.engines.valkey import Valkey

START_SECONDS = 60.0
END_SECONDS = 20.0
POSTGRES_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # When an order was committed is evidence: see the audit of refusals.
    "track_commit_timestamp": "on",
}
# Never rewritten, so that a copy of the file, taken at any moment, is the state of that moment.
VALKEY_OPTIONS = ("--auto-aof-rewrite-percentage", "0")
APPEND_ONLY_FOLDER = "appendonlydir"


class EngineProcess:
    """A server and its children, to be killed, frozen and started again."""

    def __init__(self, engine: Engine, layout: Layout, options: Sequence[str]) -> None:
        self._engine = engine
        self._layout = layout
        self._options = options
        self._child: subprocess.Popen[bytes] | None = None
        self._waker: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def log(self) -> Path:
        """The file it writes what it has to say to."""
        return self._layout.log_of(self.name)

    def is_alive(self) -> bool:
        """Tell whether it runs, or is frozen."""
        return self._child is not None and self._child.poll() is None

    async def start(self) -> None:
        """Start it on its files, and wait until it answers.

        Raises:
            RuntimeError: it ended.
            TimeoutError: it does not answer.
        """
        if self.is_alive():
            return
        lock = os.open(self._layout.lock_of(self.name), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            self._engine.prepare(lock)
        finally:
            os.close(lock)
        child = self._spawn()
        self._child = child
        async with asyncio.timeout(START_SECONDS):
            while not self._engine.is_ready(child.pid):
                if child.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {child.returncode}: {self.log}")
                await asyncio.sleep(0.02)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        # From this very thread: the kernel ends the child when the thread that started it ends.
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self._engine.command(), *self._options],
                cwd=self._engine.folder,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Not the polite signal: what is thrown away need not be written back.
                preexec_fn=child_setup(
                    self._engine.identity, death_signal=self._engine.stop_signals[1]
                ),
            )

    async def kill(self) -> None:
        """Kill it and all of its children with SIGKILL, and wait until they are gone."""
        if self._child is None:
            return
        processes = self._stop_all()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._child.wait(END_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        while any(_lives(process) for process in processes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} outlives SIGKILL")
            await asyncio.sleep(0.01)
        self._dismiss_waker()

    def freeze(self, *, at_most_seconds: float) -> None:
        """Stop it and all of its children in the middle of whatever they do."""
        ids = " ".join(str(process.pid) for process in self._stop_all())
        # Backends are sessions of their own, which nobody wakes should this process be killed.
        self._waker = subprocess.Popen(
            ["/bin/sh", "-c", f"sleep {at_most_seconds + 30:.0f}; kill -CONT {ids}"],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def thaw(self) -> None:
        """Let all of it go on."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        self._dismiss_waker()

    def _stop_all(self) -> list[psutil.Process]:
        """Stop the server first, so that it starts nothing more, then its children."""
        if self._child is None or self._child.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self._child.pid).suspend()
        processes = self._family()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        return processes

    def _family(self) -> list[psutil.Process]:
        if self._child is None or self._child.poll() is not None:
            return []
        try:
            server = psutil.Process(self._child.pid)
            return [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _dismiss_waker(self) -> None:
        waker, self._waker = self._waker, None
        if waker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(waker.pid, signal.SIGKILL)
            waker.wait()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Engines:
    """Both engines of a run, on files below one folder.

    Attributes:
        database_url: PostgreSQL's own address, past the proxies: for those who look.
        redis_url: Valkey's own address.

    Raises:
        EnginesUnsupported: there are no embedded engines for this platform.
    """

    def __init__(self, folder: Path) -> None:
        self._layout = Layout.of(folder)
        self._layout.create()
        options = [part for item in POSTGRES_OPTIONS.items() for part in ("-c", "=".join(item))]
        self.postgres = EngineProcess(
            Postgres(self._layout, postgres_install(), durable=True), self._layout, options
        )
        self.redis = EngineProcess(
            Valkey(self._layout, valkey_server(), durable=True), self._layout, VALKEY_OPTIONS
        )
        self.database_url = self._layout.database_url
        self.redis_url = self._layout.redis_url
        self._memory = self._layout.valkey / APPEND_ONLY_FOLDER
        self._snapshot = self._layout.valkey / "snapshot"

    @property
    def postgres_socket(self) -> str:
        return str(self._layout.postgres_socket_file)

    @property
    def redis_socket(self) -> str:
        return str(self._layout.valkey_socket)

    async def start(self) -> None:
        """Start both on new files, with an empty database."""
        await self.postgres.start()
        await self.redis.start()
        ensure_database(self._layout, time.monotonic() + START_SECONDS)

    async def stop(self) -> None:
        """Kill both."""
        await self.postgres.kill()
        await self.redis.kill()

    def keep_snapshot(self) -> None:
        """Copy what Valkey remembers at this moment."""
        shutil.rmtree(self._snapshot, ignore_errors=True)
        shutil.copytree(self._memory, self._snapshot)

    def put_snapshot_back(self) -> None:
        """Let Valkey, which must not run, remember what it did when the snapshot was taken."""
        self.forget()
        self._snapshot.rename(self._memory)

    def forget(self) -> None:
        """Let Valkey, which must not run, remember nothing."""
        shutil.rmtree(self._memory, ignore_errors=True)
