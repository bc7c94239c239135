"""What a field is asked with: coerced by graphql-core, converted as Strawberry does."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import Node, VariableNode, Visitor, visit
from graphql.execution import Executor
from graphql.execution.values import get_argument_values
from strawberry import Schema
from strawberry.relay.types import GlobalID
from strawberry.types.arguments import StrawberryArgument, _is_leaf_type, convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional

from schema.transport.planning.places import Place

Coerce = Callable[[Executor[Any]], dict[str, Any]]
"""Returns the arguments of a field by the names of the schema, as graphql-core coerces them."""

Convert = Callable[[dict[str, Any], Any], dict[str, Any]]
"""Returns the keyword arguments of a resolver, from coerced ones and Strawberry's info."""


def coercion_of(place: Place) -> Coerce | None:
    """Return what coerces the arguments at a place; None for a field that takes none.

    What a document writes out is coerced once for all; what it takes from variables once per
    operation, however many objects have the field. What cannot be coerced is tried each time, so
    that each has its own error.
    """
    node, definition = place.nodes[0], place.definition
    if not definition.args and not node.arguments:
        return None
    is_constant = not any(_has_variables(argument) for argument in node.arguments or ())
    kept: dict[str, Any] | None = None

    def coerce(executor: Executor[Any]) -> dict[str, Any]:
        nonlocal kept
        if kept is not None:
            return kept
        known: dict[Any, dict[str, Any]] = executor.coerced_arguments  # type: ignore[attr-defined]
        values = known.get(coerce)
        if values is None:
            values = get_argument_values(
                definition, node, executor.variable_values, None, executor.hide_suggestions
            )
            if is_constant:
                kept = values
            else:
                known[coerce] = values
        return values

    return coerce


class _VariableFinder(Visitor):
    found = False

    def enter_variable(self, _node: VariableNode, *_: Any) -> None:
        self.found = True


def _has_variables(node: Node) -> bool:
    finder = _VariableFinder()
    visit(node, finder)
    return finder.found


def conversion_of(arguments: list[StrawberryArgument], schema: Schema) -> Convert:
    """Return what Strawberry's ``convert_arguments`` would do for these arguments."""
    config = schema.config
    registry: Mapping[Any, Any] = schema.schema_converter.scalar_registry
    known = tuple(
        (
            config.name_converter.from_argument(argument),
            argument.python_name,
            None if is_kept(argument.type, registry) else argument.type,
        )
        for argument in arguments
    )

    def convert(values: dict[str, Any], info: Any) -> dict[str, Any]:
        return {
            python_name: values[name]
            if type_ is None
            else convert_argument(values[name], type_, registry, config, info, path=(name,))
            for name, python_name, type_ in known
            if name in values
        }

    return convert


def is_kept(type_: Any, registry: Mapping[Any, Any]) -> bool:
    """Tell whether ``convert_argument`` returns every value of a type as it is."""
    while isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
        type_ = type_.of_type
    if isinstance(type_, StrawberryOptional | StrawberryList):
        return False
    return _is_leaf_type(type_, registry, skip_classes=(GlobalID,))
