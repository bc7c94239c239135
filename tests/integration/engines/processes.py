"""Real processes for these tests to look at and to kill."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[3]

# Starts what it is told to, reports, and stays until its input ends.
LAUNCHER_PROGRAM = """
import json, sys
from pathlib import Path
from headless_presale.engines import EmbeddedEngines, EngineStartFailed, throwaway_engines

folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
if "postgres_install" in options:
    options["postgres_install"] = Path(options["postgres_install"])
engines = throwaway_engines(folder) if options.pop("throwaway", False) else \
    EmbeddedEngines(folder, **options)
try:
    with engines as urls:
        print(json.dumps({"database_url": urls.database_url, "redis_url": urls.redis_url}))
        sys.stdout.flush()
        sys.stdin.read()
except EngineStartFailed as error:
    print(json.dumps({"error": error.reason}), flush=True)
"""


@dataclass
class LauncherProcess:
    """An application of its own that has the engines of a folder."""

    process: subprocess.Popen[str]
    report: dict[str, str]

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextlib.contextmanager
def launcher_process(
    folder: Path, *, preexec: Callable[[], None] | None = None, **options: Any
) -> Iterator[LauncherProcess]:
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER_PROGRAM, str(folder), json.dumps(options, default=str)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=preexec,
    )
    try:
        assert process.stdout is not None
        report = json.loads(process.stdout.readline() or '{"error": "no report"}')
        yield LauncherProcess(process, report)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def engine_processes(folder: Path, name: str) -> list[psutil.Process]:
    """Processes with this executable name that work below the folder, oldest first."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            works_there = Path(process.cwd()).is_relative_to(folder.resolve())
            if Path(process.exe()).name == name and works_there:
                found.append(process)
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def postmaster(folder: Path) -> psutil.Process:
    return engine_processes(folder, "postgres")[0]


def valkey(folder: Path) -> psutil.Process:
    return engine_processes(folder, "valkey-server")[0]


def find_keepers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            arguments = process.cmdline()
            if "headless_presale.engines.keeper" in arguments and any(
                f'"{folder.resolve()}' in argument for argument in arguments
            ):
                found.append(process)
    return found


def everything(folder: Path) -> list[psutil.Process]:
    return [
        *find_keepers(folder),
        *engine_processes(folder, "postgres"),
        *engine_processes(folder, "valkey-server"),
    ]


def kill_all(processes: list[psutil.Process]) -> None:
    # All at once: an engine that hears of its keeper's end would tidy up before its own.
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for process in processes:
            # The end of the first may be the end of the next.
            with contextlib.suppress(psutil.NoSuchProcess):
                act(process)


def nothing_is_left(folder: Path) -> bool:
    """Whether no process of the folder remains; the ending keeper gets a moment."""
    assert engine_processes(folder, "postgres") == []
    assert engine_processes(folder, "valkey-server") == []
    wait_until(lambda: find_keepers(folder) == [], seconds=30)
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float) -> float:
    """Wait for a condition and return how long it took; fail when it does not come true."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start
