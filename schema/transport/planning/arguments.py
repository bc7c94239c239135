"""What a field is asked with: coerced by graphql-core, converted as Strawberry does."""

from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import Node, VariableNode, Visitor, visit
from graphql.execution import Executor
from graphql.execution.values import get_argument_values
from strawberry import Schema
from strawberry.types.arguments import StrawberryArgument, convert_argument

from schema.transport.planning.inputs import Make, inputs_of
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
    given = _variables_given(place)

    def coerce(executor: Executor[Any]) -> dict[str, Any]:
        nonlocal kept
        if kept is not None:
            return kept
        if given is not None:
            sent = executor.variable_values.coerced
            found = {out_name: sent.get(name) for out_name, name in given}
            # One that is null, or was not sent, may have to be refused, or to be a default.
            if None not in found.values():
                return found
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


def _variables_given(place: Place) -> tuple[tuple[str, str], ...] | None:
    """Return the variables that a field's arguments are, by the arguments' names; None where one is
    anything else."""
    nodes = {argument.name.value: argument.value for argument in place.nodes[0].arguments or ()}
    given = []
    for name, argument in place.definition.args.items():
        value = nodes.get(name)
        if not isinstance(value, VariableNode):
            return None
        given.append((argument.out_name or name, value.name.value))
    return tuple(given)


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
    config, inputs = schema.config, inputs_of(schema)
    known = []
    for argument in arguments:
        name, type_ = config.name_converter.from_argument(argument), argument.type
        make: Callable[[Any, Any], Any] | None
        try:
            plain = inputs.maker_of(type_)
            make = None if plain is None else partial(_without_info, plain)
        except LookupError:
            make = partial(_as_strawberry, type_, schema, name)
        known.append((name, argument.python_name, make))

    def convert(values: dict[str, Any], info: Any) -> dict[str, Any]:
        return {
            python_name: values[name] if make is None else make(values[name], info)
            for name, python_name, make in known
            if name in values
        }

    return convert


def _without_info(make: Make, value: Any, _info: Any) -> Any:
    return make(value)


def _as_strawberry(type_: Any, schema: Schema, name: str, value: Any, info: Any) -> Any:
    registry = schema.schema_converter.scalar_registry
    return convert_argument(value, type_, registry, schema.config, info, path=(name,))
