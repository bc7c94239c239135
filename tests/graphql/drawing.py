"""Documents drawn from a schema by chance: valid ones, of every form that an executor meets.

Aliases, fields selected twice, fragments and inline fragments on objects and interfaces, ``@skip``
and ``@include`` by literals and variables, variables with defaults, with nulls and without a value.
A seed draws the same documents each time.
"""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

MOST_FIELDS = 40

Known = Mapping[str, Sequence[Any]]
"""Values to ask with, by the name of an argument, else by that of its type."""


class Name(str):
    """The name of an enum's value, which a document writes without quotes."""


class Drawer:
    """Draws one document at a time.

    Args:
        known: Without a value for an argument that is required, its field is not asked for.
        avoided: Fields that are never asked for, as ``Type.field``.
    """

    def __init__(
        self, schema: GraphQLSchema, known: Known, seed: int, avoided: frozenset[str] = frozenset()
    ) -> None:
        self._schema = schema
        self._known = known
        self._chance = random.Random(seed)
        self._avoided = avoided
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._fragments: list[str] = []
        self._declared: list[str] = []
        self._variables: dict[str, Any] = {}

    def draw(self, kind: str = "query", fields: Sequence[str] | None = None) -> dict[str, Any]:
        """Return a request whose root fields are among those named."""
        self._begin()
        root = getattr(self._schema, f"{kind}_type")
        names = self._chance.choices(fields or list(root.fields), k=self._chance.randint(1, 3))
        asked = [
            field for name in names if (field := self._field(root, name, root.fields[name], 4))
        ]
        selection = f"{{ __typename {' '.join(asked)} }}"
        head = f"{kind} Drawn({', '.join(self._declared)})" if self._declared else kind
        return {
            "query": " ".join([head, selection, *self._fragments]),
            "variables": self._variables,
        }

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share

    def _next(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _field(
        self, parent: GraphQLNamedType, name: str, field: GraphQLField, depth: int
    ) -> str | None:
        of = get_named_type(field.type)
        is_full = self._count >= MOST_FIELDS
        if (
            f"{parent.name}.{name}" in self._avoided
            or is_full
            or (is_composite_type(of) and depth <= 0)
        ):
            return None
        arguments = self._arguments(field)
        if arguments is None:
            return None
        alias = self._next("a")
        asked = f"{alias}: {name}{arguments}" if arguments or self._happens(0.3) else name
        # The same field twice is one answer, with what both of them select.
        return " ".join(
            f"{asked}{self._condition()}"
            + (self._selection(of, depth - 1) if is_composite_type(of) else "")
            for _ in range(2 if self._happens(0.15) else 1)
        )

    def _selection(self, type_: Any, depth: int) -> str:
        selected = ["__typename"]
        fields = [] if not hasattr(type_, "fields") else list(type_.fields.items())
        for name, field in self._chance.sample(fields, min(len(fields), 5)):
            if (drawn := self._field(type_, name, field, depth)) is not None:
                selected.append(self._wrapped(drawn, type_))
        if is_abstract_type(type_):
            possible = self._schema.get_possible_types(type_)
            for chosen in self._chance.sample(possible, min(len(possible), 2)):
                selected.append(f"... on {chosen.name} {self._selection(chosen, depth)}")
        return f" {{ {' '.join(selected)} }}"

    def _wrapped(self, selection: str, type_: GraphQLNamedType) -> str:
        """Return it as it is, or within a fragment on its type or an interface of that."""
        if self._happens(0.7):
            return selection
        if self._happens(0.5):
            on = f" on {type_.name}" if self._happens(0.5) else ""
            return f"...{on}{self._condition()} {{ {selection} }}"
        name = self._next("F")
        self._fragments.append(f"fragment {name} on {type_.name} {{ {selection} }}")
        return f"...{name}{self._condition()}"

    def _condition(self) -> str:
        if self._happens(0.85):
            return ""
        directive = self._chance.choice(("skip", "include"))
        if self._happens(0.4):
            return f" @{directive}(if: {self._chance.choice(('true', 'false'))})"
        name = self._next("c")
        if self._happens(0.3):
            # May be null where it has a default, and then it is an error of the field.
            self._declared.append(f"${name}: Boolean = {self._chance.choice(('true', 'false'))}")
            if self._happens(0.5):
                self._variables[name] = self._chance.choice((True, False, None))
        else:
            self._declared.append(f"${name}: Boolean!")
            self._variables[name] = self._happens(0.5)
        return f" @{directive}(if: ${name})"

    def _arguments(self, field: GraphQLField) -> str | None:
        written = []
        for name, argument in field.args.items():
            if not is_required_argument(argument) and self._happens(0.4):
                continue
            values = self._values(name, argument)
            if not values and is_required_argument(argument):
                return None
            if values:
                written.append(f"{name}: {self._given(argument, self._chance.choice(values))}")
        return f"({', '.join(written)})" if written else ""

    def _values(self, name: str, argument: GraphQLArgument) -> list[Any]:
        of = get_named_type(argument.type)
        values = list(self._known.get(name) or self._known.get(of.name) or ())
        if not values and isinstance(of, GraphQLEnumType):
            values = [Name(value) for value in of.values]
        if not values and of.name == "Boolean":
            values = [True, False]
        if is_list_type(get_nullable_type(argument.type)):
            values = [[value] for value in values] + [values[:2]] if values else []
        if isinstance(of, GraphQLInputObjectType) and not values:
            return []
        return values if is_non_null_type(argument.type) else [*values, None]

    def _given(self, argument: GraphQLArgument, value: Any) -> str:
        if self._happens(0.5):
            return written(value)
        name = self._next("v")
        declared = f"${name}: {argument.type}"
        if value is not None and self._happens(0.3):
            declared += f" = {written(value)}"
            if self._happens(0.5):
                self._variables[name] = plain(value)
        elif value is not None or self._happens(0.5):
            self._variables[name] = plain(value)
        self._declared.append(declared)
        return f"${name}"


def written(value: Any) -> str:
    """Return a value as a document writes it."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {written(inner)}' for name, inner in value.items())}}}"
    return json.dumps(value)


def plain(value: Any) -> Any:
    """Return a value as variables carry it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Name) else value


def turned(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables with every boolean turned round."""
    return {
        name: not value if isinstance(value, bool) else value for name, value in variables.items()
    }
