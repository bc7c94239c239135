"""Cancels a coroutine at one await after the other, as a shutting-down loop would."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class CancelledAt:
    """Awaits ``inner`` and cancels its task while it waits for the ``step``-th time.

    ``is_reached`` tells whether there were that many awaits.
    """

    def __init__(self, inner: Coroutine[Any, Any, T], step: int) -> None:
        self._inner = inner
        self._step = step
        self.is_reached = False

    def __await__(self) -> Generator[Any, Any, T]:
        waits = 0
        step = _sending(self._inner)
        while True:
            try:
                future = step()
            except StopIteration as finished:
                result: T = finished.value
                return result
            waits += 1
            if waits == self._step:
                self.is_reached = True
                task = asyncio.current_task()
                assert task is not None
                # It takes effect at the next yield: the future below is cancelled at once.
                task.cancel()
            try:
                yield future
            except BaseException as error:
                step = _throwing(self._inner, error)
            else:
                step = _sending(self._inner)


def _sending(inner: Coroutine[Any, Any, Any]) -> Callable[[], Any]:
    return lambda: inner.send(None)


def _throwing(inner: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


async def cancelled_at(step: int, inner: Coroutine[Any, Any, object]) -> bool:
    """Run ``inner`` in its own task, cancelled at its ``step``-th await.

    Returns:
        Whether it had that many awaits. If not it has run to its end.
    """
    stepped = CancelledAt(inner, step)

    async def drive() -> None:
        await stepped

    outcome = await asyncio.gather(asyncio.create_task(drive()), return_exceptions=True)
    if stepped.is_reached:
        return True
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return False
