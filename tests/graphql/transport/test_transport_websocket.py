"""graphql-transport-ws, frame by frame, against the real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from tests.graphql.transport.conftest import (
    RunningServer,
    SocketClient,
    make_view,
    open_socket,
    serving,
)
from tests.graphql.transport.toy_schema import journal
from tests.support.servers import until

SILENCE = "subscription($name: String!) { silence(name: $name) }"


@pytest.fixture
async def client(server: RunningServer) -> AsyncIterator[SocketClient]:
    async with open_socket(server) as connected:
        yield connected


async def test_a_subscription_is_followed_to_its_end(client: SocketClient) -> None:
    acknowledged = await client.init()
    await client.subscribe("1", "subscription($to: Int!) { count(to: $to) }", variables={"to": 2})

    received = [await client.receive() for _ in range(3)]

    assert acknowledged == {"type": "connection_ack"}
    assert received == [
        {"id": "1", "type": "next", "payload": {"data": {"count": 1}}},
        {"id": "1", "type": "next", "payload": {"data": {"count": 2}}},
        {"id": "1", "type": "complete"},
    ]


async def test_queries_and_mutations_are_streams_of_one(client: SocketClient) -> None:
    await client.init()
    await client.subscribe("q", "{ hello }")
    query = [await client.receive(), await client.receive()]
    await client.subscribe("m", "mutation { add(amount: 3) }")
    mutation = [await client.receive(), await client.receive()]

    assert query[0] == {"id": "q", "type": "next", "payload": {"data": {"hello": "hello world"}}}
    assert mutation[0] == {"id": "m", "type": "next", "payload": {"data": {"add": 3}}}
    assert [message["type"] for message in (query[1], mutation[1])] == ["complete", "complete"]


async def test_connection_parameters_reach_the_hook_and_its_answer_the_client(
    client: SocketClient,
) -> None:
    acknowledged = await client.init({"name": "Ada"})

    assert acknowledged == {"type": "connection_ack", "payload": {"welcome": "Ada"}}


@pytest.mark.parametrize(("token", "code"), [("wrong", 4403), ("defect", 4500)])
async def test_a_connection_the_hook_refuses_is_closed(
    client: SocketClient, token: str, code: int
) -> None:
    with capture_logs() as logs:
        await client.send({"type": "connection_init", "payload": {"token": token}})

        assert await client.close_code() == code

    assert len(logs) == (1 if token == "defect" else 0)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ([], 4400),
        (1, 4400),
        (None, 4400),
        ("ping", 4400),
        ({}, 4400),
        ({"type": 1}, 4400),
        ({"type": "nonsense"}, 4400),
        ({"type": "start", "id": "1", "payload": {"query": "{ hello }"}}, 4400),
        ({"type": "ping", "payload": []}, 4400),
        ({"type": "connection_init"}, 4429),
        ({"type": "connection_init", "payload": "x"}, 4400),
        ({"type": "complete"}, 4400),
        ({"type": "complete", "id": []}, 4400),
        ({"type": "subscribe"}, 4400),
        ({"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}, 4400),
        ({"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}, 4400),
        ({"type": "subscribe", "id": ["1"], "payload": {"query": "{ hello }"}}, 4400),
        ({"type": "subscribe", "id": {}, "payload": {"query": "{ hello }"}}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400),
        ({"type": "subscribe", "id": "1", "payload": None}, 4400),
        ({"type": "subscribe", "id": "1", "payload": []}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": 1}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 1}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{a}", "extensions": "x"}}, 4400),
        ({"type": "pong", "payload": "x" * 200_000}, 1009),
    ],
)
async def test_a_frame_that_breaks_the_protocol_closes_the_socket_and_what_runs_on_it(
    client: SocketClient, message: Any, code: int
) -> None:
    await client.init()
    await client.subscribe("open", SILENCE, variables={"name": "open"})

    with capture_logs() as logs:
        await client.send(message)

        assert await client.close_code() == code
        await until(lambda: journal.closed == ["silence open"])

    assert logs == []


@pytest.mark.parametrize("frame", ["", "{", "\x00", "[" * 5_000, b"{}", b"\xff\x00"])
async def test_a_frame_that_is_not_json_text_closes_the_socket(
    client: SocketClient, frame: str | bytes
) -> None:
    await client.connection.send(frame)

    assert await client.close_code() == 4400


async def test_subscribing_before_the_acknowledgement_closes_with_4401(
    client: SocketClient,
) -> None:
    await client.subscribe("1", "mutation { add(amount: 1) }")

    assert await client.close_code() == 4401
    assert journal.added == []


async def test_an_id_in_use_closes_with_4409(client: SocketClient) -> None:
    await client.init()
    await client.subscribe("1", SILENCE, variables={"name": "first"})
    await client.subscribe("1", SILENCE, variables={"name": "second"})

    assert await client.close_code() == 4409
    await until(lambda: journal.closed == ["silence first"])


async def test_an_id_is_free_again_after_complete_from_either_side(client: SocketClient) -> None:
    await client.init()
    await client.subscribe("1", SILENCE, variables={"name": "first"})
    # Once the pong is here the subscription has begun.
    await client.send({"type": "ping"})
    await client.receive()
    await client.send({"id": "1", "type": "complete"})
    for _ in range(2):
        await client.subscribe("1", "{ hello }")

        assert (await client.receive())["payload"] == {"data": {"hello": "hello world"}}
        assert await client.receive() == {"id": "1", "type": "complete"}
    assert journal.closed == ["silence first"]


async def test_completing_what_is_not_running_is_ignored(client: SocketClient) -> None:
    await client.init()
    await client.send({"id": "never", "type": "complete"})
    await client.send({"type": "ping", "payload": {"at": 1}})

    assert await client.receive() == {"type": "pong", "payload": {"at": 1}}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "subscription {"}, "DOCUMENT_SYNTAX"),
        ({"query": "subscription { nothing }"}, "DOCUMENT_INVALID"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_UNKNOWN"),
        ({"query": "{ person { friends(first: 999999) { name } } }"}, "DOCUMENT_TOO_COMPLEX"),
        ({"query": "subscription($to: Int!) { count(to: $to) }"}, "VARIABLES_INVALID"),
        ({"query": "subscription { refused }"}, "FORBIDDEN"),
    ],
)
async def test_an_operation_that_cannot_start_is_answered_with_an_error_message(
    client: SocketClient, payload: dict[str, Any], code: str
) -> None:
    await client.init()
    await client.send({"id": "1", "type": "subscribe", "payload": payload})

    message = await client.receive()
    await client.send({"type": "ping"})

    assert (message["id"], message["type"]) == ("1", "error")
    assert [error["extensions"]["code"] for error in message["payload"]] == [code]
    assert await client.receive() == {"type": "pong"}


async def test_a_generator_that_breaks_ends_the_operation_with_a_masked_error(
    client: SocketClient,
) -> None:
    await client.init()
    with capture_logs() as logs:
        await client.subscribe("1", "subscription { breaks }")
        first, last = await client.receive(), await client.receive()

    assert first["payload"] == {"data": {"breaks": 1}}
    assert last["type"] == "error"
    assert last["payload"][0]["message"] == "Internal error"
    assert [entry["request_id"] for entry in logs] == [
        last["payload"][0]["extensions"]["requestId"]
    ]


async def test_each_event_has_a_context_of_its_own(client: SocketClient) -> None:
    await client.init()
    await client.subscribe("1", "subscription { generation { number } }")

    numbers = [(await client.receive())["payload"]["data"]["generation"] for _ in range(3)]

    # The connection's is 0 and the operation's 1.
    assert numbers == [{"number": 2}, {"number": 2}, {"number": 2}]


async def test_at_most_twenty_operations_run_on_one_connection(client: SocketClient) -> None:
    await client.init()
    for number in range(20):
        await client.subscribe(str(number), SILENCE, variables={"name": str(number)})
    await client.subscribe("20", SILENCE, variables={"name": "20"})

    refused = await client.receive()
    await client.send({"id": "7", "type": "complete"})
    await until(lambda: journal.closed == ["silence 7"])
    await client.subscribe("21", "{ hello }")

    assert (refused["id"], refused["type"]) == ("20", "error")
    assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
    assert (await client.receive())["payload"] == {"data": {"hello": "hello world"}}


async def test_a_client_that_leaves_closes_every_generator(server: RunningServer) -> None:
    async with open_socket(server) as client:
        await client.init()
        for name in ("a", "b"):
            await client.subscribe(name, SILENCE, variables={"name": name})
        await client.send({"type": "ping"})
        await client.receive()
        assert journal.closed == []

    await until(lambda: sorted(journal.closed) == ["silence a", "silence b"])


async def test_a_mutation_that_has_begun_is_finished_when_the_client_leaves(
    server: RunningServer,
) -> None:
    async with open_socket(server) as client:
        await client.init()
        await client.subscribe("1", "mutation { add(amount: 5, pauseSeconds: 0.2) }")
        await client.send({"type": "ping"})
        await client.receive()
        assert journal.added == []

    await until(lambda: journal.added == [5])


async def test_a_socket_that_never_initialises_is_closed_with_4408() -> None:
    async with (
        serving(make_view(connection_init_timeout_seconds=0.1)) as running,
        open_socket(running) as client,
    ):
        assert await client.close_code() == 4408


async def test_a_socket_ends_with_its_session(server: RunningServer) -> None:
    async with open_socket(server, headers={"x-lasts-seconds": "0.5"}) as client:
        # Both at once: whatever the machine is busy with, the time begins with the first.
        await client.send({"type": "connection_init"})
        await client.subscribe("1", SILENCE, variables={"name": "expiring"})

        assert await client.close_code() == 4403
    await until(lambda: journal.closed == ["silence expiring"])


@pytest.mark.parametrize("subprotocol", ["graphql-ws", "graphql-sse", "nonsense"])
async def test_other_subprotocols_are_closed_with_4406(
    server: RunningServer, subprotocol: str
) -> None:
    async with open_socket(server, subprotocol=subprotocol) as client:
        assert await client.close_code() == 4406


async def test_origins_are_those_listed_and_the_servers_own() -> None:
    async with serving(make_view(allowed_origins=["https://shop.example"])) as running:
        for origin in ("https://shop.example", running.origin):
            async with open_socket(running, headers={"origin": origin}) as client:
                assert await client.init() == {"type": "connection_ack"}
        for origin in ("https://evil.example", "null", "https://shop.example.evil.example"):
            with pytest.raises(InvalidStatus) as refused:
                async with open_socket(running, headers={"origin": origin}):
                    pass
            assert refused.value.response.status_code == 403


async def test_any_origin_is_allowed_by_default(server: RunningServer) -> None:
    async with open_socket(server, headers={"origin": "https://anywhere.example"}) as client:
        assert await client.init() == {"type": "connection_ack"}


async def test_a_stopping_server_closes_sockets_and_streams_and_stops_at_once() -> None:
    async with (
        serving(make_view(), graceful_seconds=3_600) as running,
        open_socket(running) as client,
    ):
        await client.init()
        await client.subscribe("1", SILENCE, variables={"name": "socket"})
        body = {"query": SILENCE, "variables": {"name": "stream"}}
        stream = asyncio.create_task(_read_stream(running.url, body))
        await until(lambda: len(running.graphql._live) == 2)
        await asyncio.sleep(0.1)

        running.server.should_exit = True

        assert await client.close_code() == 1001
        # Without ``complete``: the client is to come back.
        assert "event: complete" not in await asyncio.wait_for(stream, 30)
        await asyncio.wait_for(running.task, 30)
    assert sorted(journal.closed) == ["silence socket", "silence stream"]


async def _read_stream(url: str, body: dict[str, Any]) -> str:
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(url, json=body, headers={"accept": "text/event-stream"})
        assert response.status_code == 200
        return response.text


async def test_a_stopping_server_answers_what_a_socket_has_begun() -> None:
    graphql = make_view()
    async with serving(graphql) as running, open_socket(running) as client:
        await client.init()
        await client.subscribe("live", 'subscription { silence(name: "x") }')
        await client.subscribe("begun", "mutation { add(amount: 7, pauseSeconds: 0.3) }")
        await client.subscribe("seen", "{ hello }")
        assert (await client.receive())["id"] == "seen"
        assert (await client.receive())["id"] == "seen"

        # when: it is told to stop, and the client asks for more
        stopping = asyncio.create_task(graphql.close_all())
        await until(lambda: journal.closed == ["silence x"])
        await client.subscribe("late", "mutation { add(amount: 100) }")

        # then
        refused = await client.receive()
        assert (refused["id"], refused["type"]) == ("late", "error")
        assert refused["payload"][0]["extensions"] == {
            "code": "SHUTTING_DOWN",
            "retryAfterSeconds": 1,
        }
        assert (await client.receive())["payload"] == {"data": {"add": 7}}
        assert await client.receive() == {"id": "begun", "type": "complete"}
        assert await client.close_code() == 1001
        await stopping
    assert journal.added == [7]
