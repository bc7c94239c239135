"""What is the same for many is run once, and everybody gets what he would have got by himself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from headless_presale.cli.socket_protocol import SocketProtocol
from schema.transport import shared
from tests.graphql.transport.conftest import (
    RunningServer,
    SocketClient,
    make_view,
    open_socket,
    serving,
)
from tests.graphql.transport.toy_schema import board, journal
from tests.support.servers import until

WATCH = "subscription Watch($topic: String!) { watch(topic: $topic) { text asker } }"
MINE = WATCH.replace("watch(", "mine (")


@pytest.fixture(scope="module", params=[SocketProtocol, "websockets-sansio"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[RunningServer]:
    """A server that takes messages at once, and one that knows ASGI alone."""
    async with serving(make_view(), ws=request.param) as server:
        yield server


@asynccontextmanager
async def following(
    running: RunningServer, topic: str, *, query: str = WATCH, id_: str = "1", **headers: str
) -> AsyncIterator[SocketClient]:
    async with open_socket(running, headers=headers) as client:
        await client.init()
        await client.subscribe(id_, query, variables={"topic": topic})
        yield client


async def text_from(client: SocketClient) -> str:
    message = await client.receive()
    assert message["type"] == "next", message
    return str(next(iter(message["payload"]["data"].values()))["text"])


async def test_many_followers_are_one_run_and_each_has_his_own_id(running: RunningServer) -> None:
    async with AsyncExitStack() as stack:
        clients = {
            id_: await stack.enter_async_context(following(running, "many", id_=id_))
            for id_ in ("1", "2", '3 æ "\\', "x" * 300)
        }
        for text in ("nothing yet", "first", "second " * 20_000):
            if text != "nothing yet":
                board.put("many", text)
            for id_, client in clients.items():
                assert await client.receive() == {
                    "id": id_,
                    "type": "next",
                    "payload": {"data": {"watch": {"text": text, "asker": "nobody, in en"}}},
                }
        assert journal.watched == ["many"]
        board.put("many", None)
        for id_, client in clients.items():
            assert await client.receive() == {"id": id_, "type": "complete"}
    assert journal.closed == ["watch many"]
    assert len(running.graphql.streams) == 0


async def test_the_bytes_are_those_of_a_run_of_ones_own(running: RunningServer) -> None:
    texts = ["nothing yet", 'quoted " and 中文 \u2028', "x" * 70_000]
    async with (
        following(running, "bytes") as shared_one,
        following(running, "bytes", query=MINE) as own,
    ):
        for text in texts:
            if text != "nothing yet":
                board.put("bytes", text)
            received = [await asyncio.wait_for(c.connection.recv(), 30) for c in (shared_one, own)]
            assert received[0] == str(received[1]).replace('"mine"', '"watch"')


async def test_who_differs_in_anything_the_answer_depends_on_has_another_run(
    running: RunningServer,
) -> None:
    async with (
        following(running, "a") as english,
        following(running, "a", **{"accept-language": "zh"}) as chinese,
        following(running, "b") as other,
        following(running, "a", query=WATCH.replace("text", "text other: text")) as wider,
    ):
        answers = [(await client.receive())["payload"]["data"] for client in (english, chinese)]
        assert [answer["watch"]["asker"] for answer in answers] == [
            "nobody, in en",
            "nobody, in zh",
        ]
        await other.receive()
        await wider.receive()
        assert sorted(journal.watched) == ["a", "a", "a", "b"]
        board.put("a", "of a")
        for client in (english, chinese, wider):
            assert await text_from(client) == "of a"


async def test_a_run_that_is_shared_knows_nobody(running: RunningServer) -> None:
    async with (
        following(running, "askers", **{"x-caller": "ada"}) as ada,
        following(running, "askers", query=MINE, **{"x-caller": "ada"}) as by_herself,
    ):
        assert (await ada.receive())["payload"]["data"]["watch"]["asker"] == "nobody, in en"
        # Control: what is not declared as shared knows her.
        assert (await by_herself.receive())["payload"]["data"]["mine"]["asker"] == "ada, in en"


async def test_who_comes_later_is_told_how_things_stand(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(running, "late") as first:
        assert await text_from(first) == "nothing yet"
        # Given an event of just now: it is told again
        async with following(running, "late") as second:
            assert await text_from(second) == "nothing yet"
            assert journal.watched == ["late"]
        # And one of long ago: somebody looks, and tells the late one alone
        monkeypatch.setattr(shared, "FRESH_SECONDS", 0.0)
        async with following(running, "late") as third:
            assert await text_from(third) == "nothing yet"
            assert journal.watched == ["late", "late"]
            board.put("late", "news")
            assert await text_from(first) == await text_from(third) == "news"


async def test_the_last_who_leaves_ends_the_run(running: RunningServer) -> None:
    async with following(running, "leaving") as first:
        await first.receive()
        async with following(running, "leaving") as second:
            await second.receive()
            await first.send({"id": "1", "type": "complete"})
            await first.subscribe("1", "{ hello }")
            assert (await first.receive())["payload"] == {"data": {"hello": "hello world"}}
            assert (await first.receive())["type"] == "complete"
            board.put("leaving", "news")
            assert await text_from(second) == "news"
            assert journal.closed == []
        await until(lambda: journal.closed == ["watch leaving"])
        assert len(running.graphql.streams) == 0
        # And the next begins it anew
        await first.subscribe("1", WATCH, variables={"topic": "leaving"})
        assert await text_from(first) == "news"


async def test_each_is_told_of_a_failure_under_the_id_of_his_own_request(
    running: RunningServer,
) -> None:
    async with following(running, "failing") as first, following(running, "failing") as second:
        assert await text_from(first) == await text_from(second) == "nothing yet"
        with capture_logs() as logs:
            board.put("failing", "break")
            errors = [await client.receive() for client in (first, second)]
    assert [error["type"] for error in errors] == ["error", "error"]
    told = [error["payload"][0]["extensions"] for error in errors]
    assert [extensions["code"] for extensions in told] == ["INTERNAL", "INTERNAL"]
    assert told[0]["requestId"] != told[1]["requestId"]
    logged = {log["request_id"] for log in logs if log["event"] == "graphql.error_masked"}
    assert logged == {extensions["requestId"] for extensions in told}


@pytest.mark.parametrize("field", ["broken", "opaque"])
async def test_events_with_errors_are_told_as_by_a_run_of_ones_own(
    running: RunningServer, field: str
) -> None:
    query = WATCH.replace("asker", field)
    async with (
        following(running, field, query=query) as first,
        following(running, field, query=query.replace("watch(", "mine (")) as own,
    ):
        answers = [await first.receive(), await own.receive()]
    assert "hunter2" not in str(answers)
    assert _comparable(answers[0]) == _comparable(answers[1])


def _comparable(message: Any) -> str:
    text = str({**message, "payload": _without_ids(message["payload"])})
    return text.replace("'watch'", "'mine'")


def _without_ids(payload: Any) -> Any:
    for error in payload if isinstance(payload, list) else payload["errors"]:
        assert error["extensions"].pop("requestId")
    return payload


async def test_streams_of_events_share_the_run_of_sockets(running: RunningServer) -> None:
    async with (
        following(running, "streams") as client,
        httpx.AsyncClient(timeout=30) as http,
        http.stream(
            "POST",
            running.url,
            json={"query": WATCH, "variables": {"topic": "streams"}},
            headers={"accept": "text/event-stream"},
        ) as response,
    ):
        assert await text_from(client) == "nothing yet"
        lines = response.aiter_lines()
        events = (line async for line in lines if line.startswith("data: {"))
        asked = '"asker":"nobody, in en"'
        expected = 'data: {"data":{"watch":{"text":"%s",' + asked + "}}}"
        assert await anext(events) == expected % "nothing yet"
        board.put("streams", "news")
        assert await anext(events) == expected % "news"
        assert await text_from(client) == "news"
        assert journal.watched == ["streams"]


async def test_refusals_are_those_of_a_run_of_ones_own(running: RunningServer) -> None:
    for query, variables, headers in (
        (WATCH, {"topic": 1}, {}),
        (WATCH, {}, {}),
        (WATCH, {"topic": "dear"}, {"x-cost-limit": "1"}),
    ):
        told = []
        for asked in (query, query.replace("watch(", "mine (")):
            async with open_socket(running, headers=headers) as client:
                await client.init()
                await client.subscribe("1", asked, variables=variables)
                told.append(await client.receive())
        assert told[0] == told[1]
        assert told[0]["type"] == "error"
    assert journal.watched == []


async def test_operations_that_share_a_run_count_towards_the_limit(running: RunningServer) -> None:
    async with open_socket(running) as client:
        await client.init()
        for number in range(20):
            await client.subscribe(str(number), WATCH, variables={"topic": "limit"})
            assert (await client.receive())["id"] == str(number)
        await client.subscribe("20", WATCH, variables={"topic": "limit"})
        refused = await client.receive()
        assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await client.subscribe("19", "{ hello }")
        assert await client.close_code() == 4409
    await until(lambda: journal.closed == ["watch limit"])


async def test_a_stopping_server_ends_shared_runs() -> None:
    graphql = make_view()
    async with serving(graphql, ws=SocketProtocol) as running, following(running, "stop") as client:
        await client.receive()
        await graphql.close_all()
        assert journal.closed == ["watch stop"]
        assert await client.close_code() == 1001
