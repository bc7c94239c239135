"""What a field's selection asks for further down, known before any of it is answered.

A list that loads what all its rows will ask for spares each row the waiting.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)
from strawberry import Info


def asks_for(info: Info[Any, Any], fields: frozenset[str]) -> bool:
    """Tell whether any of these fields, such as ``Campaign.slotsLeft``, is selected below this one.

    What is skipped counts as well: it is loaded for nothing, no more.
    """
    raw: Any = info._raw_info
    # The planned executor keeps it with the document.
    below = getattr(raw, "fields_below", None)
    return not fields.isdisjoint(fields_below(raw) if below is None else below)


def fields_below(info: GraphQLResolveInfo[Any]) -> frozenset[str]:
    """Return the fields that are selected below one, each as ``Type.field``.

    The type is the one that the document names: an interface where it asks by that.
    """
    found: set[str] = set()
    finder = _Finder(info.schema, info.fragments, found)
    for node in info.field_nodes:
        if node.selection_set is not None:
            finder.add(node.selection_set, get_named_type(info.return_type))
    return frozenset(found)


class _Finder:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        found: set[str],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._found = found
        self._seen: set[str] = set()

    def add(self, selected: SelectionSetNode, on: GraphQLNamedType | None) -> None:
        for node in selected.selections:
            if isinstance(node, FieldNode):
                self._add_field(node, on)
            elif isinstance(node, InlineFragmentNode):
                named = node.type_condition
                self.add(
                    node.selection_set,
                    on if named is None else self._schema.get_type(named.name.value),
                )
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in self._seen:
                self._seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                self.add(
                    fragment.selection_set,
                    self._schema.get_type(fragment.type_condition.name.value),
                )

    def _add_field(self, node: FieldNode, on: GraphQLNamedType | None) -> None:
        if on is None or not is_composite_type(on):
            return
        self._found.add(f"{on.name}.{node.name.value}")
        field = self._schema.get_field(on, node.name.value)
        if node.selection_set is not None and field is not None:
            self.add(node.selection_set, get_named_type(field.type))
