"""Mutations whose answer is known before they are run: run once for all that are alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import strawberry
from starlette.requests import Request
from starlette.websockets import WebSocket

from schema.transport import PresaleGraphQL, execution


@dataclass
class Till:
    """What was run, counted and foreseen; and what is foreseen of each name."""

    run: list[str] = field(default_factory=list)
    counted: list[dict[str, int]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)


@strawberry.input
class Wish:
    name: str
    many: int = 1


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def buy(self, info: strawberry.Info[Till, None], wish: Wish) -> str:
        info.context.run.append(wish.name)
        if wish.name == "broken":
            raise RuntimeError("a secret")
        return f"sold out {len(info.context.run)}"


BUY = "mutation ($wish: Wish!) { buy(wish: $wish) }"


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
async def client(till: Till) -> httpx.AsyncClient:
    async def make_context(_: Request | WebSocket) -> Till:
        return till

    async def count(context: Till, fields: Mapping[str, int], _: Mapping[str, Any]) -> None:
        context.counted.append(dict(fields))

    async def foresee(
        context: Till, name: str, read_arguments: Callable[[], Mapping[str, Any]]
    ) -> str | None:
        arguments = read_arguments()
        context.asked.append((name, dict(arguments)))
        return context.known.get(arguments["wish"].name)

    view = PresaleGraphQL(
        strawberry.Schema(Query, Mutation),
        context_factory=make_context,
        on_mutation=count,
        foresee=foresee,
    )
    transport = httpx.ASGITransport(app=view)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def buy(
    client: httpx.AsyncClient, name: str, document: str = BUY, **variables: Any
) -> httpx.Response:
    variables = variables or {"wish": {"name": name}}
    return await client.post("/graphql", json={"query": document, "variables": variables})


async def test_the_first_of_its_kind_is_run_and_the_others_are_that(
    client: httpx.AsyncClient, till: Till
) -> None:
    till.known |= {"ann": "a", "ben": "a", "cay": "c"}
    answers = [await buy(client, name) for name in ("ann", "ben", "ann", "cay", "cay")]
    assert till.run == ["ann", "cay"]
    assert [answer.json()["data"]["buy"] for answer in answers] == [
        "sold out 1",
        "sold out 1",
        "sold out 1",
        "sold out 2",
        "sold out 2",
    ]
    first, second = answers[:2]
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers == second.headers
    # All are counted, and each is asked about with what it is called with.
    assert till.counted == [{"buy": 1}] * 5
    assert till.asked[0] == ("buy", {"wish": Wish(name="ann", many=1)})


async def test_each_document_has_an_answer_of_its_own(
    client: httpx.AsyncClient, till: Till
) -> None:
    till.known["ann"] = "a"
    alias = "mutation ($wish: Wish!) { mine: buy(wish: $wish) }"
    both = f"mutation A($wish: Wish!) {{ buy(wish: $wish) }} {alias.replace('n (', 'n B(')}"
    assert (await buy(client, "ann")).json()["data"] == {"buy": "sold out 1"}
    assert (await buy(client, "ann", alias)).json()["data"] == {"mine": "sold out 2"}
    for number, (operation, key) in enumerate((("A", "buy"), ("B", "mine")), start=3):
        body = {"query": both, "operationName": operation, "variables": {"wish": {"name": "ann"}}}
        told = await client.post("/graphql", json=body)
        assert told.json()["data"] == {key: f"sold out {number}"}


async def test_what_is_not_known_is_run(client: httpx.AsyncClient, till: Till) -> None:
    for _ in range(3):
        await buy(client, "dan")
    assert till.run == ["dan"] * 3


async def test_an_error_is_nobody_elses(client: httpx.AsyncClient, till: Till) -> None:
    till.known["broken"] = "b"
    for _ in range(2):
        assert "a secret" not in (await buy(client, "broken")).text
    assert till.run == ["broken"] * 2


@pytest.mark.parametrize(
    "document",
    [
        "mutation ($wish: Wish!) { buy(wish: $wish) again: buy(wish: $wish) }",
        "mutation ($wish: Wish!) { buy(wish: $wish) @include(if: true) }",
        "mutation ($wish: Wish!) { ...F } fragment F on Mutation { buy(wish: $wish) }",
        'mutation ($wish: Wish! = { name: "eve" }) { buy(wish: $wish) }',
        "mutation ($wish: String!) { buy(wish: { name: $wish }) }",
        'mutation { buy(wish: { name: "ann" }) }',
        "mutation ($wish: Wish!) { buy(wish: $wish) __typename }",
    ],
)
async def test_of_other_forms_nothing_is_foreseen(
    client: httpx.AsyncClient, till: Till, document: str
) -> None:
    till.known["ann"] = "a"
    variables = {"wish": "ann"} if "String" in document else {"wish": {"name": "ann"}}
    for _ in range(2):
        answer = await buy(client, "ann", document, **variables)
        assert "errors" not in answer.json(), answer.text
    assert till.asked == []
    assert len(till.run) >= 2


async def test_values_that_do_not_fit_are_refused_before(
    client: httpx.AsyncClient, till: Till
) -> None:
    till.known["ann"] = "a"
    answer = await buy(client, "ann", wish={"name": "ann", "many": "x"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "VARIABLES_INVALID"
    assert (till.run, till.counted, till.asked) == ([], [], [])


async def test_no_more_are_kept_than_so_many(
    client: httpx.AsyncClient, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "MOST_FORETOLD", 2)
    till.known |= {name: name for name in "abc"}
    for name in "abcab":
        await buy(client, name)
    assert till.run == ["a", "b", "c", "a", "b"]
    await buy(client, "b")
    assert till.run == ["a", "b", "c", "a", "b"]
