"""The variables of an operation, coerced by graphql-core from signatures that are kept.

``get_variable_values`` makes the signature of each variable anew from the syntax tree, and walks
each value to see whether it is nested more deeply than Python can follow, which only a value of a
type that contains itself can be. Whatever does not fit is told by ``get_variable_values``.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.transport.planning.coercion import UNCHANGEABLE, Coerce, coercer_of

MAX_ERRORS = 10


class Variables:
    """Coerces the variables of one operation."""

    __slots__ = ("_known", "_operation", "_schema")

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._operation = operation
        self._known = self._signatures()

    def _signatures(self) -> tuple[tuple[GraphQLVariableSignature, Coerce, Any], ...] | None:
        """Return the signature of each variable and its default; None where more is to be looked
        at than is known here."""
        known = []
        for node in self._operation.variable_definitions or ():
            signature = get_variable_signature(self._schema, node)
            if isinstance(signature, GraphQLError) or contains_itself(signature.type):
                return None
            try:
                default = coerce_default_value(signature)
                coercer = coercer_of(signature.type)
            except TypeError:
                return None
            if default is not Undefined and not isinstance(default, UNCHANGEABLE):
                # Each request has one of its own.
                return None
            known.append((signature, coercer, default))
        return tuple(known)

    def coerce(
        self, values: Mapping[str, Any], *, hide_suggestions: bool
    ) -> VariableValues | list[GraphQLError]:
        """Return what the variables are, or why they cannot be that."""
        found = None if self._known is None else _coerced(self._known, values)
        if found is not None:
            return found
        return get_variable_values(
            self._schema,
            self._operation.variable_definitions or (),
            dict(values),
            max_errors=MAX_ERRORS,
            hide_suggestions=hide_suggestions,
        )


def _coerced(
    known: tuple[tuple[GraphQLVariableSignature, Coerce, Any], ...], values: Mapping[str, Any]
) -> VariableValues | None:
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, coerce, default in known:
        name = signature.name
        value = values.get(name, Undefined)
        sources[name] = VariableValueSource(signature, value)
        if value is not Undefined:
            value = coerce(value)
            if value is Undefined:
                return None
            coerced[name] = value
        elif default is not Undefined:
            coerced[name] = default
        elif is_non_null_type(signature.type):
            return None
    return VariableValues(sources, coerced)


def contains_itself(type_: Any) -> bool:
    """Tell whether a value of an input type can hold another of the same type."""
    return _is_within(get_named_type(type_), ())


def _is_within(type_: GraphQLNamedType, outer: tuple[GraphQLNamedType, ...]) -> bool:
    if type_ in outer:
        return True
    return isinstance(type_, GraphQLInputObjectType) and any(
        _is_within(get_named_type(field.type), (*outer, type_)) for field in type_.fields.values()
    )
