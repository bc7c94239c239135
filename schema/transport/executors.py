"""What graphql-core's executor leaves behind: coroutines that nobody awaits, and itself."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, TypeGuard, cast

from graphql import GraphQLResolveInfoHelpers
from graphql.execution import Executor
from strawberry.execution import optimized_is_awaitable

is_awaitable = cast(Callable[[Any], TypeGuard[Awaitable[Any]]], optimized_is_awaitable)

UNWINDING_SECONDS = 1.0
"""How long the tasks of an execution that broke off are left to come to their ends."""


class Awaitables:
    """Knows the coroutines of one execution, to close those that nobody came to await.

    Where an execution is broken off (a client that went away, a field that may not be null),
    graphql-core leaves behind what was to be awaited next. Python warns of each such coroutine,
    and may print a traceback with it: so many lines of log for every request that is aborted.
    """

    __slots__ = ("_coroutines",)

    def __init__(self) -> None:
        self._coroutines: list[CoroutineType[Any, Any, Any]] = []

    def is_awaitable(self, value: Any) -> TypeGuard[Awaitable[Any]]:
        if type(value) is CoroutineType:
            self._coroutines.append(value)
            return True
        return is_awaitable(value)

    def close_soon(self) -> None:
        """Close what was never begun, once the tasks that were cancelled have ended.

        Not before: a task whose coroutine is closed under its hands reports that as a failure.
        """
        asyncio.get_running_loop().call_later(UNWINDING_SECONDS, self._close)

    def _close(self) -> None:
        for coroutine in self._coroutines:
            if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                coroutine.close()


def free_of_cycles(executor_class: type[Executor[Any]]) -> type[Executor[Any]]:
    """Return a class of executors that are gone when nobody has them any more.

    graphql-core's holds an object of two of its own methods, and so itself, with its context and
    all that hangs on that, until garbage is collected: a tenth of what an order cost.
    """

    class Execution(executor_class):  # type: ignore[valid-type, misc]
        @property
        def async_helpers(self) -> GraphQLResolveInfoHelpers:
            return GraphQLResolveInfoHelpers(
                gather=self.gather_async_work, track=self.track_async_work
            )

        @async_helpers.setter
        def async_helpers(self, helpers: GraphQLResolveInfoHelpers) -> None:
            """Made when it is asked for."""

    return Execution
