"""A field where a document selects it on one object type: what its closures know of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

NEW_PATH = partial(tuple.__new__, Path)
"""Makes a path of (the one before it, key, type) without the ``__new__`` in Python of a named
tuple: each object of an answer has one."""

Execute = Callable[[Executor[Any], Any, Path | None], Any]
"""Answers a field of a source that stands at a path: its value in the answer, or a coroutine."""

Complete = Callable[[Executor[Any], Any, Path], Any]
"""Makes of a resolver's value the one in the answer, or a coroutine of it."""


PlanField = Callable[["Place"], Execute]


class Place:
    """A field at one place of a document, on one object type.

    Args:
        plan_field: Plans the fields below it.
    """

    __slots__ = (
        "definition",
        "details",
        "fields_below",
        "key",
        "name",
        "nodes",
        "parent",
        "parent_name",
        "plan_field",
        "schema",
    )

    def __init__(
        self,
        key: str,
        parent: GraphQLObjectType,
        definition: GraphQLField,
        details: list[FieldDetails],
        schema: GraphQLSchema,
        plan_field: PlanField,
    ) -> None:
        self.schema = schema
        self.plan_field = plan_field
        self.key = key
        self.parent = parent
        self.parent_name = parent.name
        self.definition = definition
        self.details = details
        self.nodes = [detail.node for detail in details]
        self.fields_below: frozenset[str] | None = None
        self.name = self.nodes[0].name.value

    def info(self, executor: Executor[Any], path: Path) -> GraphQLResolveInfo[Any]:
        """Return what graphql-core tells a resolver of this field."""
        return executor.build_resolve_info(self.definition, self.nodes, self.parent, path)

    def fail(
        self, executor: Executor[Any], error: Exception, type_: GraphQLOutputType, path: Path
    ) -> None:
        """Record an error here, and answer null.

        Raises:
            GraphQLError: null may not stand here.
        """
        executor.handle_field_error(error, type_, self.details, path)
