"""What a resolver is told of its field, looked up when it asks.

graphql-core fills fifteen places for each field; nearly every resolver reads one, the context.
"""

from typing import Any

from graphql.execution import Executor
from graphql.pyutils import Path

from schema.transport.lookahead import fields_below
from schema.transport.planning.places import Place


class LazyInfo:
    """Stands for graphql-core's ``GraphQLResolveInfo``, and is it once anything rare is asked."""

    __slots__ = ("_executor", "_place", "context", "path")

    def __init__(self, executor: Executor[Any], place: Place, path: Path) -> None:
        self._executor = executor
        self._place = place
        self.context = executor.context_value
        self.path = path

    @property
    def field_name(self) -> str:
        return self._place.name

    @property
    def fields_below(self) -> frozenset[str]:
        """What is selected below the field, see ``schema.transport.lookahead``; found out once."""
        place = self._place
        if place.fields_below is None:
            place.fields_below = fields_below(place.info(self._executor, self.path))
        return place.fields_below

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place.info(self._executor, self.path), name)
