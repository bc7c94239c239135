"""Descriptions that are alike wherever they stand, and those of values of the domain's enums.

The domain knows no GraphQL, so what its enums' values mean to a client is said here beside their
registration. What every payload has in common is said once, when the schema is put together.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLSchema, get_named_type
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=type[Enum])

REFUSALS = "Why nothing was done; empty where it was."
RESULT = "Null where `userErrors` says why not."


def register_enum(
    enum: E, *, description: str, values: Mapping[str, str], name: str | None = None
) -> E:
    """Make an enum of the domain known to the schema, with what each of its values means.

    Raises:
        ValueError: a value has no description, or one that there is not has one.
    """
    if set(values) != set(enum.__members__):
        raise ValueError(f"{enum.__name__}: {set(values) ^ set(enum.__members__)}")
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]
    return enum


def describe_payloads(schema: GraphQLSchema) -> None:
    """Say of every mutation's payload what all of them have in common."""
    if schema.mutation_type is None:
        return
    for name, mutation in schema.mutation_type.fields.items():
        payload = get_named_type(mutation.type)
        if not isinstance(payload, GraphQLObjectType):
            continue
        payload.description = payload.description or f"What `{name}` answers."
        for field_name, field in payload.fields.items():
            fallback = REFUSALS if field_name == "userErrors" else RESULT
            field.description = field.description or fallback


def describe_values(schema: GraphQLSchema, name: str, texts: Mapping[str, str]) -> None:
    """Say what the values of an enum mean; those without a text keep what they have.

    Raises:
        KeyError, TypeError: there is no such enum.
    """
    enum = schema.type_map[name]
    if not isinstance(enum, GraphQLEnumType):
        raise TypeError(f"{name} is no enum")
    for code, value in enum.values.items():
        value.description = texts.get(code, value.description)
