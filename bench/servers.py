"""The processes that are measured: the API as it is shipped, and the floors beside it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import psutil

FAR_AWAY = "2001:db8:"
"""Whom requests say to come from, each number its own network: this machine itself is not counted,
and buyers who come to a sale do not share an address."""
UNREACHED = "100000000"
"""What a limit is set to: every request is counted, none refused."""
LIMITS = ("REQUESTS", "PLACEMENTS", "PAYMENTS", "CODES", "LOGINS", "MAILS", "CHANGES", "EVENTS")
DEFENDED = {
    "PRESALE_TRUSTED_PROXIES": "127.0.0.0/8",
    "PRESALE_LOG_LEVEL": "INFO",
    "PRESALE_LOG_FORMAT": "json",
    **{f"PRESALE_RATE_LIMIT_{name}": UNREACHED for name in LIMITS},
}
"""Everything on: requests are counted as those of strangers, metrics and logs are kept."""
READY_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    url: str
    process: "subprocess.Popen[bytes]"

    def cpu_seconds(self) -> float:
        """Return the processor time that it has spent so far, with its children."""
        return sum(cpu_seconds_of(pid) for pid in self._pids())

    def memory_mb(self) -> dict[str, float]:
        """Return what it holds: ``rss``, and ``pss``, where what is shared counts by its share."""
        of = [psutil.Process(pid).memory_full_info() for pid in self._pids()]
        return {
            "rss": sum(info.rss for info in of) / 1e6,
            "pss": sum(info.pss for info in of) / 1e6,
        }

    def _pids(self) -> list[int]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [self.process.pid, *(child.pid for child in children)]


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time of a process, by the kernel's own count in nanoseconds."""
    total = 0.0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(thread.read_text().split()[0])
    return total / 1e9


@asynccontextmanager
async def api(
    folder: Path, *, workers: int = 1, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run the API as its users do, on the engines of this environment, all its defences on."""
    arguments = ["-m", "headless_presale.cli", "serve", "--workers", str(workers)]
    async with _served(arguments, folder, {**DEFENDED, **(environment or {})}) as server:
        yield server


@asynccontextmanager
async def floor(folder: Path, kind: str, spec: Mapping[str, Any]) -> AsyncIterator[Server]:
    """Run a floor of ``bench.floors``.

    Args:
        spec: what it has to know, as JSON.
    """
    port = free_port()
    file = folder / f"floor-{kind}-{port}.json"
    file.write_text(json.dumps(spec))
    arguments = ["-m", "bench.floors", kind, "--spec", str(file)]
    async with _served(arguments, folder, {}, port) as server:
        yield server


@asynccontextmanager
async def broadcast_floor(folder: Path, spec: Mapping[str, Any]) -> AsyncIterator[Server]:
    """Run ``bench.broadcast``."""
    port = free_port()
    file = folder / f"broadcast-{port}.json"
    file.write_text(json.dumps(spec))
    arguments = ["-m", "bench.broadcast", "--spec", str(file)]
    async with _served(arguments, folder, {}, port) as server:
        yield server


@asynccontextmanager
async def _served(
    arguments: list[str], folder: Path, environment: Mapping[str, str], port: int | None = None
) -> AsyncIterator[Server]:
    port = port or free_port()
    # As an operator has it: what is said goes to a file.
    with (folder / f"server-{port}.log").open("wb") as log:
        process = begin([*arguments, "--port", str(port)], environment, log)
        try:
            url = f"http://127.0.0.1:{port}"
            await until_ready(url, process)
            yield Server(url, process)
        finally:
            process.terminate()
            process.wait(30)


def begin(
    arguments: list[str], environment: Mapping[str, str], log: BinaryIO
) -> "subprocess.Popen[bytes]":
    """Start a process of Python that writes what it says into a file."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdout=log,
        stderr=subprocess.STDOUT,
    )


async def until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until ``/readyz`` answers 200.

    Raises:
        RuntimeError: the process has ended instead.
        TimeoutError: it does not answer within two minutes.
    """
    async with aiohttp.ClientSession() as client, asyncio.timeout(READY_WITHIN_SECONDS):
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"a server ended with {process.returncode}: {process.args!r}")
            try:
                async with client.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
