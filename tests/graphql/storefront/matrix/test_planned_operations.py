"""Planned operations answer as graphql-core would: the same bytes, over a shop that has everything.

Each drawn document is asked twice, once as it is planned and once by graphql-core's own executor.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql.execution import Executor

from headless_presale.campaigns import snapshot
from headless_presale.kernel.unit_of_work import drain
from resolvers import shop_directory
from resolvers.global_ids import find_node_id
from schema.contract import schema
from schema.transport.planning import PlannedOperation, operations, selections
from tests.graphql.drawing import Drawer, Known, turned
from tests.graphql.endpoint import Api
from tests.graphql.storefront.matrix.asking import Asker, mutation_query
from tests.graphql.storefront.matrix.examples import MUTATIONS, OPEN_MUTATIONS, Example
from tests.graphql.storefront.matrix.world import World, nowhere
from tests.support.statements import counted_statements

SEED = 20260301
DOCUMENTS = 40


@contextmanager
def unplanned() -> Iterator[None]:
    """Have graphql-core's executor run every operation."""

    def execute(_self: PlannedOperation, executor: Executor[Any]) -> Any:
        return executor.execute_operation()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlannedOperation, "execute", execute)
        yield


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers for a second stays: when it is read again is a matter of time."""
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 60.0)
    monkeypatch.setattr(shop_directory, "BOUND_REMEMBER_SECONDS", 60.0)


def known_of(world: World) -> Known:
    """Return what there is to ask with: what exists, what does not, and what is none."""
    own = world.own
    ids = [*own.ids.values(), *own.ids.values(), nowhere(own.ids["order"]), "garbage"]
    return {
        "ID": ids,
        "slug": ["here", "here", "nowhere"],
        "shop": ["here"],
        "handle": ["sale", "else", "fox", "nowhere"],
        "token": [own.tokens["order"], own.tokens["guest cart"], "wrong"],
        "first": [1, 2, 0, 101, -1],
        "last": [1, 2],
        "after": ["garbage"],
        "before": ["garbage"],
        "search": ["fox", ""],
        "Int": [1, 320],
        "String": ["fox"],
        "DateTime": ["2026-03-01T12:00:00Z"],
        "Date": ["2026-03-01"],
    }


async def ask(api: Api, request: dict[str, Any], bearer: str | None) -> tuple[bytes, list[str]]:
    """Return the bytes of an answer and the statements it took."""
    headers = {"accept-language": "en"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    async with counted_statements() as statements:
        response = await api.client.post("/graphql", json=request, headers=headers)
        # What a failure broke off goes on to its end.
        await drain(5)
    head = f"{response.status_code} {response.headers.get('cache-control')}\n".encode()
    return head + response.content, list(statements)


async def differing(
    api: Api, world: World, *, until_found: bool = False
) -> tuple[list[Any], list[bytes]]:
    """Return the requests that are answered otherwise when planned, and all answers."""
    drawer = Drawer(schema._schema, known_of(world), SEED)
    bearers = (world.own.bearer, world.own.bearer, world.callers["the shop's owner"].bearer, None)
    found, answers = [], []
    for number in range(DOCUMENTS):
        drawn, bearer = drawer.draw(), bearers[number % len(bearers)]
        # The second time by the plans of the first, and with conditions that hold otherwise.
        for request in (drawn, drawn | {"variables": turned(drawn["variables"])}):
            with unplanned():
                expected, needed = await ask(api, request, bearer)
            given, took = await ask(api, request, bearer)
            # Which statements a failure breaks off is a matter of chance.
            costs_more = b'"errors"' not in expected and len(took) > len(needed)
            if given != expected or costs_more:
                found.append((request, expected, given, len(needed), len(took)))
            answers.append(given)
        if found and until_found:
            break
    return found, answers


@pytest.mark.usefixtures("slowly")
async def test_drawn_documents_are_answered_with_the_same_bytes(api: Api, world: World) -> None:
    found, answers = await differing(api, world)

    assert found == []
    # They do say something: most are valid, and errors stand beside data.
    bodies = [json.loads(answer.partition(b"\n")[2]) for answer in answers]
    assert sum("data" in body for body in bodies) > len(bodies) * 0.7
    assert sum("data" in body and "errors" in body for body in bodies) > len(bodies) * 0.1


BROKEN = {
    "conditions of another request": (
        operations._ConditionFinder,
        "enter_directive",
        lambda *_: None,
    ),
    "fields in another order": (
        selections.Selection,
        "plan",
        lambda self, executor, plan=selections.Selection.plan: plan(self, executor)[::-1],
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
async def test_control_a_plan_that_breaks_a_rule_is_found(
    api: Api, world: World, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*BROKEN[rule])

    found, _ = await differing(api, world, until_found=True)

    assert found


def _masked(value: Any) -> Any:
    """Return an answer in which ids that are made by chance say only of what they are."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    if len(value) > 40 and " " not in value:
        return "a token"
    opened = find_node_id(value)
    return value if opened is None else opened[0]


@pytest.mark.parametrize(
    "name", ["orderPlace", "orderCancel", "cartLineAdd", "profileUpdate", "signInCodeRedeem"]
)
async def test_a_mutation_is_answered_alike(asker: Asker, name: str) -> None:
    examples = MUTATIONS.get(name) or (Example(OPEN_MUTATIONS[name]),)
    caller = asker.world.callers["own customer"]
    for example in examples:
        body, query = example.body(asker.world.own), mutation_query(name)

        with unplanned():
            expected = await asker.ask(query, caller, input=body)
        await asker.put_back()
        given = await asker.ask(query, caller, input=body)
        await asker.put_back()

        assert json.dumps(_masked(given.body)) == json.dumps(_masked(expected.body))
