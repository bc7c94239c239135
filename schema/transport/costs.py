"""What a field costs, declared beside it and printed in the SDL.

``@strawberry.field(directives=[Cost(weight=10)])`` prints ``@cost(weight: 10)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_object_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

MUTATION_WEIGHT = 10


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="How many cost points the field itself counts. Without it: a mutation "
    f"{MUTATION_WEIGHT}, every other field 1. What is selected below counts as often as the list "
    "around it may be long. `extensions.cost` of an answer says how many points that makes "
    "(`requested`), how many the answer really took (`actual`), and how many it may (`limit`).",
)
class Cost:
    weight: int


@dataclass(frozen=True, slots=True)
class CostTold:
    """What an operation may take, and took; told with its answer.

    Attributes:
        requested: points at most, by the sizes that were asked for: what the limit is held to.
        actual: points of the fields that are in the answer; None where there is none.
    """

    requested: int
    limit: int
    actual: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry ``cost`` of the answer's extensions."""
        told = {"requested": self.requested, "limit": self.limit}
        return told if self.actual is None else {**told, "actual": self.actual}


@lru_cache(maxsize=8)
def field_weights(schema: GraphQLSchema) -> Mapping[tuple[str, str], int]:
    """Return what fields count by the names of their type and their own; those that count 1 are
    left out."""
    weights = {}
    for name, of in schema.type_map.items():
        if not (is_object_type(of) or is_interface_type(of)):
            continue
        usual = MUTATION_WEIGHT if of is schema.mutation_type else 1
        for field_name, field in of.fields.items():
            source = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            declared = [d.weight for d in getattr(source, "directives", ()) if isinstance(d, Cost)]
            weight = declared[0] if declared else usual
            if weight != 1:
                weights[name, field_name] = weight
    return weights


class AnswerCost:
    """Counts the points of an answer to one selection: its fields, and those below.

    Built once for a document, it looks at each object of an answer, not at each value.
    """

    __slots__ = ("_below", "_total", "_weights")

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._below: dict[str, AnswerCost] = {}
        self._total = 0

    def of(self, data: Mapping[str, Any]) -> int:
        """Return the points of an object of the answer, by the names that it has there."""
        if len(data) == len(self._weights):
            points = self._total
        else:
            # Fields that were skipped, and those of fragments on other types.
            points = sum(self._weights[name] for name in data)
        for name, below in self._below.items():
            value = data.get(name)
            if value is None:
                continue
            if type(value) is not dict:
                points += below._of_any(value)
            elif below._below or len(value) != len(below._weights):
                points += below.of(value)
            else:
                # Nothing but values: the many, such as an amount of money.
                points += below._total
        return points

    def _of_any(self, value: Any) -> int:
        if isinstance(value, dict):
            return self.of(value)
        if not isinstance(value, list):
            return 0
        points, of = 0, self.of
        for each in value:
            points += of(each) if type(each) is dict else self._of_any(each)
        return points

    def _add(self, name: str, weight: int) -> None:
        self._total += weight - self._weights.get(name, 0)
        self._weights[name] = weight


def answer_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> AnswerCost:
    """Return what counts the answers to an operation of a valid document."""
    weights = field_weights(schema)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }

    def add(selections: SelectionSetNode, parent: GraphQLNamedType | None, to: AnswerCost) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                add_field(node, parent, to)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                on = schema.get_type(condition.name.value) if condition is not None else parent
                add(node.selection_set, on, to)
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments[node.name.value]
                on = schema.get_type(fragment.type_condition.name.value)
                add(fragment.selection_set, on, to)

    def add_field(node: FieldNode, parent: GraphQLNamedType | None, to: AnswerCost) -> None:
        name = (node.alias or node.name).value
        to._add(name, weights.get((parent.name, node.name.value), 1) if parent is not None else 1)
        if node.selection_set is not None and is_composite_type(parent):
            field = schema.get_field(parent, node.name.value)
            child = None if field is None else get_named_type(field.type)
            add(node.selection_set, child, to._below.setdefault(name, AnswerCost()))

    counted = AnswerCost()
    add(operation.selection_set, schema.get_root_type(operation.operation), counted)
    return counted
