"""What fields declare to cost, what an operation took, and who may spend how much."""

import json
from typing import Any

import httpx
import pytest

from schema.transport.costs import field_weights
from tests.graphql.transport.conftest import RunningServer, open_socket
from tests.graphql.transport.toy_schema import journal, schema

ADD = "mutation { a: add(amount: 1) b: add(amount: 2) }"
SEVEN_FRIENDS = "query($n: Int!) { person { friends(first: $n) { name } } }"


def may_spend(points: int) -> dict[str, str]:
    return {"x-cost-limit": str(points)}


def test_a_field_says_what_it_costs() -> None:
    assert "directive @cost(weight: Int!) on FIELD_DEFINITION" in schema.as_str()
    assert "dear: Person! @cost(weight: 7)" in schema.as_str()
    assert field_weights(schema._schema) == {("Query", "dear"): 7, ("Mutation", "add"): 10}


@pytest.mark.parametrize(
    ("query", "variables", "points", "actual"),
    [
        ("{ hello }", None, 1, 1),
        ("{ dear { name } }", None, 7 + 1, 7 + 1),
        (
            "{ x: dear { name friend { name } } ... on Query { y: dear { name } } }",
            None,
            10 + 8,
            10 + 8,
        ),
        ("{ ...A } fragment A on Query { dear { name } }", None, 7 + 1, 7 + 1),
        (SEVEN_FRIENDS, {"n": 7}, 2 + 7, 2 + 7),
        # An Int takes it, so it counts.
        (SEVEN_FRIENDS, {"n": 7.0}, 2 + 7, 2 + 7),
        ("{ nowhere: __typename }", None, 1, 1),
        (ADD, None, 2 * 10, 2 * 10),
        # Lists of no asked size count as three, however many there are.
        ("{ person { pets { name } } }", None, 2 + 3, 2 + 1),
        (
            "{ named { ... on Person { name } ... on Pet { name owner { name } } } }",
            None,
            1 + 3 * 4,
            1 + 1 + 3,
        ),
        # What is left out took nothing.
        ("{ hello dear @skip(if: true) { name } }", None, 1 + 7 + 1, 1),
        ("{ dear { name friend { ... on Person { name } name } } }", None, 7 + 4, 7 + 3),
    ],
)
async def test_an_answer_tells_what_it_took(
    http: httpx.AsyncClient, query: str, variables: Any, points: int, actual: int
) -> None:
    body = {"query": query, "variables": variables}

    within = await http.post("/graphql", json=body, headers=may_spend(points))
    added = list(journal.added)
    beyond = await http.post("/graphql", json=body, headers=may_spend(points - 1) | {"x": "y"})

    assert within.json()["extensions"] == {
        "cost": {"requested": points, "limit": points, "actual": actual}
    }
    assert "errors" not in within.json()
    if points > 1:
        assert beyond.json() == {
            "errors": [
                {
                    "message": "The document is too complex: at most "
                    f"{points - 1} cost points are allowed, it has {points}.",
                    "extensions": {"code": "DOCUMENT_TOO_COMPLEX"},
                }
            ],
            "extensions": {"cost": {"requested": points, "limit": points - 1}},
        }
    assert journal.added == added


async def test_whoever_has_no_limit_is_told_nothing(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ hello }"})

    assert response.content == b'{"data":{"hello":"hello world"}}'


async def test_by_get_the_bytes_are_the_same_for_the_same_class(http: httpx.AsyncClient) -> None:
    params = {"query": "{ cached(seconds: 5) }"}
    first = await http.get("/graphql", params=params, headers=may_spend(9))
    second = await http.get("/graphql", params=params, headers=may_spend(9))

    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=5"


async def test_a_stream_tells_it_with_its_one_result_and_not_with_events(
    http: httpx.AsyncClient,
) -> None:
    headers = {"accept": "text/event-stream", **may_spend(5)}
    query = await http.post("/graphql", json={"query": "{ hello }"}, headers=headers)
    events = await http.post(
        "/graphql", json={"query": "subscription { count(to: 1) }"}, headers=headers
    )
    beyond = await http.post(
        "/graphql",
        json={"query": "subscription { people { name friends(first: 9) { name } } }"},
        headers=headers,
    )

    assert '"extensions":{"cost":{"requested":1,"limit":5,"actual":1}}' in query.text
    assert 'data: {"data":{"count":1}}' in events.text
    assert '"DOCUMENT_TOO_COMPLEX"' in beyond.text
    assert '"extensions":{"cost":{"requested":12,"limit":5}}' in beyond.text


async def test_a_socket_tells_it_and_refuses_what_is_beyond(server: RunningServer) -> None:
    async with open_socket(server, headers=may_spend(5)) as client:
        await client.init()
        await client.subscribe("1", "{ hello }")
        within = [await client.receive(), await client.receive()]
        await client.subscribe("2", ADD)
        beyond = await client.receive()

    assert within[0]["payload"]["extensions"] == {"cost": {"requested": 1, "limit": 5, "actual": 1}}
    assert (beyond["type"], beyond["id"]) == ("error", "2")
    assert beyond["payload"][0]["extensions"] == {"code": "DOCUMENT_TOO_COMPLEX"}
    assert journal.added == []


async def test_variables_that_do_not_fit_are_told_with_the_cost(http: httpx.AsyncClient) -> None:
    body = {"query": SEVEN_FRIENDS, "variables": {"n": "many"}}

    response = await http.post("/graphql", json=body, headers=may_spend(50))

    assert response.json()["errors"][0]["extensions"] == {"code": "VARIABLES_INVALID"}
    # Not a number: counted as a page of its own size would be without one.
    assert response.json()["extensions"]["cost"]["limit"] == 50
    assert json.dumps(response.json())
