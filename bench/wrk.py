"""Load from wrk: a client in C, so that the server is what is measured.

One thread of it keeps so many connections busy, each with one request at a time.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.turns import Turn
from tools.fetch_wrk import fetched_wrk

CONNECTIONS = 32
NUMBER, ADDRESS = "\x01", "\x02"
"""What each request of a template has of its own: a number, eight digits, and the same, as
``1234:5678``, for the half of an IPv6 address. Their length is fixed, so that of a body is too."""
BETWEEN = b"\x03"
_LENGTHS = {NUMBER: 8, ADDRESS: 9}
_SCRIPT = Path(__file__).with_name("requests.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What wrk saw."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def turn(self, *, cpu_seconds: float | None = None) -> Turn:
        """Return it as a turn.

        Args:
            cpu_seconds: what the server's process spent meanwhile.
        """
        return Turn(
            per_second=self.per_second,
            p50_ms=self.p50_ms,
            p99_ms=self.p99_ms,
            cpu_us=None if cpu_seconds is None else cpu_seconds / max(self.requests, 1) * 1e6,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A request that wrk sends, with ``NUMBER`` and ``ADDRESS`` where each has its own."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str = ""

    def template(self, host: str) -> bytes:
        """Return it as it goes over the wire."""
        length = len(self.body.encode()) + sum(
            self.body.count(mark) * (of - 1) for mark, of in _LENGTHS.items()
        )
        headers = {"Host": host, **self.headers}
        if self.body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(length)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.target} HTTP/1.1\r\n{head}\r\n{self.body}".encode()


async def load(
    url: str,
    *requests: Request,
    seconds: int,
    first: int = 0,
    connections: int = CONNECTIONS,
) -> Result:
    """Send the requests by turns for so long, numbered from ``first``.

    Args:
        url: of the server; paths are those of the requests.

    Raises:
        RuntimeError: something was not answered, or with an error.
    """
    with tempfile.NamedTemporaryFile(suffix=".http") as template:
        host = urlsplit(url).netloc
        template.write(BETWEEN.join(request.template(host) for request in requests))
        template.flush()
        process = await asyncio.create_subprocess_exec(
            program(),
            *("--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", "10s", "--script", str(_SCRIPT)),
            *(url, "--", template.name, str(first)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
        )
        said, _ = await process.communicate()
    return read_result(said.decode())


def read_result(said: str) -> Result:
    """Return what wrk said with our script.

    Raises:
        RuntimeError: it failed, or not every answer was good.
    """
    line = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"wrk has failed: {said.strip()}")
    told = json.loads(line.removeprefix("RESULT "))
    wrong = {
        name: told[name]
        for name in ("status", "connect", "read", "write", "timeout")
        if told[name] > 0
    }
    if wrong:
        raise RuntimeError(f"wrk was not answered as it should be: {wrong} of {told['requests']}")
    return Result(
        requests=told["requests"],
        seconds=told["duration_us"] / 1e6,
        bytes=told["bytes"],
        p50_ms=told["p50_us"] / 1e3,
        p99_ms=told["p99_us"] / 1e3,
    )


def program() -> str:
    """Return where wrk is; it is fetched where it is missing.

    Raises:
        WrkMissing: there is none.
    """
    return str(fetched_wrk()[0])


def environment() -> dict[str, str]:
    """Return what it needs of its environment."""
    library = fetched_wrk()[1]
    return {**os.environ, **({"LD_LIBRARY_PATH": str(library)} if library else {})}
