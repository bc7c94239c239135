"""Processes of the product as an operator runs them, to be killed, frozen and started again."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import httpx
import psutil

from headless_presale.cli.supervisor import free_port
from headless_presale.kernel.failpoints import VARIABLE
from tests.support.forks import fork_program

__all__ = ["ApiProcess", "ProductProcess", "free_port", "until_ready", "work_until_killed"]

LOG_TAIL_BYTES = 4_000
DEATH_SECONDS = 60.0


class ProductProcess:
    """One process: ``python -m headless_presale.cli serve``, for example.

    As a context manager it starts on entry and is gone, with its children, on exit. Should the
    test process itself die, a command of ours that follows its parent ends by itself, and one that
    is frozen is woken and hung up by the kernel, because its process group is orphaned.

    Args:
        arguments: what follows the module's name.
        environment: added to this process's own.
        log: a file that what it prints is appended to.
        module: what ``python -m`` runs.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        module: str = "headless_presale.cli",
    ) -> None:
        self._module = module
        self._words = list(arguments)
        self._environment = dict(environment)
        self._process: BaseProcess | None = None
        self.log = log

    def __repr__(self) -> str:
        return f"<{' '.join([self._module, *self._words])}, log {self.log}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._kill_group()
            self._process.join()

    def start(self) -> None:
        """Start it, for the first time or after its death."""
        if self._process is not None:
            if self.is_alive():
                raise RuntimeError(f"{self} is running")
            self._kill_group()
        environment = {**os.environ, **self._environment}
        self._process = fork_program(self._module, self._words, environment, self.log, self.log)

    @property
    def pid(self) -> int:
        """The process's id, also when it is dead.

        Raises:
            RuntimeError: it was never started.
        """
        pid = self._started().pid
        assert pid is not None
        return pid

    def is_alive(self) -> bool:
        """Tell whether it runs, or is frozen."""
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """Kill it with SIGKILL, frozen or not, and wait until it is dead; its children live on."""
        self._started().kill()
        self._started().join()

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does; its connections stay open and silent."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def terminate(self, timeout_seconds: float) -> int:
        """Ask it to end with SIGTERM; return its exit code, negative for a signal.

        Raises:
            TimeoutError: it still runs.
        """
        self._started().terminate()
        return self.wait_dead(timeout_seconds)

    def wait_dead(self, timeout_seconds: float) -> int:
        """Wait for its end; return its exit code, negative for a signal. Blocks the loop.

        Raises:
            TimeoutError: it still runs.
        """
        self._started().join(timeout_seconds)
        code = self._started().exitcode
        if code is None:
            raise TimeoutError(f"{self} still runs:\n{self.log_tail()}")
        return code

    def rss_bytes(self) -> int:
        """Return how much memory it occupies."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def open_files(self) -> int:
        """Return how many files and sockets it has open."""
        return int(psutil.Process(self.pid).num_fds())

    def log_tail(self) -> str:
        """Return the end of what it printed."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def _started(self) -> BaseProcess:
        if self._process is None:
            raise RuntimeError(f"{self} was never started")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            os.kill(self.pid, number)

    def _kill_group(self) -> None:
        # One that has just been forked may not have made its group yet.
        self._started().kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class ApiProcess(ProductProcess):
    """``headless-presale serve`` on a port of its own.

    Args:
        folder: its data folder, and where its log goes.
        environment: further settings.
        workers: how many processes answer.
    """

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        workers: int = 1,
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            ["serve", "--workers", str(workers)],
            {
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "PORT": str(port),
                "PRESALE_DATA_DIR": str(folder),
                "PRESALE_LOG_LEVEL": "WARNING",
                **(environment or {}),
            },
            folder / f"serve-{port}.log",
        )

    async def until_ready(self) -> None:
        """Wait until it answers and has its engines."""
        await until_ready(f"{self.url}/readyz", self)


class Living(Protocol):
    """A process that can be asked whether it lives."""

    def is_alive(self) -> bool: ...

    def log_tail(self) -> str: ...


async def until_ready(url: str, process: Living, *, seconds: float = 90) -> None:
    """Wait until an address such as ``http://127.0.0.1:8000/readyz`` answers 200.

    Raises:
        AssertionError: the process died, or did not answer in time.
    """
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            assert process.is_alive(), f"{process} died:\n{process.log_tail()}"
            assert time.monotonic() < deadline, f"{process} is silent:\n{process.log_tail()}"
            await asyncio.sleep(0.05)


async def work_until_killed(folder: Path, environment: Mapping[str, str], place: str) -> None:
    """Let a worker work until it kills itself at a named place."""
    armed = {**environment, VARIABLE: place}
    with ProductProcess(["worker"], armed, folder / "worker.log") as process:
        assert await asyncio.to_thread(process.wait_dead, DEATH_SECONDS) == -9
