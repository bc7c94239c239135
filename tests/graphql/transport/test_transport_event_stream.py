"""Server-sent events: frames, heartbeats and endings."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.graphql.transport.conftest import RunningServer, make_view, serving
from tests.graphql.transport.toy_schema import journal
from tests.support.servers import until

STREAM = {"accept": "text/event-stream"}


@asynccontextmanager
async def streaming(
    http: httpx.AsyncClient, query: str, **headers: str
) -> AsyncIterator[httpx.Response]:
    async with http.stream(
        "POST", "/graphql", json={"query": query}, headers={**STREAM, **headers}
    ) as response:
        yield response


def events(text: str) -> list[str]:
    """Events without the comments between them."""
    return [block for block in text.split("\n\n") if block and not block.startswith(":")]


async def test_a_subscription_is_a_stream_of_next_events_and_a_complete(
    http: httpx.AsyncClient,
) -> None:
    async with streaming(http, "subscription { count(to: 2) }") as response:
        text = (await response.aread()).decode()

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["vary"] == "Accept, Accept-Language, Origin"
    assert events(text) == [
        'event: next\ndata: {"data":{"count":1}}',
        'event: next\ndata: {"data":{"count":2}}',
        "event: complete\ndata: ",
    ]
    assert journal.closed == ["count 2"]


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/event-stream"])
async def test_a_subscription_is_streamed_to_whoever_takes_a_stream_too(
    http: httpx.AsyncClient, accept: str
) -> None:
    async with streaming(http, "subscription { count(to: 1) }", accept=accept) as response:
        text = (await response.aread()).decode()

    assert events(text)[0] == 'event: next\ndata: {"data":{"count":1}}'


async def test_objects_are_resolved_for_each_event(http: httpx.AsyncClient) -> None:
    query = "subscription { people { __typename name friend { name } } }"
    async with streaming(http, query) as response:
        text = (await response.aread()).decode()

    assert events(text)[1] == (
        'event: next\ndata: {"data":{"people":{"__typename":"Person","name":"Grace",'
        '"friend":{"name":"friend of Grace"}}}}'
    )


async def test_a_silent_stream_beats_until_the_client_leaves_and_then_closes(
    http: httpx.AsyncClient,
) -> None:
    # The server of the tests beats every 0.2 s.
    async with streaming(http, 'subscription { silence(name: "x") }') as response:
        lines = response.aiter_lines()
        comments = [line for line in [await anext(lines) for _ in range(6)] if line]
        assert journal.closed == []

    assert comments == [": ping", ": ping", ": ping"]
    await until(lambda: journal.closed == ["silence x"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "DOCUMENT_SYNTAX"),
        ("subscription { nothing }", "DOCUMENT_INVALID"),
        ("subscription($to: Int!) { count(to: $to) }", "VARIABLES_INVALID"),
        ("subscription { refused }", "FORBIDDEN"),
    ],
)
async def test_what_cannot_start_is_told_within_the_stream(
    http: httpx.AsyncClient, query: str, code: str
) -> None:
    async with streaming(http, query) as response:
        text = (await response.aread()).decode()

    assert response.status_code == 200
    first, last = events(text)
    assert first.startswith('event: next\ndata: {"errors":[')
    assert f'"code":"{code}"' in first
    assert last == "event: complete\ndata: "


async def test_a_generator_that_breaks_ends_the_stream_with_a_masked_error(
    http: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        async with streaming(http, "subscription { breaks }") as response:
            text = (await response.aread()).decode()

    first, second, last = events(text)
    assert first == 'event: next\ndata: {"data":{"breaks":1}}'
    assert '"message":"Internal error"' in second
    assert "hunter2" not in text
    assert last == "event: complete\ndata: "
    assert len(logs) == 1


async def test_a_refused_caller_gets_a_status_and_no_stream(http: httpx.AsyncClient) -> None:
    query = 'subscription { silence(name: "x") }'
    async with streaming(http, query, **{"x-toy": "unauthenticated"}) as response:
        body: Any = await response.aread()

    assert response.status_code == 401
    assert b"UNAUTHENTICATED" in body
    assert journal.closed == []


async def test_a_stream_ends_with_its_session(http: httpx.AsyncClient) -> None:
    query = 'subscription { silence(name: "x") }'
    async with streaming(http, query, **{"x-lasts-seconds": "0.5"}) as response:
        text = (await response.aread()).decode()

    first, last = events(text)
    assert '"code":"SESSION_EXPIRED"' in first
    assert last == "event: complete\ndata: "
    assert journal.closed == ["silence x"]


async def test_a_stopping_server_takes_no_new_stream() -> None:
    graphql = make_view()
    async with serving(graphql) as running, httpx.AsyncClient(base_url=running.origin) as http:
        await graphql.close_all()
        async with streaming(http, 'subscription { silence(name: "x") }') as response:
            await response.aread()
        query = await http.post("/graphql", json={"query": "{ hello }"})

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert query.json() == {"data": {"hello": "hello world"}}
    assert journal.closed == []


async def test_streams_leave_nothing_behind(server: RunningServer, http: httpx.AsyncClient) -> None:
    for _ in range(5):
        async with streaming(http, "subscription { count(to: 1) }") as response:
            await response.aread()

    await until(lambda: len(server.graphql._live) == 0)


async def test_a_client_that_has_stopped_reading_keeps_no_server_from_stopping() -> None:
    body = json.dumps({"query": "subscription { noise }"})
    request = (
        "POST /graphql HTTP/1.1\r\nhost: shop\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    )
    async with serving(make_view()) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as silent:
            silent.sendall(request.encode())
            # Nothing is read: the stream halts once the buffers of both sides are full.
            before = -1
            while journal.noises != before:
                before = journal.noises
                await asyncio.sleep(0.3)
            assert before > 0
            assert journal.closed == []

            running.server.should_exit = True
            await asyncio.wait_for(running.task, 30)

            assert journal.closed == ["noise"]
