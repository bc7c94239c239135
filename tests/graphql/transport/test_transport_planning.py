"""A planned operation does what graphql-core's executor does: answer, errors, order of everything.

On a schema of its own, which has what the shop's has not: resolvers of each form, values that are
not of their types, nulls where none may be.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql.execution import Executor

from schema.transport.execution import Engine, Outcome
from schema.transport.limits import DocumentLimits
from schema.transport.planning import PlannedOperation, completion, operations, selections
from schema.transport.requests import OperationRequest
from tests.graphql.drawing import Drawer
from tests.graphql.transport.planning_schema import KNOWN, SCHEMA, journal

SEED = 7
DOCUMENTS = 120
LIMITS = DocumentLimits(cost=10**6)


@contextmanager
def unplanned() -> Iterator[None]:
    """Have graphql-core's executor run every operation."""

    def execute(_self: PlannedOperation, executor: Executor[Any]) -> Any:
        return executor.execute_operation()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlannedOperation, "execute", execute)
        yield


def make_engine() -> Engine:
    return Engine(
        SCHEMA, limits=LIMITS, document_memory_bytes=10**7, renew_context=lambda context: context
    )


def told(outcome: Outcome) -> Any:
    """Return what an answer says, in its order."""
    errors = [error.formatted for error in outcome.errors or ()]
    return repr((outcome.data, errors, outcome.executed))


