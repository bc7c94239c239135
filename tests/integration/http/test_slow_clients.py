"""Requests that never come whole, and what is around a body and has no end."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headless_presale.cli.http import DoorProtocol
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.api import api_serving

BODY = json.dumps({"query": "{ __typename }"}).encode()
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
LARGE = b"X-Large: %b\r\n" % (b"x" * 20_000)


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    return {
        "database_url": database,
        "redis_url": redis_url,
        "data_dir": tmp_path,
        "secret_key": SECRET_KEY,
    }


@asynccontextmanager
async def serving(
    settings: dict[str, Any], protocol: type[asyncio.Protocol]
) -> AsyncIterator[httpx.AsyncClient]:
    async with api_serving(Settings.model_validate(settings), protocol=protocol) as client:
        yield client


async def answer_to(client: httpx.AsyncClient, *parts: bytes) -> bytes:
    """Send bytes and nothing more; return what comes until the connection ends."""
    at = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    answer = b""
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            answer = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.transport.abort()
    return answer


async def test_who_does_not_send_the_rest_is_cut_off(settings: dict[str, Any]) -> None:
    class Impatient(DoorProtocol):
        whole_within_seconds = 0.2

    begun = (
        b"",
        b"POST /gra",
        POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:5],
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5],
    )
    async with serving(settings, Impatient) as client:
        answers = await asyncio.gather(*(answer_to(client, part) for part in begun))

    assert answers == [b""] * len(begun)


class Small(DoorProtocol):
    most_bytes_around = 10_000


CLOSE = b"Connection: close\r\n"
CHUNKED = POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
FOLLOWED = CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n" + CLOSE


async def test_what_is_around_a_body_is_bounded(settings: dict[str, Any]) -> None:
    async with serving(settings, Small) as client:
        head = await answer_to(client, LIVE, LARGE)
        trailer = await answer_to(client, FOLLOWED, LARGE)
        body = {"query": "{ __typename }", "variables": {"x": "x" * 50_000}}
        whole = await client.post("/graphql", json=body)
        in_small_parts = await answer_to(client, FOLLOWED, b"\r\n")

    # Where the rest was still on its way when it was closed, nothing is read of the answer.
    assert head == b"" or head.startswith(b"HTTP/1.1 431 ")
    assert b" 200 " not in trailer.partition(b"\r\n")[0]
    assert whole.json() == {
        "data": {"__typename": "Query"},
        "extensions": whole.json()["extensions"],
    }
    assert in_small_parts.startswith(b"HTTP/1.1 200 ")


async def test_control_without_a_bound_it_is_taken(settings: dict[str, Any]) -> None:
    async with serving(settings, HttpToolsProtocol) as client:
        head = await answer_to(client, LIVE, LARGE, b"\r\n")
        trailer = await answer_to(client, FOLLOWED, LARGE, b"\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert trailer.startswith(b"HTTP/1.1 200 ")
