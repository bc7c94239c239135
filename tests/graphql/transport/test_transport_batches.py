"""One operation a request: a list of them is refused on every transport, and none of them runs."""

import json

import httpx
import pytest

from tests.graphql.transport.conftest import RunningServer, open_socket
from tests.graphql.transport.toy_schema import journal

OPERATION = {"query": "mutation { add(amount: 1) }"}
BATCHES = [[OPERATION], [OPERATION, OPERATION], [[OPERATION]], []]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("batch", BATCHES, ids=["one", "two", "nested", "empty"])
async def test_a_batch_in_a_body_is_refused(
    http: httpx.AsyncClient, batch: list[object], accept: str
) -> None:
    response = await http.post("/graphql", json=batch, headers={"accept": accept})

    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "REQUEST_INVALID"}
    assert error["message"] == "Batches are not supported: send one operation per request."
    assert journal.added == []


async def test_a_batch_in_an_address_is_no_document(http: httpx.AsyncClient) -> None:
    queries = json.dumps([{"query": "{ hello }"}])

    response = await http.get("/graphql", params={"query": queries})

    assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["DOCUMENT_SYNTAX"]
    assert "data" not in response.json()


@pytest.mark.parametrize("batch", BATCHES, ids=["one", "two", "nested", "empty"])
async def test_a_batch_in_a_socket_s_message_closes_it(
    server: RunningServer, batch: list[object]
) -> None:
    async with open_socket(server) as client:
        await client.init()
        await client.send({"id": "1", "type": "subscribe", "payload": batch})

        assert await client.close_code() == 4400
    assert journal.added == []


async def test_a_batch_of_messages_closes_the_socket(server: RunningServer) -> None:
    async with open_socket(server) as client:
        await client.init()
        await client.send([{"id": "1", "type": "subscribe", "payload": OPERATION}])

        assert await client.close_code() == 4400
    assert journal.added == []
