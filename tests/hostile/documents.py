"""Documents: made from the schema with what does not fit, and made from mere tokens."""

import json
import random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
)

from tests.hostile.values import Values

MOST_FIELDS = 4
TOKENS = (
    *(
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "!",
    ),
    *("$", "@", "...", "=", "|", "&", "#", ",", '"', '"""', "\\", "a", "shop", "__typename", "$v"),
    *("@skip(if: true)", "@include(if: $v)", "@defer", "null", "true", "1", "-", "1.5e", "9" * 400),
    *("extend", "type", "schema", "input", "\ufeff", "\x00", "\n", "shop(slug: ", "node(id: "),
)


class Documents:
    """Draws requests of GraphQL: a document and its variables."""

    def __init__(self, schema: GraphQLSchema, values: Values) -> None:
        self.schema = schema
        self.values = values
        self.chance: random.Random = values.chance

    def request(self) -> dict[str, Any]:
        """Return a request that the schema could answer, were it not for its values."""
        kind = self.chance.choices(("query", "mutation", "subscription"), (5, 5, 1))[0]
        root = {
            "query": self.schema.query_type,
            "mutation": self.schema.mutation_type,
            "subscription": self.schema.subscription_type,
        }[kind]
        assert root is not None
        variables: dict[str, Any] = {}
        declared: list[str] = []
        name, field = self.chance.choice(list(root.fields.items()))
        selection = self._field(name, field, 4, variables, declared)
        head = f"{kind} Hostile({', '.join(declared)})" if declared else kind
        return {"query": f"{head} {{ {selection} }}", "variables": variables}

    def tokens(self) -> str:
        """Return tokens in no order."""
        return " ".join(self.chance.choices(TOKENS, k=self.chance.randrange(1, 60)))

    def _field(
        self,
        name: str,
        field: GraphQLField,
        depth: int,
        variables: dict[str, Any],
        declared: list[str],
    ) -> str:
        parts = [name]
        arguments = []
        for argument_name, argument in field.args.items():
            if argument.type != get_nullable_type(argument.type) or self.chance.random() < 0.5:
                value = self._argument(argument, variables, declared)
                arguments.append(f"{argument_name}: {value}")
        if arguments:
            parts.append(f"({', '.join(arguments)})")
        if is_composite_type(get_named_type(field.type)):
            parts.append(self._selection(field.type, depth - 1, variables, declared))
        return "".join(parts)

    def _selection(
        self, of: GraphQLOutputType, depth: int, variables: dict[str, Any], declared: list[str]
    ) -> str:
        type_ = get_named_type(of)
        if is_abstract_type(type_):
            chosen = self.chance.choice(self.schema.get_possible_types(type_))
            inner = self._selection(chosen, depth, variables, declared)
            return f" {{ __typename ... on {chosen.name} {inner} }}"
        assert isinstance(type_, GraphQLObjectType)
        fields = list(type_.fields.items())
        if depth <= 0:
            fields = [pair for pair in fields if is_leaf_type(get_named_type(pair[1].type))]
        chosen_fields = self.chance.sample(fields, min(len(fields), MOST_FIELDS))
        selected = ["__typename"] + [
            self._field(name, field, depth, variables, declared) for name, field in chosen_fields
        ]
        return f" {{ {' '.join(selected)} }}"

    def _argument(
        self, argument: GraphQLArgument, variables: dict[str, Any], declared: list[str]
    ) -> str:
        value = self._value(argument.type, 3)
        if self.chance.random() < 0.6:
            name = f"v{len(declared)}"
            declared.append(f"${name}: {argument.type}")
            if self.chance.random() < 0.95:
                variables[name] = value
            return f"${name}"
        return literal(value)

    def _value(self, of: GraphQLInputType, depth: int) -> Any:
        """Return a value for a type: one that fits in form, or one of anything."""
        if self.chance.random() < 0.06:
            return self.values.json(2)
        type_: Any = get_nullable_type(of)
        if type_ is of and self.chance.random() < 0.15:
            return None
        if is_list_type(type_):
            items = [self._value(type_.of_type, depth - 1) for _ in range(self.chance.randrange(3))]
            return items if self.chance.random() < 0.97 else items * 300
        if is_input_object_type(type_):
            return {
                name: self._value(field.type, depth - 1)
                for name, field in type_.fields.items()
                if field.type != get_nullable_type(field.type) or self.chance.random() < 0.4
            }
        if is_enum_type(type_):
            return Enum(self.chance.choice(list(type_.values)))
        match type_.name:
            case "Int" | "Float":
                return self.values.number()
            case "Boolean":
                return self.chance.random() < 0.5
            case "ID":
                return self.values.global_id()
            case _:
                return self.values.text() if self.chance.random() < 0.85 else self.values.number()


class Enum(str):
    """A name that a document writes without quotes."""


def literal(value: Any) -> str:
    """Return a value as a document writes it."""
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key or '_'}: {literal(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value)
