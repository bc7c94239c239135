"""Operations of one field that is asked with one variable, which has to be sent: nearly all that a
storefront changes.

What such an operation wants is known from its variables, before anything of it is run.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from graphql import FieldNode, GraphQLSchema, NonNullTypeNode, OperationDefinitionNode, VariableNode
from strawberry import Schema
from strawberry.types.field import StrawberryField

from schema.transport.planning.arguments import conversion_of


class SoleField:
    """The only field of an operation.

    Attributes:
        name: as the schema has it.
        counted: the same, as the names of an operation's root fields are counted.
    """

    __slots__ = ("_argument", "_convert", "_variable", "counted", "name")

    def __init__(
        self,
        name: str,
        argument: str,
        variable: str,
        convert: Callable[[dict[str, Any], Any], dict[str, Any]],
    ) -> None:
        self.name = name
        self.counted = Counter({name: 1})
        self._argument = argument
        self._variable = variable
        self._convert = convert

    def arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the resolver is called with, by coerced variables."""
        return self._convert({self._argument: variables[self._variable]}, None)


def sole_field_of(schema: GraphQLSchema, operation: OperationDefinitionNode) -> SoleField | None:
    """Return the only field of an operation; None where it has more, or is asked in another way."""
    selections = operation.selection_set.selections
    variables = operation.variable_definitions or ()
    if len(selections) != 1 or len(variables) != 1:
        return None
    if not isinstance(variables[0].type, NonNullTypeNode) or variables[0].default_value:
        return None
    node = selections[0]
    if not isinstance(node, FieldNode) or node.directives or operation.directives:
        return None
    arguments = node.arguments or ()
    if len(arguments) != 1 or not isinstance(arguments[0].value, VariableNode):
        return None
    root = schema.get_root_type(operation.operation)
    definition = None if root is None else schema.get_field(root, node.name.value)
    strawberry_schema = getattr(schema, "_strawberry_schema", None)
    if definition is None or not isinstance(strawberry_schema, Schema):
        return None
    field = definition.extensions.get("strawberry-definition")
    if not isinstance(field, StrawberryField) or len(definition.args) != 1:
        return None
    argument, variable = arguments[0].name.value, arguments[0].value.name.value
    convert = conversion_of(field.arguments, strawberry_schema)
    return SoleField(node.name.value, argument, variable, convert)
