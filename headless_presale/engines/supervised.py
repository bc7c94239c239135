"""One engine as the keeper's child: started, watched, started again, stopped."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Protocol

from headless_presale.engines.errors import EngineStartFailed
from headless_presale.engines.layout import Layout
from headless_presale.engines.log_files import open_log, rotate_log, tail_of
from headless_presale.engines.orphans import lock_without_orphans
from headless_presale.engines.postgres import ENVIRONMENT
from headless_presale.engines.privileges import Identity, child_setup

_BACKOFF_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS = 30.0
# A shutdown writes everything back, which takes as long as it takes; then it is no longer asked.
_STOP_PATIENCE_SECONDS = 30.0


class Engine(Protocol):
    """What the keeper has to know about a server to run it."""

    name: str
    executable: Path
    folder: Path
    identity: Identity
    stop_signals: tuple[signal.Signals, ...]

    def prepare(self, lock: int) -> None:
        """Make ready for the command; whatever this starts has to inherit the lock as well."""

    def command(self) -> list[str]: ...

    def is_ready(self, pid: int) -> bool: ...


class SupervisedEngine:
    """Keeps one engine running until it is stopped.

    The first start either succeeds or raises. Once the engine has been ready, an unexpected end
    is answered by another start, again and again with growing pauses: the cause (a full disk, a
    hasty ``kill``) may pass, and its users reconnect by themselves.
    """

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self.engine = engine
        self.is_ready = False
        self._layout = layout
        self._child: subprocess.Popen[bytes] | None = None
        self._has_been_ready = False
        self._ready_at = 0.0
        self._failures = 0
        self._start_at = 0.0

    def step(self) -> None:
        """Do what is due now: start, notice readiness, notice an end.

        Raises:
            EngineStartFailed: The engine has never been ready and will not be.
        """
        now = time.monotonic()
        if self._child is None:
            if now >= self._start_at:
                self._start_or_reschedule(now)
        elif self._child.poll() is not None:
            status = self._child.returncode
            self._child = None
            self._on_end(f"{self.engine.name} ended with status {status}", now)
        elif not self.is_ready and self.engine.is_ready(self._child.pid):
            self.is_ready = self._has_been_ready = True
            self._ready_at = now
            _say(f"{self.engine.name} is ready")

    def ask_to_stop(self) -> None:
        """Send the polite signal; :meth:`wait_until_stopped` does the rest."""
        if self._child is not None:
            self._child.send_signal(self.engine.stop_signals[0])

    def wait_until_stopped(self) -> None:
        """Wait for the end, insisting step by step."""
        if self._child is None:
            return
        for harder in self.engine.stop_signals[1:]:
            try:
                self._child.wait(_STOP_PATIENCE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                _say(f"{self.engine.name} does not stop; sending {harder.name}")
                self._child.send_signal(harder)
        self._child.wait()
        self._child = None
        self.is_ready = False
        _say(f"{self.engine.name} is stopped")

    def _start_or_reschedule(self, now: float) -> None:
        try:
            self._start()
        except (EngineStartFailed, OSError, subprocess.SubprocessError) as error:
            if not self._has_been_ready:
                if isinstance(error, EngineStartFailed):
                    raise
                raise EngineStartFailed(f"{self.engine.name} cannot be started: {error}") from error
            self._on_end(str(error), now)

    def _start(self) -> None:
        engine = self.engine
        lock_path = self._layout.lock_of(engine.name)
        lock = lock_without_orphans(
            lock_path,
            executable=engine.executable,
            folder=engine.folder,
            stop_signals=engine.stop_signals,
        )
        try:
            self._layout.hand_over(lock_path)
            engine.prepare(lock)
            log_path = self._layout.log_of(engine.name)
            rotate_log(log_path)
            log = open_log(log_path)
            try:
                self._layout.hand_over(log_path)
                self._child = subprocess.Popen(
                    engine.command(),
                    cwd=engine.folder,
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # From here on the engine and its children hold the lock, not the keeper.
                    pass_fds=(lock,),
                    preexec_fn=child_setup(engine.identity, death_signal=engine.stop_signals[0]),
                )
            finally:
                os.close(log)
        finally:
            os.close(lock)

    def _on_end(self, what: str, now: float) -> None:
        if not self._has_been_ready:
            raise EngineStartFailed(
                f"{what} while starting.", log_tail=tail_of(self._layout.log_of(self.engine.name))
            )
        if self.is_ready and now - self._ready_at > _STEADY_SECONDS:
            self._failures = 0
        self.is_ready = False
        pause = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
        self._failures += 1
        self._start_at = now + pause
        _say(f"{what}; starting it again in {pause:g} s")


def _say(text: str) -> None:
    # Standard output is the keeper's log; a full disk is no reason to let go of the engines.
    with contextlib.suppress(OSError):
        print(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()), text, flush=True)
