"""The endpoint against the JavaScript packages that define these protocols."""

import json
from collections.abc import Awaitable, Callable

from tests.graphql.transport.conftest import RunningServer
from tests.graphql.transport.toy_schema import journal
from tests.support.node import NodeRun
from tests.support.servers import until

RunNode = Callable[..., Awaitable[NodeRun]]


async def test_the_whole_graphql_over_http_audit_passes(
    server: RunningServer, node: RunNode
) -> None:
    run = await node("audit.mjs", server.url)

    assert run.stdout.splitlines() == ["61 of 61"]
    assert run.code == 0


async def test_graphql_ws_client_follows_a_subscription_to_its_end(
    server: RunningServer, node: RunNode
) -> None:
    query = "subscription S($to: Int!) { count(to: $to) }"

    run = await node("ws_follow.mjs", server.ws_url, query, json.dumps({"to": 3}), "10")

    assert run.results == [{"data": {"count": number}} for number in (1, 2, 3)]
    assert (run.code, run.stderr) == (0, "")
    assert journal.closed == ["count 3"]


async def test_graphql_ws_client_that_stops_early_closes_the_generator(
    server: RunningServer, node: RunNode
) -> None:
    query = "subscription { count(to: 1000, pauseSeconds: 0.01) }"

    run = await node("ws_follow.mjs", server.ws_url, query, "{}", "2")

    assert run.results == [{"data": {"count": 1}}, {"data": {"count": 2}}]
    await until(lambda: journal.closed == ["count 1000"])


async def test_graphql_ws_client_is_told_of_an_invalid_document(
    server: RunningServer, node: RunNode
) -> None:
    run = await node("ws_follow.mjs", server.ws_url, "subscription { nothing }", "{}", "1")

    assert run.code == 1
    assert [error["extensions"]["code"] for error in json.loads(run.stderr)] == ["DOCUMENT_INVALID"]


async def test_graphql_ws_client_with_a_wrong_token_is_closed_with_4403(
    server: RunningServer, node: RunNode
) -> None:
    params = json.dumps({"token": "wrong"})

    run = await node("ws_follow.mjs", server.ws_url, "{ hello }", "{}", "1", params)

    assert run.code == 1
    assert json.loads(run.stderr) == {"code": 4403, "reason": "The token is wrong."}


async def test_graphql_sse_client_follows_a_subscription_to_its_end(
    server: RunningServer, node: RunNode
) -> None:
    query = "subscription S($to: Int!) { count(to: $to) }"

    run = await node("sse_follow.mjs", server.url, query, json.dumps({"to": 3}), "10")

    assert run.results == [{"data": {"count": number}} for number in (1, 2, 3)]
    assert (run.code, run.stderr) == (0, "")


async def test_graphql_sse_client_that_stops_early_closes_the_generator(
    server: RunningServer, node: RunNode
) -> None:
    query = "subscription { count(to: 1000, pauseSeconds: 0.01) }"

    run = await node("sse_follow.mjs", server.url, query, "{}", "2")

    assert run.results == [{"data": {"count": 1}}, {"data": {"count": 2}}]
    await until(lambda: journal.closed == ["count 1000"])


async def test_graphql_sse_client_is_told_of_an_invalid_document_within_the_stream(
    server: RunningServer, node: RunNode
) -> None:
    run = await node("sse_follow.mjs", server.url, "subscription { nothing }", "{}", "1")

    assert [error["extensions"]["code"] for error in run.results[0]["errors"]] == [
        "DOCUMENT_INVALID"
    ]


async def test_graphql_sse_client_runs_a_query_and_a_mutation_as_streams_of_one(
    server: RunningServer, node: RunNode
) -> None:
    query = await node("sse_follow.mjs", server.url, "{ hello }", "{}", "5")
    mutation = await node("sse_follow.mjs", server.url, "mutation { add(amount: 4) }", "{}", "5")

    assert query.results == [{"data": {"hello": "hello world"}}]
    assert mutation.results == [{"data": {"add": 4}}]
    assert journal.added == [4]
