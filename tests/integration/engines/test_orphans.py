"""Only what is verifiably an engine of this folder is ever signalled."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from headless_presale.engines import EngineStartFailed
from headless_presale.engines.orphans import find_orphans, lock_without_orphans, try_lock

STOP_SIGNALS = (signal.SIGTERM, signal.SIGKILL)


def test_a_stranger_that_holds_the_lock_is_not_harmed(tmp_path: Path) -> None:
    # Given a process in the folder that has the lock and is no server of ours
    lock = try_lock(tmp_path / "postgres.lock")
    assert lock is not None
    stranger = subprocess.Popen(["sleep", "60"], cwd=tmp_path, pass_fds=(lock,))
    os.close(lock)
    try:
        with pytest.raises(EngineStartFailed, match="could not be stopped"):
            lock_without_orphans(
                tmp_path / "postgres.lock",
                executable=Path("/somewhere/postgres"),
                folder=tmp_path,
                stop_signals=STOP_SIGNALS,
                patience_seconds=0.2,
            )
        assert stranger.poll() is None
        assert find_orphans(Path("/somewhere/postgres"), tmp_path) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_an_engine_of_another_folder_is_not_harmed(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    engine = subprocess.Popen(["sleep", "60"], cwd=theirs)
    try:
        executable = Path(psutil.Process(engine.pid).exe())
        assert [found.pid for found in find_orphans(executable, theirs)] == [engine.pid]
        assert find_orphans(executable, ours) == []
    finally:
        engine.kill()
        engine.wait()


def test_the_lock_is_free_when_the_last_heir_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "valkey.lock"
    lock = try_lock(path)
    assert lock is not None
    heir = subprocess.Popen(["sleep", "60"], cwd=tmp_path, pass_fds=(lock,))
    os.close(lock)
    assert try_lock(path) is None

    executable = Path(psutil.Process(heir.pid).exe())
    taken = lock_without_orphans(
        path, executable=executable, folder=tmp_path, stop_signals=STOP_SIGNALS
    )

    assert heir.wait() == -signal.SIGTERM
    os.close(taken)
