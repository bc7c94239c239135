"""A cheap load generator in a process of its own: HTTP/1.1 over raw sockets, keep-alive.

``python -m bench.arrivals`` reads a ``Plan`` as JSON and prints what came back as JSON. Buyers who
come whether or not others have been served are an open loop: the time of each runs from the moment
it was due, so that a slow server cannot slow the arrivals down and hide it.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

TICK_SECONDS = 0.001
LAST_ANSWERS_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send.

    Attributes:
        body: the request's body; ``~`` becomes the number of the buyer.
        connections: in a closed loop how many buyers wait for their answer at a time, in an open
            one how many connections are used at most.
        rate: arrivals a second, evenly; None is a closed loop.
    """

    host: str
    port: int
    body: str
    first: int
    seconds: float
    connections: int
    rate: float | None = None


@dataclass
class Answers:
    """What came back: seconds of each accepted and each refused request, and what was wrong."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    unsent: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self.due_at = 0.0
        self.is_busy = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes, due_at: float) -> None:
        """Send one request."""
        self.due_at, self.is_busy = due_at, True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read on; hand a whole answer over."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._buffer, self.is_busy = b"", False
        self._load.note(self, int(head[9:12]), lowered, body)

    def connection_lost(self, error: Exception | None) -> None:
        """A request that goes with its connection is an answer of the wrong kind."""
        if self.is_busy:
            self._load.answers.wrong["connection lost"] += 1


class Load:
    """Sends a plan and keeps what comes back."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._next = plan.first
        self._idle: deque[Connection] = deque()
        self._ends_at = 0.0
        self.answers = Answers()
        self._head, self._parts = self._compose()

    def _compose(self) -> tuple[bytes, list[bytes]]:
        plan = self._plan
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {plan.host}\r\nContent-Type: application/json\r\n"
            "Accept: application/json\r\nContent-Length: "
        )
        return head.encode(), plan.body.encode().split(b"~")

    def _request(self) -> bytes:
        body = str(self._next).encode().join(self._parts)
        self._next += 1
        return self._head + str(len(body)).encode() + b"\r\n\r\n" + body

    def note(self, connection: Connection, status: int, head: bytes, body: bytes) -> None:
        """Count an answer; in a closed loop, the connection's buyer makes room for the next."""
        seconds = time.perf_counter() - connection.due_at
        if status == 200 and b'"userErrors":[]' in body:
            self.answers.accepted.append(seconds)
        elif status == 503 and b"\r\nretry-after: 1" in head and b'"OVERLOADED"' in body:
            self.answers.refused.append(seconds)
        else:
            self.answers.wrong[f"{status} {body[:200]!r}"] += 1
        if self._plan.rate is None and time.perf_counter() < self._ends_at:
            connection.send(self._request(), time.perf_counter())
        else:
            self._idle.append(connection)

    async def run(self) -> Answers:
        """Send everything and wait for the answers."""
        plan, loop = self._plan, asyncio.get_running_loop()
        for _ in range(plan.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self), plan.host, plan.port
            )
            self._idle.append(connection)
        everyone = list(self._idle)
        began = time.perf_counter()
        self._ends_at = began + plan.seconds
        if plan.rate is None:
            self._idle.clear()
            for connection in everyone:
                connection.send(self._request(), time.perf_counter())
            await asyncio.sleep(plan.seconds)
        else:
            await self._arrive(began, plan.rate)
        for _ in range(round(LAST_ANSWERS_SECONDS / 0.01)):
            if not any(connection.is_busy for connection in everyone):
                break
            await asyncio.sleep(0.01)
        self.answers.wrong["unanswered"] += sum(connection.is_busy for connection in everyone)
        for connection in everyone:
            connection.is_busy = False
            connection.transport.abort()
        return self.answers

    async def _arrive(self, began: float, rate: float) -> None:
        sent = 0
        while (now := time.perf_counter()) < self._ends_at:
            while sent < (now - began) * rate:
                due_at = began + sent / rate
                sent += 1
                if self._idle:
                    self._idle.popleft().send(self._request(), due_at)
                else:
                    self.answers.unsent += 1
            await asyncio.sleep(TICK_SECONDS)


def main() -> None:
    """Carry out the plan on standard input."""
    plan = Plan(**json.load(sys.stdin))
    answers = asyncio.run(Load(plan).run())
    result: dict[str, Any] = {
        "accepted": answers.accepted,
        "refused": answers.refused,
        "wrong": {what: count for what, count in answers.wrong.items() if count},
        "unsent": answers.unsent,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
