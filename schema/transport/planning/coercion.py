"""Values of input types, coerced as graphql-core's ``coerce_input_value`` does.

What that finds out anew for each value, of which kind its type is, which fields it has and which of
them have defaults, is found out once per document: of an order's input it was four fifths.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLString,
    assert_leaf_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.pyutils import Undefined, is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value

Coerce = Callable[[Any], Any]
"""Returns the coerced value; ``Undefined`` where it does not fit."""

UNCHANGEABLE = (str, int, float, bool, type(None), Enum)
"""Of other defaults each request has one of its own."""


def coercer_of(type_: GraphQLInputType) -> Coerce:
    """Return what coerces values of an input type that does not contain itself."""
    if is_non_null_type(type_):
        plain = _PLAIN.get(type_.of_type)
        if plain is not None:
            return _non_null_plain(plain, _leaf(type_.of_type.coerce_input_value))
        return _non_null(coercer_of(type_.of_type))
    if is_list_type(type_):
        return _list(coercer_of(type_.of_type))
    if is_input_object_type(type_):
        return _object(type_)
    return _leaf(assert_leaf_type(type_).coerce_input_value)


_PLAIN: Mapping[Any, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""Scalars whose values stay what they are, where they are of the type."""


def _non_null_plain(plain: type, coerce: Coerce) -> Coerce:
    """A text where a text has to be: nearly every field of an input is one."""

    def non_null(value: Any) -> Any:
        if type(value) is plain:
            return value
        return Undefined if value is None or value is Undefined else coerce(value)

    return non_null


def _non_null(coerce: Coerce) -> Coerce:
    def non_null(value: Any) -> Any:
        return Undefined if value is None or value is Undefined else coerce(value)

    return non_null


def _leaf(coerce: Coerce) -> Coerce:
    def leaf(value: Any) -> Any:
        if value is None or value is Undefined:
            return None
        try:
            return coerce(value)
        except Exception:
            # graphql-core's own rule: whatever a scalar raises, the value does not fit.
            return Undefined

    return leaf


def _list(coerce: Coerce) -> Coerce:
    def items(value: Any) -> Any:
        if value is None or value is Undefined:
            return None
        # One value that is no list counts as a list of it.
        coerced = [coerce(item) for item in (value if is_iterable(value) else (value,))]
        return Undefined if any(item is Undefined for item in coerced) else coerced

    return items


def _object(type_: GraphQLInputObjectType) -> Coerce:
    names = frozenset(type_.fields)
    fields = tuple(
        (
            name,
            field.out_name or name,
            coercer_of(field.type),
            is_required_input_field(field),
            _default_of(field),
        )
        for name, field in type_.fields.items()
    )
    out_type, is_one_of = type_.out_type, type_.is_one_of
    is_plain = out_type is GraphQLInputObjectType.out_type

    def fitting(value: Any) -> Any:
        if type(value) is not dict:
            return None if value is None or value is Undefined else Undefined
        if not names.issuperset(value):
            return Undefined
        coerced: dict[str, Any] = {}
        for name, out_name, coerce, is_required, default in fields:
            inner = value.get(name, Undefined)
            if inner is not Undefined:
                inner = coerce(inner)
                if inner is Undefined:
                    return Undefined
            elif is_required:
                return Undefined
            else:
                inner = default()
                if inner is Undefined:
                    continue
            coerced[out_name] = inner
        if is_one_of:
            sent = sum(inner is not Undefined for inner in value.values())
            if sent != 1 or len(coerced) != 1 or None in coerced.values():
                return Undefined
        return coerced if is_plain else out_type(coerced)

    return fitting


def _default_of(field: GraphQLInputField) -> Callable[[], Any]:
    default = coerce_default_value(field)
    if default is Undefined or isinstance(default, UNCHANGEABLE):
        return lambda: default
    return lambda: coerce_default_value(field)
