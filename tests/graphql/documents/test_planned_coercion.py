"""A planned operation coerces the values of its variables as graphql-core does."""

import random
from typing import Any

import pytest
from graphql import (
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
)
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_value

from schema.contract import schema
from schema.transport.planning.coercion import coercer_of
from schema.transport.planning.variables import contains_itself
from tests.graphql.documents.test_planned_arguments import fields_with_arguments
from tests.hostile.documents import Documents
from tests.hostile.values import Values

TRIES = 40
ODD: tuple[Any, ...] = (None, Undefined, {}, [], [None], "", 0, 1.5, True, {"unknown": 1}, [[1]])

SMALL = build_schema(
    """
    enum Size { S L }
    input Inner { size: Size = L  sizes: [Size!] = [S]  count: Int! = 3  note: String }
    input Choice @oneOf { inner: Inner  count: Int }
    input Outer { inner: Inner!  inners: [Inner]  matrix: [[Int!]]  choice: Choice  at: Inner = {} }
    type Query { ask(outer: Outer): Int }
    """
)


def disturbed(value: Any, chance: random.Random) -> Any:
    """Return the value, or one that is odd at one place."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: disturbed(value[name], chance)}
    return chance.choice(ODD) if chance.random() < 0.6 else value


def assert_same(type_: GraphQLInputType, value: Any) -> bool:
    """Compare both; return whether the value fits."""
    expected = coerce_input_value(value, type_)
    coerced = coercer_of(type_)(value)
    if expected is Undefined:
        assert coerced is Undefined, (type_, value)
        return False
    assert repr(coerced) == repr(expected), (type_, value)
    return True


async def test_every_input_of_the_schema() -> None:
    chance = random.Random(7)
    documents = Documents(schema._schema, Values(chance, ["an id"]))
    fits: list[bool] = []
    for field in fields_with_arguments().values():
        for argument in field.args.values():
            if contains_itself(argument.type):
                continue
            for _ in range(TRIES):
                value = documents._value(argument.type, 4)
                fits.append(assert_same(argument.type, value))
                fits.append(assert_same(argument.type, disturbed(value, chance)))
    assert min(sum(fits), len(fits) - sum(fits)) > 1_000


@pytest.mark.parametrize(
    "value",
    [
        *ODD,
        {"inner": {}},
        {"inner": {"size": "S", "sizes": "L", "count": 5, "note": None}},
        {"inner": {"size": "XL"}},
        {"inner": {"count": None}},
        {"inner": {}, "inners": {}},
        {"inner": {}, "inners": [{}, None, {"note": "a"}]},
        {"inner": {}, "matrix": [[1], None, 2]},
        {"inner": {}, "matrix": [[None]]},
        {"inner": {}, "choice": {}},
        {"inner": {}, "choice": {"count": 1}},
        {"inner": {}, "choice": {"count": None}},
        {"inner": {}, "choice": {"count": 1, "inner": {}}},
        {"inner": {}, "choice": {"count": 1, "inner": Undefined}},
        {"inner": {}, "at": Undefined},
        {"inner": Undefined},
    ],
)
def test_defaults_lists_and_choices(value: Any) -> None:
    outer = SMALL.type_map["Outer"]
    for type_ in (outer, GraphQLNonNull(outer), GraphQLList(outer)):  # type: ignore[type-var]
        assert_same(type_, value)  # type: ignore[arg-type]


def test_a_default_that_can_be_changed_is_everybodys_own() -> None:
    coerce = coercer_of(SMALL.type_map["Outer"])  # type: ignore[arg-type]
    first, second = coerce({"inner": {}}), coerce({"inner": {}})
    first["inner"]["sizes"].append("L")
    first["at"]["note"] = "changed"
    assert second == coerce({"inner": {}})
