"""From what a resolver returned to what stands in the answer, by the type of the field.

Each function mirrors the method of graphql-core's ``Executor`` that it names; what is asked there
for every value is decided here once.
"""

from types import CoroutineType
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Path, Undefined, gather_with_cancel
from strawberry.types.base import StrawberryObjectDefinition

from schema.transport.planning.awaiting import PLAIN, is_awaitable
from schema.transport.planning.leaves import leaf_writer
from schema.transport.planning.places import NEW_PATH, Complete, Place
from schema.transport.planning.selections import Selection

CONVERTER = "strawberry.schema.schema_converter"


def completion_of(place: Place, type_: GraphQLOutputType) -> Complete:
    """Return what completes a value of a type at a place (``complete_value``)."""
    if is_non_null_type(type_):
        if is_object_type(type_.of_type):
            return _object(place, type_.of_type, may_be_null=False)
        return _never_null(place, completion_of(place, type_.of_type))
    if is_list_type(type_):
        return _list(place, type_)
    if is_leaf_type(type_):
        write = leaf_writer(type_)
        return lambda _executor, value, _path: write(value)
    if is_abstract_type(type_):
        return _abstract(place, type_)
    if is_object_type(type_):
        return _object(place, type_)
    return _as_graphql_core(place, type_)


def null_refused(place: Place) -> TypeError:
    """Return the error of a field that is null and may not be."""
    return TypeError(f"Cannot return null for non-nullable field {place.parent_name}.{place.name}.")


def _as_graphql_core(place: Place, type_: GraphQLOutputType) -> Complete:
    """Leave the value, and all below it, to graphql-core."""

    def complete(executor: Executor[Any], value: Any, path: Path) -> Any:
        info = place.info(executor, path)
        return executor.complete_value(type_, place.details, info, path, value, None)

    return complete


def _never_null(place: Place, complete_nullable: Complete) -> Complete:
    def complete(executor: Executor[Any], value: Any, path: Path) -> Any:
        completed = complete_nullable(executor, value, path)
        if completed is None:
            raise null_refused(place)
        return completed

    return complete


def _object(place: Place, type_: GraphQLObjectType, *, may_be_null: bool = True) -> Complete:
    """``complete_object_value``, and where it may not be null that it is not: one call for both,
    because rows of lists are most of what there is."""
    is_type_of = type_.is_type_of
    if is_type_of is not None and not _is_default(type_, is_type_of):
        others = _as_graphql_core(place, type_)
        return others if may_be_null else _never_null(place, others)
    selection = Selection(
        type_,
        lambda executor: executor.collect_subfields(type_, place.details).grouped_field_set,
        place.plan_field,
    )
    execute = selection.execute

    def complete(executor: Executor[Any], value: Any, path: Path) -> Any:
        if value is None or value is Undefined:
            if may_be_null:
                return None
            raise null_refused(place)
        if isinstance(value, Exception):
            raise value
        # Strawberry's own looks at the value alone.
        if is_type_of is not None and not is_type_of(value, None):  # type: ignore[arg-type]
            raise invalid_return_type_error(type_, value, place.details)
        return execute(executor, value, path)

    return complete


def _is_default(type_: GraphQLObjectType, is_type_of: Any) -> bool:
    """Tell whether Strawberry itself says which values are of the type, not the type's author."""
    definition = type_.extensions.get("strawberry-definition")
    return (
        isinstance(definition, StrawberryObjectDefinition)
        and definition.is_type_of is None
        and is_type_of.__module__ == CONVERTER
    )


def _abstract(place: Place, type_: GraphQLAbstractType) -> Complete:
    """``complete_abstract_value``."""
    known: dict[Any, Complete] = {}
    resolve_type = type_.resolve_type

    def complete_as(name: Any, executor: Executor[Any], value: Any, path: Path) -> Any:
        complete = known.get(name) if isinstance(name, str) else None
        if complete is None:
            info = place.info(executor, path)
            runtime_type = executor.ensure_valid_runtime_type(
                name, type_, place.details, info, value
            )
            complete = known[name] = _object(place, runtime_type)
        return complete(executor, value, path)

    async def await_type(name: Any, executor: Executor[Any], value: Any, path: Path) -> Any:
        completed = complete_as(await name, executor, value, path)
        return await completed if type(completed) is CoroutineType else completed

    def complete(executor: Executor[Any], value: Any, path: Path) -> Any:
        if value is None or value is Undefined:
            return None
        if isinstance(value, Exception):
            raise value
        resolve = resolve_type or executor.type_resolver
        name: Any = resolve(value, place.info(executor, path), type_)
        if type(name) is not str and executor.is_awaitable(name):
            return await_type(name, executor, value, path)
        return complete_as(name, executor, value, path)

    return complete


def _list(place: Place, type_: GraphQLList[Any]) -> Complete:
    """``complete_list_value`` of a list or a tuple; whatever else can be gone through, or cannot,
    is graphql-core's."""
    item_type = type_.of_type
    complete_item = completion_of(place, item_type)
    complete_other = _as_graphql_core(place, type_)

    async def await_item(executor: Executor[Any], item: Any, path: Path) -> Any:
        try:
            completed = complete_item(executor, await item, path)
            if type(completed) is CoroutineType:
                completed = await completed
        except Exception as error:
            place.fail(executor, error, item_type, path)
            return None
        return completed

    async def await_completed(executor: Executor[Any], completed: Any, path: Path) -> Any:
        try:
            return await completed
        except Exception as error:
            place.fail(executor, error, item_type, path)
            return None

    def complete(executor: Executor[Any], value: Any, path: Path) -> Any:
        if type(value) is not list and type(value) is not tuple:
            return None if value is None else complete_other(executor, value, path)
        results: list[Any] = []
        awaited: list[int] = []
        items = iter(value)
        try:
            for item in items:
                index = len(results)
                here = NEW_PATH((path, index, None))
                if type(item) not in PLAIN and is_awaitable(item):
                    executor.is_awaitable(item)
                    waiting = await_item(executor, item, here)
                    executor.is_awaitable(waiting)
                    results.append(waiting)
                    awaited.append(index)
                    continue
                try:
                    completed = complete_item(executor, item, here)
                    if type(completed) is CoroutineType:
                        executor.is_awaitable(completed)
                        completed = await_completed(executor, completed, here)
                        executor.is_awaitable(completed)
                        awaited.append(index)
                except Exception as error:
                    place.fail(executor, error, item_type, here)
                    completed = None
                results.append(completed)
        except Exception:
            left = [results[index] for index in awaited]
            left.extend(item for item in items if executor.is_awaitable(item))
            if left:
                executor.settle_in_background(left)
            raise
        return results if not awaited else _await_items(results, awaited)

    return complete


async def _await_items(results: list[Any], awaited: list[int]) -> list[Any]:
    if len(awaited) == 1:
        index = awaited[0]
        results[index] = await results[index]
    else:
        values = await gather_with_cancel(*(results[index] for index in awaited))
        for index, value in zip(awaited, values, strict=True):
            results[index] = value
    return results
