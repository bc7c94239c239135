"""Reads beside their floor: what the API answers, and a bare handler that sends the same bytes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from bench import wrk
from bench.report import Row, Target, compare
from bench.run import Run
from bench.servers import Server, floor
from bench.turns import Turn, alternate


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Something that is asked for again and again.

    Attributes:
        requests: sent by turns.
        check: given the body of an answer, fails unless it is what is meant to be measured.
        connections: how many are asked at a time.
        most_cpu_ms: the target is of the processor time, not of the ratio.
    """

    name: str
    requests: Sequence[wrk.Request]
    check: Callable[[bytes], None]
    target: Target | None = None
    connections: int = wrk.CONNECTIONS
    most_cpu_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(server: Server, request: wrk.Request) -> Answer:
    """Send one request; its number is 0."""
    marked = {wrk.NUMBER: "0" * 8, wrk.ADDRESS: "0000:0000"}

    def filled(text: str) -> str:
        for mark, digits in marked.items():
            text = text.replace(mark, digits)
        return text

    headers = {name: filled(value) for name, value in request.headers.items()}
    body = filled(request.body).encode() if request.body else None
    if body is not None:
        headers["Content-Type"] = "application/json"
    # As wrk asks: nothing of the client's own.
    async with (
        aiohttp.ClientSession(skip_auto_headers=("Accept", "Accept-Encoding")) as client,
        client.request(
            request.method, server.url + request.target, headers=headers, data=body
        ) as answer,
    ):
        said = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, said, await answer.read())


async def beside_floor(run: Run, readings: list[Reading]) -> list[Row]:
    """Measure each beside a bare handler that answers the same status and bytes.

    Raises:
        RuntimeError: what came back under load was not of the length of the one that was checked.
    """
    api = await run.api()
    answers: dict[str, Answer] = {}
    for reading in readings:
        for request in reversed(reading.requests):
            answers[reading.name] = await ask(api, request)
            reading.check(answers[reading.name].body)
    spec = {name: _spec(answer) for name, answer in answers.items()}
    rows = []
    async with floor(run.folder, "read", spec) as bare:
        for reading in readings:
            length = len(answers[reading.name].body)
            theirs = [
                replace(request, target=f"/answers/{reading.name}") for request in reading.requests
            ]
            takes: dict[str, Callable[[], Awaitable[Turn]]] = {
                "ours": _Asking(run, api, reading, reading.requests, length).take_turn,
                "floor": _Asking(run, bare, reading, theirs, length).take_turn,
            }
            turns = await alternate(takes, rounds=run.rounds)
            rows.append(_row(reading, turns, length))
            run.tell(" ".join(rows[-1].cells()))
    return rows


def _row(reading: Reading, turns: Mapping[str, Sequence[Turn]], length: int) -> Row:
    name = reading.name.replace("-", " ")
    row = compare(name, turns["ours"], turns["floor"], target=reading.target, body_bytes=length)
    if reading.most_cpu_ms is None:
        return row
    assert row.cpu_us is not None
    return replace(
        row,
        case=f"{name}, processor",
        unit="ms",
        ours=row.cpu_us / 1e3,
        floor=None,
        ratio=None,
        target=Target(at_most=reading.most_cpu_ms),
        figures={**row.figures, "per_second": row.ours},
    )


def _spec(answer: Answer) -> dict[str, Any]:
    kept = {
        name: answer.headers[name] for name in ("content-type", "etag") if name in answer.headers
    }
    return {"status": answer.status, "body": answer.body.decode(), "headers": kept}


@dataclass(slots=True)
class _Asking:
    run: Run
    server: Server
    reading: Reading
    requests: Sequence[wrk.Request]
    body_bytes: int
    first: int = 0

    async def take_turn(self) -> Turn:
        before = self.server.cpu_seconds()
        result = await wrk.load(
            self.server.url,
            *self.requests,
            seconds=self.run.seconds,
            first=self.first,
            connections=self.reading.connections,
        )
        self.first += result.requests + 10 * self.reading.connections
        if result.requests < 2 * self.reading.connections:
            raise RuntimeError(f"{self.reading.name}: a turn is too short for what it asks")
        if result.bytes < result.requests * self.body_bytes:
            raise RuntimeError(f"{self.reading.name}: answers became shorter under load")
        return result.turn(cpu_seconds=self.server.cpu_seconds() - before)
