"""How a value that has no fields looks in the answer."""

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
)
from graphql.execution import Executor
from graphql.pyutils import Undefined
from strawberry.schema.schema_converter import CustomGraphQLEnumType

MIN_INT, MAX_INT = -(2**31), 2**31 - 1


def written_as_it_is(type_: GraphQLLeafType) -> type | None:
    """Return the Python type of which every value stands in the answer as it is, if there is one.

    Not ``int``: one that is too large is refused.
    """
    if type_ is GraphQLString or type_ is GraphQLID:
        return str
    return bool if type_ is GraphQLBoolean else None


def leaf_writer(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """Return what makes of a value the one in the answer; it returns None for null.

    Where the value is what nearly every resolver returns (a text for a text, a member of the enum)
    the answer is known without asking the type; every other value is the type's own affair.
    """
    complete, coerce = Executor.complete_leaf_value, type_.coerce_output_value
    no_exceptions: set[type] = set()

    def write(value: Any) -> Any:
        if value is None or value is Undefined:
            return None
        kind = type(value)
        if kind not in no_exceptions:
            if isinstance(value, Exception):
                raise value
            no_exceptions.add(kind)
        written = coerce(value)
        # What is nothing to stand in an answer is refused in graphql-core's words.
        return (
            written if written is not None and written is not Undefined else complete(type_, value)
        )

    if type_ is GraphQLString or type_ is GraphQLID:
        return lambda value: value if type(value) is str else write(value)
    if type_ is GraphQLBoolean:
        return lambda value: value if type(value) is bool else write(value)
    if type_ is GraphQLInt:
        return lambda value: (
            value if type(value) is int and MIN_INT <= value <= MAX_INT else write(value)
        )
    if isinstance(type_, CustomGraphQLEnumType):
        enum: Any = type_.wrapped_cls
        names = {member._name_: type_.coerce_output_value(member) for member in enum}
        return lambda value: names[value._name_] if type(value) is enum else write(value)
    return write
