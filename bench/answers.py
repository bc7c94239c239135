"""Reads beside their floor: what the API answers, and a bare handler that sends the same bytes."""

from collections.abc import Awaitable, Callable, Mapping
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
        check: given the answer's body, fails unless it is the one that is meant to be measured.
    """

    name: str
    request: wrk.Request
    check: Callable[[bytes], None]
    target: Target | None = None


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
    answers = {}
    for reading in readings:
        answers[reading.name] = answer = await ask(api, reading.request)
        reading.check(answer.body)
    spec = {name: _spec(answer) for name, answer in answers.items()}
    rows = []
    async with floor(run.folder, "read", spec) as bare:
        for reading in readings:
            request = reading.request
            theirs = replace(request, target=f"/answers/{reading.name}")
            takes: dict[str, Callable[[], Awaitable[Turn]]] = {
                "ours": _Asking(run, api, request, len(answers[reading.name].body)).take_turn,
                "floor": _Asking(run, bare, theirs, len(answers[reading.name].body)).take_turn,
            }
            turns = await alternate(takes, rounds=run.rounds)
            rows.append(
                compare(
                    reading.name.replace("-", " "),
                    turns["ours"],
                    turns["floor"],
                    target=reading.target,
                    body_bytes=len(answers[reading.name].body),
                )
            )
            run.tell(" ".join(rows[-1].cells()))
    return rows


def _spec(answer: Answer) -> dict[str, Any]:
    kept = {
        name: answer.headers[name] for name in ("content-type", "etag") if name in answer.headers
    }
    return {"status": answer.status, "body": answer.body.decode(), "headers": kept}


@dataclass(slots=True)
class _Asking:
    run: Run
    server: Server
    request: wrk.Request
    body_bytes: int
    first: int = 0

    async def take_turn(self) -> Turn:
        before = self.server.cpu_seconds()
        result = await wrk.load(
            self.server.url + self.request.target,
            self.request,
            seconds=self.run.seconds,
            first=self.first,
        )
        self.first += result.requests + 10 * wrk.CONNECTIONS
        if result.bytes < result.requests * self.body_bytes:
            raise RuntimeError(f"{self.request.target}: answers became shorter under load")
        return result.turn(cpu_seconds=self.server.cpu_seconds() - before)
