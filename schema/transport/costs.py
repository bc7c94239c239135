"""What a field costs, declared beside it and printed in the SDL.

``@strawberry.field(directives=[Cost(weight=10)])`` prints ``@cost(weight: 10)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import strawberry
from graphql import GraphQLSchema, is_interface_type, is_object_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

MUTATION_WEIGHT = 10


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="How many cost points the field itself counts. Without it: a mutation "
    f"{MUTATION_WEIGHT}, every other field 1. What is selected below counts as often as the list "
    "around it may be long. `extensions.cost` of an answer says how many points the operation "
    "took, and how many it may.",
)
class Cost:
    weight: int


@dataclass(frozen=True, slots=True)
class CostTold:
    """What an operation took, and what it may take; told with its answer."""

    requested: int
    limit: int

    def to_json(self) -> dict[str, Any]:
        """Return the entry ``cost`` of the answer's extensions."""
        return {"requested": self.requested, "limit": self.limit}


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
