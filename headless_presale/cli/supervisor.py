"""Looks after the processes of ``run``: starts them, starts what dies again, stops all in order."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console

from headless_presale.cli.parent import PARENT_VARIABLE
from headless_presale.engines import EmbeddedEngines

console = Console(stderr=True, highlight=False)

LOOK_EVERY_SECONDS = 0.2
STOP_SECONDS = 40.0
MOST_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0


class Supervisor:
    """Keeps processes of ours running until it is told to stop.

    One that dies is started again; one that dies more than five times within a minute has a reason
    that starting does not mend, and everything stops. Lost engines are started again as well.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        environment: Mapping[str, str],
        engines: EmbeddedEngines | None = None,
    ) -> None:
        self._environment = {**environment, PARENT_VARIABLE: str(os.getpid())}
        self._engines = engines
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._names = names
        self._deaths: deque[float] = deque(maxlen=MOST_RESTARTS)

    def start(self) -> list[int]:
        """Start every process; return the list that SIGINT and SIGTERM will be noted in."""
        received: list[int] = []

        def note(number: int, frame: FrameType | None) -> None:
            received.append(number)

        signal.signal(signal.SIGINT, note)
        signal.signal(signal.SIGTERM, note)
        for name in self._names:
            self._begin(name)
        return received

    def _begin(self, name: str) -> None:
        # A session of its own: Ctrl-C reaches `run` alone, which then stops the others in order.
        self._children[name] = subprocess.Popen(
            [sys.executable, "-m", "headless_presale.cli", name],
            env=self._environment,
            start_new_session=True,
        )

    def look_after(self, stopping: Sequence[int], *, each_time: Callable[[], None]) -> bool:
        """Start again what dies, until a signal is noted; False when giving up.

        Args:
            each_time: called with every look, several times a second.
        """
        while not stopping:
            each_time()
            if self._engines is not None and self._engines.is_lost():
                console.print("[yellow]The engines are gone; starting them again.[/yellow]")
                self._engines.revive()
            for name in self._names:
                if self._children[name].poll() is not None and not self._begin_again(name):
                    return False
            time.sleep(LOOK_EVERY_SECONDS)
        return True

    def _begin_again(self, name: str) -> bool:
        code, now = self._children[name].returncode, time.monotonic()
        is_hopeless = (
            len(self._deaths) == MOST_RESTARTS and now - self._deaths[0] < RESTART_WINDOW_SECONDS
        )
        self._deaths.append(now)
        if is_hopeless:
            console.print(f"[red]{name} ended with {code} again and again; stopping.[/red]")
            return False
        console.print(f"[yellow]{name} ended with {code}; starting it again.[/yellow]")
        self._begin(name)
        return True

    def stop(self, order: Sequence[str]) -> None:
        """Stop the processes one after the other; what does not stop in time is killed."""
        # The API first, so that nothing new comes in; what it deferred stays for the next start.
        until = time.monotonic() + STOP_SECONDS
        for name in order:
            child = self._children[name]
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def only_run_on(data_dir: Path) -> Iterator[None]:
    """Refuse a second ``run`` on one data folder; the lock goes with the process, however it goes.

    Raises:
        typer.Exit: there is one already.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(
                f"[red]Headless Presale is running on {data_dir.resolve()} already. "
                "For a second one choose another folder: PRESALE_DATA_DIR=... make run[/red]"
            )
            raise typer.Exit(1) from None
        yield
    finally:
        os.close(descriptor)


def is_taken(host: str, port: int) -> bool:
    """Tell whether something listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
