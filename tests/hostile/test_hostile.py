"""A slice of the hostile cases, on a process of its own; ``make hostile`` sends many more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hostile.cases import BROKEN_MESSAGE, Frames, Request
from tests.hostile.running import LOG_BYTES_A_CASE, MEMORY_BYTES, Report, run
from tests.hostile.sending import Lane
from tests.hostile.world import START_SECONDS, UNTOUCHED, World, make_process, make_world
from tests.support.processes import ApiProcess, until_ready

CASES = 1_500
SEED = 1


@pytest.fixture
async def api(
    database: str, worker_database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[ApiProcess]:
    with make_process(worker_database_url, redis_url, tmp_path) as process:
        yield process


@pytest.fixture
async def world(api: ApiProcess, redis: object) -> World:
    world = await make_world(api.url)
    await until_ready(f"{api.url}/readyz", api, seconds=START_SECONDS)
    return world


@pytest.mark.timeout(600)
async def test_hostile_cases_find_no_fault_of_ours(api: ApiProcess, world: World) -> None:
    report = await run(api, world.cases(SEED, CASES), count=CASES, slug=UNTOUCHED)

    assert report.judge() == []
    assert report.cases == CASES
    # Every kind of case was among them, and of answers.
    assert len(report.families) >= 15
    assert {"request 200", "request 400", "frames closed 4400", "frames open"} <= set(
        report.outcomes
    )


async def test_control_a_server_with_faults_is_found_out() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Upgrade" in head:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            writer.write(b'\x81\x15{"code": "INTERNAL" }' + b"\x88\x02\x03\xf3")
        elif b"silent" not in head:
            body = b'{"errors": [{"extensions": {"code": "INTERNAL"}}]}'
            writer.write(b"HTTP/1.1 500 X\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    lane = Lane(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        answered = await lane.send(Request("", b"GET / HTTP/1.1\r\n\r\n"))
        lane.close()
        dropped = await lane.send(Request("", b"GET /silent HTTP/1.1\r\n\r\n"))
        closed = await lane.send(Frames("", b"", BROKEN_MESSAGE))
    gone = await lane.send(Frames("", b""))

    assert [fault.split(":")[0] for fault in answered.faults] == [
        "answered 500",
        "an error of ours",
    ]
    assert dropped.faults == ["dropped a whole request"]
    assert [fault.split(":")[0] for fault in closed.faults] == [
        "an error of ours",
        "closed with 1011",
    ]
    assert gone.faults == ["the server has gone"]


def test_control_a_log_and_a_memory_without_bounds_are_found() -> None:
    kept = Report(cases=10, log_bytes=10 * LOG_BYTES_A_CASE, rss_warm=1, rss_end=MEMORY_BYTES)
    assert kept.judge() == []
    broken = Report(cases=10, log_bytes=10 * LOG_BYTES_A_CASE + 10, rss_end=MEMORY_BYTES + 1)
    assert len(broken.judge()) == 2
