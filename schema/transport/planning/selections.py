"""The fields that are selected on an object, each answered by its plan."""

from collections.abc import Callable
from types import CoroutineType
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.pyutils import Path, gather_with_cancel

from schema.transport.planning.places import Execute, Place, PlanField


class Selection:
    """What is selected on one object type at one place of a document.

    It is planned when an object of the type is first met: which types a document will meet at a
    place that says only an interface is not known before, and is seldom all of them.

    Args:
        collect: Groups the selected fields by their response key.
        plan_field: Plans each of them.
    """

    __slots__ = ("_collect", "_fields", "_plan_field", "_type")

    def __init__(
        self,
        type_: GraphQLObjectType,
        collect: Callable[[Executor[Any]], GroupedFieldSet],
        plan_field: PlanField,
    ) -> None:
        self._type = type_
        self._collect = collect
        self._plan_field = plan_field
        self._fields: tuple[tuple[str, Execute], ...] | None = None

    def plan(self, executor: Executor[Any]) -> tuple[tuple[str, Execute], ...]:
        """Return the fields in the order of the answer, each under its response key."""
        if self._fields is None:
            schema, plan_field = executor.schema, self._plan_field
            fields = []
            for key, details in self._collect(executor).items():
                definition = schema.get_field(self._type, details[0].node.name.value)
                if definition is not None:
                    place = Place(key, self._type, definition, details, schema, plan_field)
                    fields.append((key, plan_field(place)))
            self._fields = tuple(fields)
        return self._fields

    def execute(self, executor: Executor[Any], source: Any, path: Path | None) -> Any:
        """Answer the fields side by side; return the object, or a coroutine of it.

        As ``Executor.execute_fields``: all of them are begun before any is awaited, so that the
        loaders see the keys of all; a failure that spreads leaves behind what was begun.
        """
        results: dict[str, Any] = {}
        awaited: list[str] | None = None
        try:
            for key, answer in self._fields or self.plan(executor):
                results[key] = value = answer(executor, source, path)
                if type(value) is CoroutineType:
                    executor.is_awaitable(value)
                    if awaited is None:
                        awaited = [key]
                    else:
                        awaited.append(key)
        except Exception:
            if awaited is not None:
                executor.settle_in_background([results[key] for key in awaited])
            raise
        return results if awaited is None else _await_all(results, awaited)

    def execute_serially(self, executor: Executor[Any], source: Any) -> Any:
        """Answer the fields of an operation one after the other: each is begun when the one
        before has come to its end. Return the object, or a coroutine of it."""
        results: dict[str, Any] = {}
        fields = iter(self.plan(executor))
        for key, answer in fields:
            value = answer(executor, source, None)
            if type(value) is CoroutineType:
                executor.is_awaitable(value)
                return _await_in_turn(executor, source, results, key, value, fields)
            results[key] = value
        return results


async def _await_all(results: dict[str, Any], awaited: list[str]) -> dict[str, Any]:
    if len(awaited) == 1:
        key = awaited[0]
        results[key] = await results[key]
    else:
        values = await gather_with_cancel(*(results[key] for key in awaited))
        results.update(zip(awaited, values, strict=True))
    return results


async def _await_in_turn(
    executor: Executor[Any],
    source: Any,
    results: dict[str, Any],
    key: str,
    value: Any,
    fields: Any,
) -> dict[str, Any]:
    results[key] = await value
    for key, answer in fields:
        value = answer(executor, source, None)
        if type(value) is CoroutineType:
            executor.is_awaitable(value)
            value = await value
        results[key] = value
    return results
