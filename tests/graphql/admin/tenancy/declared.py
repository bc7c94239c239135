"""What the schema itself says: which fields require what, where they are, which arguments are ids.

Nothing here is written down by hand, so a new field, mutation or argument is in the matrix the day
it is in the schema; what it has to be asked with is in ``examples``, and missing there fails.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_required_argument,
)

from schema.contract import schema
from schema.permissions import Requires

GRAPHQL = schema._schema
PAGING = frozenset({"first", "after", "last", "before"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a field requires of its caller."""

    scopes: frozenset[str]
    all_shops: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way from the root."""

    parent: str
    name: str
    field: GraphQLField

    @property
    def key(self) -> str:
        """The field as the schema calls it: ``AdminShop.orders``."""
        return f"{self.parent}.{self.name}"

    @property
    def requirement(self) -> Requirement | None:
        return requirement_of(self.field)


Path = tuple[Step, ...]


def requirement_of(field: GraphQLField) -> Requirement | None:
    """Return what a field requires; None where nobody has to be known."""
    for directive in field.extensions["strawberry-definition"].directives:
        if isinstance(directive, Requires):
            return Requirement(frozenset(directive.scopes), directive.all_shops is True)
    return None


def mutations() -> Mapping[str, GraphQLField]:
    """Return every mutation that requires something."""
    assert GRAPHQL.mutation_type is not None
    return {
        name: field
        for name, field in GRAPHQL.mutation_type.fields.items()
        if requirement_of(field) is not None
    }


def guarded_paths() -> dict[str, Path]:
    """Return the shortest way to every guarded field that a query can reach, by its key."""
    assert GRAPHQL.query_type is not None
    found: dict[str, Path] = {}
    seen: set[str] = set()
    ahead: list[tuple[GraphQLObjectType, Path]] = [(GRAPHQL.query_type, ())]
    while ahead:
        type_, path = ahead.pop(0)
        if type_.name in seen:
            continue
        seen.add(type_.name)
        for name, field in type_.fields.items():
            step = Step(type_.name, name, field)
            if not path and step.requirement is None:
                # The storefront's own reads: nobody has to be known for them.
                continue
            here = (*path, step)
            if step.requirement is not None:
                found[step.key] = here
            named = get_named_type(field.type)
            if isinstance(named, GraphQLObjectType):
                ahead.append((named, here))
    return found


def requirements() -> set[Requirement]:
    """Return everything that is required anywhere."""
    paths = guarded_paths().values()
    found = [requirement_of(field) for field in mutations().values()]
    found += [step.requirement for path in paths for step in path]
    return {requirement for requirement in found if requirement is not None}


def guarded_fields() -> set[str]:
    """Return the key of every guarded field of every type, reachable or not."""
    return {
        f"{type_.name}.{name}"
        for type_ in GRAPHQL.type_map.values()
        if isinstance(type_, GraphQLObjectType) and type_ is not GRAPHQL.mutation_type
        for name, field in type_.fields.items()
        if "strawberry-definition" in field.extensions and requirement_of(field) is not None
    }


def id_places(type_: GraphQLInputType, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where ids stand in a value of an input type; a list's items have the place ``*``."""
    if isinstance(type_, GraphQLNonNull):
        yield from id_places(type_.of_type, path)
    elif hasattr(type_, "of_type"):
        yield from id_places(type_.of_type, (*path, "*"))
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            yield from id_places(field.type, (*path, name))
    elif isinstance(type_, GraphQLScalarType) and type_.name == "ID":
        yield path


def ids_in(
    value: Any, type_: GraphQLInputType, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], tuple[str, ...]]]:
    """Yield where ids stand in a value: exactly, and with ``*`` for each list's items."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if value is None:
        return
    if isinstance(value, list):
        for position, item in enumerate(value):
            for exact, place in ids_in(item, type_.of_type, ()):  # type: ignore[union-attr]
                yield (*path, position, *exact), (*_names(path), "*", *place)
    elif isinstance(type_, GraphQLInputObjectType):
        for name, inner in value.items():
            yield from ids_in(inner, type_.fields[name].type, (*path, name))
    elif isinstance(type_, GraphQLScalarType) and type_.name == "ID":
        yield path, _names(path)


def _names(path: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple("*" if isinstance(part, int) else part for part in path)


def replaced(value: Any, path: tuple[str | int, ...], by: str) -> Any:
    """Return a copy of a value with another id at a place."""
    if not path:
        return by
    head, *rest = path
    if isinstance(value, list):
        assert isinstance(head, int)
        return [
            replaced(item, tuple(rest), by) if position == head else item
            for position, item in enumerate(value)
        ]
    return {
        name: replaced(inner, tuple(rest), by) if name == head else inner
        for name, inner in value.items()
    }


def selection_of(type_: Any, depth: int = 3) -> str:
    """Return all of a type that needs no argument and no permission of its own, a few levels in."""
    named = get_named_type(type_)
    if isinstance(named, GraphQLScalarType | GraphQLEnumType):
        return ""
    if not isinstance(named, GraphQLObjectType):
        return "{ __typename }"
    parts = ["__typename"]
    for name, field in named.fields.items():
        if any(map(is_required_argument, field.args.values())):
            continue
        if "strawberry-definition" in field.extensions and requirement_of(field) is not None:
            continue
        inner = get_named_type(field.type)
        is_leaf = isinstance(inner, GraphQLScalarType | GraphQLEnumType)
        if is_leaf:
            parts.append(name)
        elif depth > 1:
            parts.append(f"{name} {selection_of(inner, depth - 1)}")
    return "{ " + " ".join(parts) + " }"
