"""A planned field hands its resolver the arguments that Strawberry would."""

import random
from typing import Any

from graphql import GraphQLField, GraphQLObjectType
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_value
from strawberry.types.arguments import convert_arguments

from schema.contract import schema
from schema.transport.planning.arguments import conversion_of
from tests.hostile.documents import Documents
from tests.hostile.values import Values

TRIES = 12


def fields_with_arguments() -> dict[str, GraphQLField]:
    """Return every field of the schema that takes arguments."""
    return {
        f"{type_.name}.{name}": field
        for type_ in schema._schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if field.args
    }


def drawn(field: GraphQLField, documents: Documents) -> dict[str, Any]:
    """Return arguments as graphql-core coerces them, of those drawn that fit."""
    coerced = {
        name: coerce_input_value(documents._value(argument.type, 4), argument.type)
        for name, argument in field.args.items()
    }
    return {name: value for name, value in coerced.items() if value is not Undefined}


async def test_every_field_is_asked_with_what_strawberry_would_make() -> None:
    documents = Documents(schema._schema, Values(random.Random(5), ["an id"]))
    compared = 0
    for name, field in fields_with_arguments().items():
        definition = field.extensions["strawberry-definition"]
        convert = conversion_of(definition.arguments, schema)
        for _ in range(TRIES):
            values = drawn(field, documents)
            expected = convert_arguments(
                values,
                definition.arguments,
                scalar_registry=schema.schema_converter.scalar_registry,
                config=schema.config,
            )
            assert repr(convert(values, None)) == repr(expected), name
            compared += bool(values)
    assert compared > 800
