"""What is there at once where it has been loaded, and is awaited where it has not.

A coroutine costs its task and three turns of the loop, whether or not it has to wait. A field of
each row of a list that reads what the whole list has loaded need not be one.
"""

from asyncio import Future, gather
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    Soon: TypeAlias = T | Awaitable[T]
    """A value, or what gives it when awaited. As the type of a field it is the value's."""
else:

    class Soon:
        """Stands for the value alone: what Strawberry makes a field's type of."""

        def __class_getitem__(cls, of: Any) -> Any:
            return of


class Later(Generic[T, R]):
    """What is made of a value once that is there. Nothing is left over if nobody awaits it."""

    __slots__ = ("_found", "_make")

    def __init__(self, found: Awaitable[T], make: Callable[[T], R]) -> None:
        self._found = found
        self._make = make

    def __await__(self) -> Generator[Any, None, R]:
        value = yield from self._found.__await__()
        return self._make(value)


class _Together(Later[Any, list[T]]):
    """All of several, some of which are there."""

    __slots__ = ("_all",)

    def __init__(self, found: Sequence[Soon[T]]) -> None:
        self._all = found

    def __await__(self) -> Generator[Any, None, list[T]]:
        yield from gather(*(each for each in self._all if isinstance(each, Future))).__await__()
        return [each.result() if isinstance(each, Future) else cast(T, each) for each in self._all]


_AWAITED = (Future, Later)


def then(found: Soon[T], make: Callable[[T], R]) -> Soon[R]:
    """Return what is made of what is found: at once where that is there."""
    if isinstance(found, _AWAITED):
        return Later(found, make)
    return make(found)  # type: ignore[arg-type]


def all_of(found: Sequence[Soon[T]]) -> Soon[list[T]]:
    """Return all of what a loader found, in its order: at once where all of it is there."""
    for each in found:
        if isinstance(each, Future):
            return _Together(found)
    return found  # type: ignore[return-value]


async def settled(found: Soon[T]) -> T:
    """Return the value; wait for it if it is not there yet."""
    return await found if isinstance(found, _AWAITED) else found  # type: ignore[return-value]
