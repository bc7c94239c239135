"""One read for all who want the same at the same time.

What is remembered for a second is too old for everybody in the same moment: in a rush each of them
would read it anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

from headless_presale.kernel.freshness import note_read

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Shares what is being read, by key."""

    def __init__(self) -> None:
        self._under_way: dict[K, tuple[float, asyncio.Task[V]]] = {}

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """Return what is read for a key, by whoever asked first; its failure is everybody's.

        Who goes away does not end it for the others. How old it may be is noted for freshness.
        """
        began_at, reading = self._under_way.get(key, (0.0, None))
        if reading is not None and reading.get_loop() is asyncio.get_running_loop():
            note_read(began_at)
        else:
            reading = asyncio.create_task(_await(read), name="single-flight")
            self._under_way[key] = time.monotonic(), reading
            reading.add_done_callback(partial(self._end, key))
        return await asyncio.shield(reading)

    def forget(self, key: K) -> None:
        """Have the next one read anew: what is under way may be from before a change."""
        self._under_way.pop(key, None)

    def clear(self) -> None:
        """Have everybody read anew."""
        self._under_way.clear()

    def _end(self, key: K, reading: "asyncio.Task[Any]") -> None:
        if self._under_way.get(key, (0.0, None))[1] is reading:
            del self._under_way[key]
        if not reading.cancelled():
            # Should all have gone meanwhile, nobody else looks at it.
            reading.exception()


async def _await(read: Callable[[], Awaitable[V]]) -> V:
    return await read()
