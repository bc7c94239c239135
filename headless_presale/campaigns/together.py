"""Rows that are asked for at the same time, read in one statement.

One statement is under way at a time; who comes meanwhile is read by the next, with all who do.
Nobody waits where nobody else asks, and five hundred sales that change in the same second cost a
few statements instead of fifteen hundred round trips.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 200
"""With so many nobody else is added to a statement."""


class ReadTogether(Generic[K, V]):
    """Gathers keys.

    Args:
        read: reads many at once; what does not exist is left out. What it raises is raised to
            everybody whose key was among them.
    """

    def __init__(self, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._gathering: set[K] | None = None
        self._latest: asyncio.Task[Mapping[K, V]] | None = None

    async def find(self, key: K) -> V | None:
        """Return what is read by a statement that begins from now on; None if there is nothing."""
        return (await self.find_all((key,))).get(key)

    async def find_all(self, keys: Collection[K]) -> Mapping[K, V]:
        """Likewise for several, by one statement; in the order of the keys."""
        latest = self._latest
        if latest is not None and latest.get_loop() is not asyncio.get_running_loop():
            latest = self._gathering = None
        if latest is None or self._gathering is None or len(self._gathering) >= MOST:
            self._gathering = set()
            latest = asyncio.create_task(self._read_after(latest, self._gathering))
            self._latest = latest
        self._gathering.update(keys)
        # Who goes away does not take the statement from the others.
        found = await asyncio.shield(latest)
        return {key: found[key] for key in keys if key in found}

    async def _read_after(
        self, before: "asyncio.Task[Mapping[K, V]] | None", keys: set[K]
    ) -> Mapping[K, V]:
        if before is not None:
            await asyncio.wait({before})
        if self._gathering is keys:
            self._gathering = None
        return await self._read(keys)
