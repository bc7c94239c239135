"""An API that is not discoverable answers no introspection and suggests no names."""

from enum import Enum
from typing import Any

import httpx
import pytest
import strawberry
from graphql import get_introspection_query

from schema.transport.documents import DocumentCache
from schema.transport.errors import DocumentRefused
from schema.transport.execution import Engine
from schema.transport.limits import DocumentLimits
from schema.transport.requests import OperationRequest
from tests.graphql.transport.conftest import make_view, open_socket, serving


@strawberry.enum
class Colour(Enum):
    CRIMSON = "crimson"


@strawberry.input
class Paint:
    colour: Colour


@strawberry.type
class Wall:
    height: int


@strawberry.type
class Query:
    @strawberry.field
    def wall(self, paint: Paint | None = None) -> Wall:
        return Wall(height=3)


def make_engine(*, is_discoverable: bool) -> Engine:
    return Engine(
        strawberry.Schema(Query),
        limits=DocumentLimits(),
        document_memory_bytes=2**20,
        renew_context=lambda context: context,
        is_discoverable=is_discoverable,
    )


async def messages(
    query: str, variables: dict[str, Any] | None, *, is_discoverable: bool
) -> list[str]:
    engine = make_engine(is_discoverable=is_discoverable)
    try:
        outcome = await engine.execute(engine.prepare(OperationRequest(query, variables)), None)
    except DocumentRefused as refused:
        return [error.message for error in refused.errors]
    return [error.message for error in outcome.errors or ()]


MISTAKES = [
    ("{ wal { height } }", None),
    ("{ wall { heigt } }", None),
    ("{ wall(pain: null) { height } }", None),
    ("{ wall(paint: { color: CRIMSON, colour: CRIMSON }) { height } }", None),
    ("{ wall(paint: { colour: CRIMSEN }) { height } }", None),
    ("{ wall }", None),
    ("{ ... on Wal { height } wall { height } }", None),
    ("query ($p: Pain) { wall(paint: $p) { height } }", None),
    ("query ($p: Paint) { wall(paint: $p) { height } }", {"p": {"colour": "CRIMSEN"}}),
    (
        "query ($p: Paint) { wall(paint: $p) { height } }",
        {"p": {"color": "CRIMSON", "colour": "CRIMSON"}},
    ),
]


@pytest.mark.parametrize(("query", "variables"), MISTAKES)
async def test_no_message_suggests_a_name(query: str, variables: dict[str, Any] | None) -> None:
    said = await messages(query, variables, is_discoverable=False)

    assert said
    assert [text for text in said if "did you mean" in text.lower()] == []


@pytest.mark.parametrize(("query", "variables"), MISTAKES)
async def test_control_a_discoverable_api_suggests(
    query: str, variables: dict[str, Any] | None
) -> None:
    said = await messages(query, variables, is_discoverable=True)

    assert any("Did you mean" in text for text in said)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (get_introspection_query(), "__schema"),
        ('{ __type(name: "Wall") { name } }', "__type"),
        ('{ wall { height } harmless: __type(name: "Wall") { name } }', "__type"),
        ("{ ...F } fragment F on Query { ... { __schema { queryType { name } } } }", "__schema"),
        ("{ __schema @skip(if: true) { queryType { name } } wall { height } }", "__schema"),
        ("query A { wall { height } } query B { __schema { queryType { name } } }", "__schema"),
        ("{ wall { __schema } }", "__schema"),
    ],
)
def test_introspection_is_refused_wherever_it_stands(query: str, field: str) -> None:
    engine = make_engine(is_discoverable=False)

    with pytest.raises(DocumentRefused) as refused:
        engine.prepare(OperationRequest(query))

    (error,) = refused.value.errors
    assert error.extensions == {"code": "INTROSPECTION_DISABLED"}
    assert error.message == f"Introspection is turned off: '{field}' is not answered."
    assert error.locations


def test_what_is_refused_is_not_kept() -> None:
    documents = DocumentCache(
        strawberry.Schema(Query)._schema, DocumentLimits(), is_discoverable=False
    )
    with pytest.raises(DocumentRefused):
        documents.get("{ __schema { queryType { name } } }")

    assert (len(documents), documents.memory_bytes) == (0, 0)


async def test_a_type_still_says_its_own_name() -> None:
    engine = make_engine(is_discoverable=False)

    outcome = await engine.execute(
        engine.prepare(OperationRequest("{ __typename wall { __typename } }")), None
    )

    assert outcome.data == {"__typename": "Query", "wall": {"__typename": "Wall"}}


async def test_over_http_and_sockets() -> None:
    query = "{ __schema { queryType { name } } }"
    async with serving(make_view(is_discoverable=False)) as running:
        async with httpx.AsyncClient(base_url=running.origin) as http:
            posted = await http.post("/graphql", json={"query": query})
            got = await http.get("/graphql", params={"query": query})
            editor = await http.get("/graphql", headers={"accept": "text/html"})
        async with open_socket(running) as socket:
            await socket.init()
            await socket.subscribe("1", query)
            told = await socket.receive()

    for errors in (posted.json()["errors"], got.json()["errors"], told["payload"]):
        assert [error["extensions"]["code"] for error in errors] == ["INTROSPECTION_DISABLED"]
    assert told["type"] == "error"
    assert editor.status_code == 406
    assert "GraphiQL" not in editor.text