async def run(engine: Engine, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Return the answers of an operation, and what its resolvers did in which order."""
    journal.clear()
    operation = engine.prepare(OperationRequest(query, variables))
    answers = [told(outcome) async for outcome in engine.stream(operation, "somebody")]
    # What was broken off goes on to its end.
    for _ in range(12):
        await asyncio.sleep(0)
    return answers, list(journal)


async def run_both(query: str, variables: dict[str, Any] | None = None) -> Any:
    """Return what comes of an operation, which is the same planned or not, and the second time."""
    engine = make_engine()
    with unplanned():
        expected = await run(engine, query, variables)
    for _ in range(2):
        assert await run(engine, query, variables) == expected
    return expected


@pytest.mark.parametrize(
    "selection",
    [
        "name number ratio isNew colour selfAlone where shouted ofParent(times: 2)",
        "raises missing name",
        "raises a: raises notANumber",
        "tooBig nothing asText errorAsValue",
        "later(ticks: 3) a: later(ticks: 1) b: later",
        "raisesLater later mustNotRaiseLater c: raisesLater(ticks: 0)",
        "later mustNotRaise",
        "missingLater later(ticks: 4)",
        "awaitable later awaitable",
        "child { child { later raisesLater name } mustNotRaise } later",
        "child { twin { missing } later(ticks: 5) } a: later(ticks: 2)",
        "twin { twin { mustNotRaise } }",
        "children { name later child { mustNotRaiseLater } }",
        "childrenLater { name mustNotRaise }",
        "childrenLater { later raises }",
        "grid holes generated noList",
        "awaitedItems",
        "awaitedItemsBreak later(ticks: 3)",
        "streamed { name later } streamedByItself",
        "a: anything(which: 0) { __typename name ... on Stone { weight } }"
        " b: anything(which: 1) { shouted ... on Thing { later } } c: anything(which: 2) { name }",
        "anything(which: 3) { name } name",
        "either(which: 0) { __typename } a: either(which: 1) { ... on Guessed { size } }"
        " b: either(which: 3) { __typename }",
        "guessed { size } a: guessed(which: 1) { size }",
        "notMine { weight }",
        "doubled tripled(by: 5) tripledAtOnce forbidden",
        'drawn(shape: { name: "a" })',
        'drawn(shape: { name: "a", colour: BLUE, corners: [{}, { y: 2 }], note: null }, id_: 5,'
        " colours: [RED, BLUE])",
        'drawnLater(choice: { number: 1 }, shapes: [null, { name: "b" }])',
        "__typename ... on Named { name ... on Thing { number } ... on Stone { weight } }",
        "... { name } ... @skip(if: true) { number } number @include(if: false)",
        "twin { name } twin { number } ...F",
    ],
)
async def test_each_form_of_a_field(selection: str) -> None:
    fragment = " fragment F on Thing { twin { colour } }" if "...F" in selection else ""
    answers, _ = await run_both(f"{{ thing {{ {selection} }} maybe {{ name }} }}{fragment}")

    assert answers


async def test_a_null_that_may_not_be_spreads_to_the_next_that_may() -> None:
    answers, _ = await run_both("{ maybe { name twin { twin { missing } } } fixed }")

    path = ["maybe", "twin", "twin", "missing"]
    message = "Cannot return null for non-nullable field Thing.missing."
    locations = [{"line": 1, "column": 30}]
    error = {"message": message, "locations": locations, "path": path}
    assert answers == [repr(({"maybe": None, "fixed": 1}, [error], True))]


async def test_errors_stand_in_the_order_in_which_they_came() -> None:
    query = "{ thing { raisesLater(ticks: 3) raises a: raisesLater(ticks: 1) } }"

    answers, _ = await run_both(query)

    places = [answers[0].index(f"'path': ['thing', '{key}']") for key in ("raises", "a")]
    assert places == sorted(places)
    assert answers[0].index("'path': ['thing', 'raisesLater']") > places[-1]


async def test_siblings_begin_before_any_of_them_ends() -> None:
    _, happened = await run_both("{ thing { later(ticks: 1) child { name } a: later(ticks: 0) } }")

    assert [line.rpartition(" ")[2] for line in happened[:2]] == ["begins", "begins"]
    assert happened.index("thing child begins") < happened.index("thing later 1 ends")


async def test_steps_of_a_mutation_wait_for_each_other() -> None:
    query = 'mutation { a: step(name: "a", ticks: 3) { later } stepAtOnce break_ b: step { name } }'

    _, happened = await run_both(query)

    assert happened == [
        *("a begins", "a ends", "a later 1 begins", "a later 1 ends", "at once"),
        *("break begins", "break ends", "step begins", "step ends"),
    ]


async def test_a_step_that_must_not_break_ends_a_mutation() -> None:
    answers, happened = await run_both("mutation { stepAtOnce mustNotBreak step { name } }")

    assert answers[0].startswith("(None, [")
    assert happened == ["at once"]


async def test_each_event_of_a_subscription_is_planned() -> None:
    answers, _ = await run_both("subscription { things { name later raises } }")

    assert [answer.count("raises") > 0 for answer in answers] == [True, True]


async def test_what_a_document_writes_out_is_nobodys_to_change() -> None:
    """``drawn`` appends to a list that it is given."""
    engine = make_engine()
    query = '{ thing { drawn(shape: { name: "a", tags: ["t"] }) } }'

    assert await run(engine, query) == await run(engine, query)


async def test_conditions_by_variables_are_looked_at_each_time() -> None:
    engine = make_engine()
    query = "query ($a: Boolean!, $b: Boolean = true) "
    query += "{ thing { name @skip(if: $a) number @include(if: $b) } }"

    answers = {
        (a, b): (await run(engine, query, {"a": a, "b": b}))[0][0]
        for a in (True, False)
        for b in (True, False)
    }

    assert answers == {
        (True, True): "({'thing': {'number': 5}}, [], True)",
        (True, False): "({'thing': {}}, [], True)",
        (False, True): "({'thing': {'name': 'thing', 'number': 5}}, [], True)",
        (False, False): "({'thing': {'name': 'thing'}}, [], True)",
    }


async def test_more_conditions_than_are_kept_are_run_unplanned() -> None:
    engine = make_engine()
    names = [f"c{n}" for n in range(4)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    selected = " ".join(f"{name}: number @include(if: ${name})" for name in names)
    query = f"query ({declared}) {{ thing {{ name {selected} }} }}"

    for number in range(16):
        variables = {name: bool(number >> n & 1) for n, name in enumerate(names)}
        with unplanned():
            expected = await run(engine, query, variables)
        assert await run(engine, query, variables) == expected


async def test_plans_count_as_memory_of_the_cache_of_documents() -> None:
    engine = make_engine()
    engine.prepare(OperationRequest("{ thing { name number } }"))
    before = engine.documents.memory_bytes

    await run(engine, "{ thing { name number } }")
    once = engine.documents.memory_bytes
    await run(engine, "{ thing { name number } }")

    assert once - before == 3 * operations.BYTES_PER_FIELD
    assert engine.documents.memory_bytes == once


async def test_a_document_that_grows_too_big_with_its_plans_is_forgotten() -> None:
    engine = Engine(
        SCHEMA,
        limits=LIMITS,
        document_memory_bytes=10_000,
        renew_context=lambda context: context,
    )

    answers, _ = await run(engine, "{ thing { name number } }")

    assert answers == ["({'thing': {'name': 'thing', 'number': 5}}, [], True)"]
    assert (len(engine.documents), engine.documents.memory_bytes) == (0, 0)


async def differing(*, until_found: bool = False) -> tuple[list[Any], int]:
    """Return the drawn requests that come out otherwise when planned; and how many say something
    beside their errors."""
    drawer = Drawer(SCHEMA._schema, KNOWN, SEED)
    engine = make_engine()
    found, full = [], 0
    for number in range(DOCUMENTS):
        request = drawer.draw("mutation" if number % 5 == 0 else "query")
        variables = request["variables"]
        for given in (
            variables,
            {n: not v if v in (True, False) else v for n, v in variables.items()},
        ):
            with unplanned():
                expected = await run(engine, request["query"], given)
            planned = await run(engine, request["query"], given)
            if planned != expected:
                found.append((request["query"], given, expected, planned))
            full += not expected[0][0].startswith("(None, ")
        if found and until_found:
            break
    return found, full


async def test_drawn_documents_do_the_same() -> None:
    found, full = await differing()

    assert found == []
    assert full > DOCUMENTS / 2


async def await_in_turn(results: dict[str, Any], awaited: list[str]) -> dict[str, Any]:
    for key in awaited:
        results[key] = await results[key]
    return results


BROKEN = {
    "a null where none may be": (completion, "_never_null", lambda _place, complete: complete),
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
    "siblings one after the other": (selections, "_await_all", await_in_turn),
    "a mutation side by side": (
        selections.Selection,
        "execute_serially",
        lambda self, executor, source: self.execute(executor, source, None),
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
async def test_control_a_plan_that_breaks_a_rule_is_found(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*BROKEN[rule])

    found, _ = await differing(until_found=True)

    assert found
