"""The schema, read by what it says of itself."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLObjectType

from schema.contract import schema
from schema.permissions import Requires

GRAPHQL = schema._schema


def object_types() -> Iterator[GraphQLObjectType]:
    """Yield the types of objects, but those of introspection."""
    for type_ in GRAPHQL.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            yield type_


def scopes_of(field: Any) -> list[str] | None:
    """Return what a field requires; None where nobody has to be known."""
    for directive in field.extensions["strawberry-definition"].directives:
        if isinstance(directive, Requires):
            return directive.scopes
    return None


def is_merchants(type_: GraphQLObjectType) -> bool:
    """Tell whether a type is of the merchants' part of the schema."""
    origin = type_.extensions["strawberry-definition"].origin
    return bool(origin.__module__.startswith("schema.admin."))
