"""The engines' logs: one small file each, kept by the keeper."""

import contextlib
import os
import shutil
from pathlib import Path

LOG_LIMIT_BYTES = 4 * 1024 * 1024
TAIL_BYTES = 16 * 1024


def open_log(path: Path) -> int:
    """Open a log for appending and return its descriptor; a symbolic link is refused.

    The descriptor is handed to an engine as its output. Appending is what lets
    :func:`rotate_log` empty the file underneath it.
    """
    return os.open(
        path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )


def rotate_log(path: Path, *, limit_bytes: int = LOG_LIMIT_BYTES) -> bool:
    """Move the content to ``<name>.1`` when the log is over its limit; say whether it did.

    The file is copied and emptied instead of renamed, because the engine keeps writing to the
    descriptor it was started with. Lines written during the copy may be lost.
    """
    if not path.exists() or path.stat().st_size <= limit_bytes:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"), follow_symlinks=False)
    os.truncate(path, 0)
    return True


def tail_of(path: Path, *, lines: int = 15) -> str:
    """Return the last lines of a log; an unreadable or missing one is empty."""
    with contextlib.suppress(OSError), path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    return ""
