"""Engines that outlived their keeper.

Every process of an engine inherits a descriptor on which a lock is held, so "the lock is free"
means that none is left; this cannot go stale the way a process id in a file can. Only where the
lock is held are processes looked for, and only one whose executable has the engine's name and
whose working folder is the engine's data folder is ever signalled.
"""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

import psutil

from headless_presale.engines.errors import EngineStartFailed

_POLL_SECONDS = 0.02


def try_lock(path: Path) -> int | None:
    """Take the exclusive lock on a file; None when somebody holds it.

    The lock lives as long as any copy of the returned descriptor, inherited ones included.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        # The file was replaced between opening and locking it: that lock guards nothing.
        os.close(descriptor)


def find_orphans(executable: Path, folder: Path) -> list[psutil.Process]:
    """List the processes of an engine that work in a data folder."""
    try:
        wanted = folder.stat()
    except FileNotFoundError:
        return []
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.exe()).name.removesuffix(" (deleted)") != executable.name:
                continue
            if os.path.samestat(os.stat(_working_folder(process)), wanted):
                found.append(process)
    return found


def lock_without_orphans(
    lock: Path,
    *,
    executable: Path,
    folder: Path,
    stop_signals: tuple[signal.Signals, ...],
    patience_seconds: float = 5.0,
) -> int:
    """Take an engine's lock, stopping what is left of an earlier one first.

    Args:
        lock: The engine's lock file.
        executable: Its executable; compared by name, an upgrade may have moved it.
        folder: Its data folder.
        stop_signals: From polite to final; each gets ``patience_seconds`` to work.

    Raises:
        EngineStartFailed: Somebody holds the lock and is not verifiably this engine.
    """
    for stop_signal in stop_signals:
        descriptor = try_lock(lock)
        if descriptor is not None:
            return descriptor
        for process in _leaders(find_orphans(executable, folder)):
            with contextlib.suppress(psutil.Error):
                process.send_signal(stop_signal)
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            descriptor = try_lock(lock)
            if descriptor is not None:
                return descriptor
            time.sleep(_POLL_SECONDS)
    raise EngineStartFailed(
        f"Another process uses {folder} and could not be stopped; "
        "end it, or set PRESALE_DATA_DIR to another folder."
    )


def _leaders(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The processes no other of them started: PostgreSQL's parent, or children it left behind."""
    ids = {process.pid for process in processes}
    leaders = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in ids:
                leaders.append(process)
    return leaders


def _working_folder(process: psutil.Process) -> str:
    # The link itself, where there is one: it leads to the folder even when its name cannot be read.
    link = f"/proc/{process.pid}/cwd"
    return link if os.path.exists(link) else process.cwd()
