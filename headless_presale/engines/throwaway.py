"""Engines for one test run."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headless_presale.engines.launcher import EmbeddedEngines, EngineUrls
from headless_presale.engines.orphans import try_lock

_PREFIX = "presale-throwaway-"
_ABANDONED_SECONDS = 3600.0


@contextmanager
def throwaway_engines(base_dir: Path | None = None) -> Iterator[EngineUrls]:
    """Run both engines on a new folder that is removed afterwards, whatever happens.

    Not durable, and fast for it. The folder also goes when this process is killed, because the
    keeper removes it; one whose keeper was killed as well goes with the next call.

    Args:
        base_dir: Where to make the folder; the system's temporary folder by default.

    Raises:
        EngineStartFailed: With the last lines of the engine's log.
    """
    base = base_dir or Path(tempfile.gettempdir())
    remove_abandoned(base)
    data_dir = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    if os.geteuid() == 0:
        # PostgreSQL runs as another user then and has to pass through.
        data_dir.chmod(0o711)
    try:
        with EmbeddedEngines(data_dir, durable=False, discard=True) as urls:
            yield urls
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def remove_abandoned(base: Path) -> None:
    """Remove throw-away folders of ours that no process uses any more."""
    for folder in base.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            if found.st_uid != os.geteuid() or folder.is_symlink() or not folder.is_dir():
                continue
            if not (folder / "run" / "keeper.lock").exists():
                # Being made at this moment, or left by somebody who never got further.
                if time.time() - found.st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            _remove_unlocked(folder)


def _remove_unlocked(folder: Path) -> None:
    locks = [
        try_lock(path)
        for name in ("keeper", "postgres", "valkey")
        if (path := folder / "run" / f"{name}.lock").exists()
    ]
    if None not in locks:
        shutil.rmtree(folder, ignore_errors=True)
    for lock in locks:
        if lock is not None:
            os.close(lock)
