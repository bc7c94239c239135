"""One field: resolved, completed, and where that fails, an error at its place in the answer.

As ``Executor.execute_field`` and ``complete_awaitable_value``.
"""

from types import CoroutineType
from typing import Any

from graphql import assert_leaf_type, get_nullable_type, is_leaf_type, is_non_null_type
from graphql.execution import Executor
from graphql.pyutils import Path

from schema.transport.planning.awaiting import PLAIN, is_awaitable
from schema.transport.planning.completion import completion_of, null_refused
from schema.transport.planning.leaves import leaf_writer, written_as_it_is
from schema.transport.planning.places import NEW_PATH, Complete, Execute, Place
from schema.transport.planning.resolvers import Resolver, resolver_of


def plan_field(place: Place) -> Execute:
    """Return what answers a field."""
    resolver = resolver_of(place)
    if resolver.read is not None and is_leaf_type(get_nullable_type(place.definition.type)):
        return _read_leaf(place, resolver.read)
    complete = completion_of(place, place.definition.type)
    if resolver.is_async:
        return _awaited(place, resolver, complete)
    return _resolved(place, resolver, complete)


def _read_leaf(place: Place, read: Any) -> Execute:
    """A leaf that the source has at hand: the many, so it has no path unless it fails, and what
    ``completion_of`` makes of layers is one call, or none where the value is what is written."""
    key, parent_name, type_ = place.key, place.parent_name, place.definition.type
    leaf = assert_leaf_type(get_nullable_type(type_))
    complete, write, as_it_is = (
        completion_of(place, type_),
        leaf_writer(leaf),
        written_as_it_is(leaf),
    )
    may_be_null = not is_non_null_type(type_)

    def execute(executor: Executor[Any], source: Any, path: Path | None) -> Any:
        try:
            value = read(source)
            kind = type(value)
            if kind is as_it_is:
                return value
            if kind in PLAIN or not is_awaitable(value):
                written = write(value)
                if written is None and not may_be_null:
                    raise null_refused(place)
                return written
        except Exception as error:
            place.fail(executor, error, type_, NEW_PATH((path, key, parent_name)))
            return None
        executor.is_awaitable(value)
        return _await_value(place, complete, executor, value, NEW_PATH((path, key, parent_name)))

    return execute


def _resolved(place: Place, resolver: Resolver, complete: Complete) -> Execute:
    """A field whose value is there when its resolver returns, or is to be awaited then."""
    key, parent_name, type_ = place.key, place.parent_name, place.definition.type
    read, call, coerce = resolver.read, resolver.call, resolver.coerce

    def execute(executor: Executor[Any], source: Any, path: Path | None) -> Any:
        here = NEW_PATH((path, key, parent_name))
        try:
            if call is None:
                value = read(source)  # type: ignore[misc]
            else:
                value = call(executor, source, here, None if coerce is None else coerce(executor))
            if type(value) not in PLAIN and is_awaitable(value):
                executor.is_awaitable(value)
                return _await_value(place, complete, executor, value, here)
            completed = complete(executor, value, here)
            if type(completed) is CoroutineType:
                executor.is_awaitable(completed)
                return _await_completed(place, executor, completed, here)
        except Exception as error:
            place.fail(executor, error, type_, here)
            return None
        return completed

    return execute


def _awaited(place: Place, resolver: Resolver, complete: Complete) -> Execute:
    """A field whose resolver is a coroutine function."""
    key, parent_name, type_ = place.key, place.parent_name, place.definition.type
    call, coerce = resolver.call, resolver.coerce
    assert call is not None

    async def run(
        executor: Executor[Any], source: Any, here: Path, arguments: dict[str, Any] | None
    ) -> Any:
        try:
            value = call(executor, source, here, arguments)
            if type(value) is CoroutineType or is_awaitable(value):
                value = await value
            completed = complete(executor, value, here)
            if type(completed) is CoroutineType:
                completed = await completed
        except Exception as error:
            place.fail(executor, error, type_, here)
            return None
        return completed

    def execute(executor: Executor[Any], source: Any, path: Path | None) -> Any:
        here = NEW_PATH((path, key, parent_name))
        arguments = None
        if coerce is not None:
            try:
                arguments = coerce(executor)
            except Exception as error:
                place.fail(executor, error, type_, here)
                return None
        return run(executor, source, here, arguments)

    return execute


async def _await_value(
    place: Place, complete: Complete, executor: Executor[Any], value: Any, here: Path
) -> Any:
    try:
        completed = complete(executor, await value, here)
        if type(completed) is CoroutineType:
            completed = await completed
    except Exception as error:
        place.fail(executor, error, place.definition.type, here)
        return None
    return completed


async def _await_completed(
    place: Place, executor: Executor[Any], completed: Any, here: Path
) -> Any:
    try:
        return await completed
    except Exception as error:
        place.fail(executor, error, place.definition.type, here)
        return None
