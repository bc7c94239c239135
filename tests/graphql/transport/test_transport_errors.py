"""What clients and the log learn of failures."""

from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from tests.graphql.transport.conftest import make_view
from tests.graphql.transport.toy_schema import journal

GRAPHQL = {"accept": "application/graphql-response+json"}


async def test_a_defect_is_masked_and_logged_once_without_the_document(
    http: httpx.AsyncClient,
) -> None:
    query = "query Padded { " + "hello " * 15 + "broken }"

    with capture_logs() as logs:
        response = await http.post("/graphql", json={"query": query})

    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {"hello": "hello world", "broken": None}
    (error,) = body["errors"]
    assert error["message"] == "Internal error"
    assert error["path"] == ["broken"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in response.text
    (entry,) = logs
    assert entry["event"] == "graphql.error_masked"
    assert entry["request_id"] == error["extensions"]["requestId"]
    assert (entry["operation_name"], entry["path"]) == ("Padded", "broken")
    assert str(entry["exc_info"]) == "password=hunter2"
    assert "hello hello" not in repr(logs)


async def test_one_failure_of_many_fields_is_logged_once(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await http.post("/graphql", json={"query": "{ manyBroken }"})

    assert response.json()["data"] == {"manyBroken": [None, None, None]}
    assert [error["path"] for error in response.json()["errors"]] == [
        ["manyBroken", 0],
        ["manyBroken", 1],
        ["manyBroken", 2],
    ]
    assert len(logs) == 1


async def test_a_public_exception_is_shown_and_not_logged(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await http.post("/graphql", json={"query": "{ private hello }"})

    # The other field has its data, so the response as a whole succeeded.
    assert response.status_code == 200
    assert response.json() == {
        "data": {"private": None, "hello": "hello world"},
        "errors": [
            {
                "message": "Sign in first.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["private"],
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ],
    }
    assert logs == []


@pytest.mark.parametrize("headers", [{}, GRAPHQL])
async def test_a_public_exception_by_its_attributes_sets_the_status_when_nothing_is_left(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await http.post("/graphql", json={"query": "{ hello throttled }"}, headers=headers)

    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"] == {
        "code": "RATE_LIMITED",
        "retryAfterSeconds": 7,
    }


async def test_a_registered_exception_of_another_library_is_shown(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ foreign }"})

    (error,) = response.json()["errors"]
    assert error["message"] == "That id is unreadable."
    assert error["extensions"] == {"code": "ID_INVALID"}


async def test_a_public_exception_before_the_operation_runs_nothing(
    http: httpx.AsyncClient,
) -> None:
    body = {"query": "mutation { add(amount: 1) }"}

    response = await http.post("/graphql", json=body, headers={"x-toy": "unauthenticated"})

    assert response.status_code == 401
    assert response.json() == {
        "errors": [{"message": "Sign in first.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }
    assert journal.added == []


async def test_a_defect_before_the_operation_is_a_masked_500(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await http.post(
            "/graphql", json={"query": "{ hello }"}, headers={"x-toy": "defect"}
        )

    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL")
    assert [entry["request_id"] for entry in logs] == [error["extensions"]["requestId"]]


async def test_a_value_that_is_not_json_is_a_masked_error(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await http.post("/graphql", json={"query": "{ opaque }"})

    assert response.json()["data"] is None
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["INTERNAL"]
    assert len(logs) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ " + "x" * 40_000 + " }"},
        {"query": "{ hello }", "operationName": "x" * 40_000},
        {"query": "query($n: Int!) { double(value: $n) }", "variables": {"n": "x" * 40_000}},
        {"query": "{ " + " ".join(f"unknown{number}" for number in range(20)) + " }"},
    ],
)
async def test_an_error_does_not_echo_the_request(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await http.post("/graphql", json=body)

    assert response.json()["errors"]
    assert len(response.content) < 4_000


async def test_the_request_id_is_the_middlewares_where_there_is_one(
    http: httpx.AsyncClient,
) -> None:
    graphql = make_view()

    async def with_request_id(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["request_id"] = "from the middleware"
        await graphql(scope, receive, send)

    body = {"query": "{ broken }"}
    transport = httpx.ASGITransport(with_request_id)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        with capture_logs() as logs:
            given = await client.post("/graphql", json=body)
            made_up = [await http.post("/graphql", json=body) for _ in range(2)]

    ids = [r.json()["errors"][0]["extensions"]["requestId"] for r in (given, *made_up)]
    assert ids[0] == "from the middleware"
    assert len(set(ids)) == 3
    assert [entry["request_id"] for entry in logs] == ids
