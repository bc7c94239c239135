"""Whoever builds a storefront reads the schema: everything he meets in it says what it is."""

from collections.abc import Iterator
from enum import StrEnum

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    parse,
    validate,
)

from schema.contract import schema_text
from schema.described import register_enum


@pytest.fixture(scope="module")
def printed() -> GraphQLSchema:
    """Return the schema as its readers have it."""
    return build_schema(schema_text())


def is_merchants(field: GraphQLField) -> bool:
    directives = field.ast_node.directives if field.ast_node is not None else None
    return any(each.name.value == "requires" for each in directives or ())


def fields_of(type_: GraphQLNamedType) -> dict[str, GraphQLField]:
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return {}
    return {name: field for name, field in type_.fields.items() if not is_merchants(field)}


def storefront_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """Return what can be reached without a field of the merchant's."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    found: dict[str, GraphQLNamedType] = {}
    waiting: list[GraphQLNamedType] = [root for root in roots if root is not None]
    while waiting:
        type_ = waiting.pop()
        if type_.name in found:
            continue
        found[type_.name] = type_
        for field in fields_of(type_).values():
            waiting.append(get_named_type(field.type))
            waiting += [get_named_type(each.type) for each in field.args.values()]
        if isinstance(type_, GraphQLInputObjectType):
            waiting += [get_named_type(each.type) for each in type_.fields.values()]
        if isinstance(type_, GraphQLInterfaceType):
            waiting += schema.get_possible_types(type_)
    return list(found.values())


def silent(type_: GraphQLNamedType) -> Iterator[str]:
    """Yield what of a type has no description."""
    if not type_.description:
        yield type_.name
    for name, field in fields_of(type_).items():
        if not field.description:
            yield f"{type_.name}.{name}"
        # What `input` is, its type says.
        for argument, said in field.args.items():
            if argument != "input" and not said.description:
                yield f"{type_.name}.{name}({argument})"
    if isinstance(type_, GraphQLInputObjectType):
        for name, given in type_.fields.items():
            if not given.description:
                yield f"{type_.name}.{name}"
    if isinstance(type_, GraphQLEnumType):
        for name, value in type_.values.items():
            if not value.description:
                yield f"{type_.name}.{name}"


def test_everything_a_storefront_meets_is_described(printed: GraphQLSchema) -> None:
    met = storefront_types(printed)
    assert {"Shop", "Order", "Customer", "OrderPlaceInput", "ErrorCode"} <= {t.name for t in met}
    assert "Merchant" not in {t.name for t in met}
    assert [each for type_ in met for each in silent(type_)] == []


def test_a_value_without_a_description_is_found() -> None:
    schema = build_schema('"A." type Query { "B." of: Colour } "C." enum Colour { "D." RED GREEN }')
    found = [each for type_ in storefront_types(schema) for each in silent(type_)]
    assert found == ["Colour.GREEN"]


def test_an_enum_cannot_be_registered_half_described() -> None:
    class Colour(StrEnum):
        RED = "RED"
        GREEN = "GREEN"

    with pytest.raises(ValueError, match=r"Colour: \{'GREEN'\}"):
        register_enum(Colour, description="What it looks like.", values={"RED": "Warm."})


def leaves(type_: GraphQLObjectType) -> str:
    """Return a selection of all that a type has of its own."""
    names = []
    for name, field in type_.fields.items():
        is_leaf = isinstance(get_named_type(field.type), GraphQLScalarType | GraphQLEnumType)
        names.append(name if is_leaf else f"{name} {{ __typename }}")
    return " ".join(names)


@pytest.mark.parametrize(
    ("interface", "asked"),
    [
        ("UserError", 'orderCancel(input: { orderId: "x" }) { userErrors { ...all } }'),
        ("Session", 'sessionRefresh(input: { refreshToken: "x" }) { ...all }'),
    ],
)
def test_one_fragment_serves_every_kind(printed: GraphQLSchema, interface: str, asked: str) -> None:
    """Fields of one name and two types could not be selected side by side."""
    shared = printed.type_map[interface]
    assert isinstance(shared, GraphQLInterfaceType)
    kinds = printed.get_possible_types(shared)
    assert len(kinds) >= 5
    parts = " ".join(f"... on {kind.name} {{ {leaves(kind)} }}" for kind in kinds)
    document = parse(f"mutation {{ {asked} }} fragment all on {interface} {{ {parts} }}")
    assert validate(printed, document) == []
