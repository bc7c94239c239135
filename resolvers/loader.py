"""A dataloader of what many rows of one list ask for."""

import asyncio
from asyncio import Future, Task
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar, cast

from strawberry.dataloader import DataLoader

from resolvers.readiness import Soon

K = TypeVar("K")
V = TypeVar("V")


class Loader(DataLoader[K, V]):
    """A dataloader that tells what it has loaded already without anybody having to wait.

    A list is loaded by one task into one mapping: a future for each of its keys, woken and looked
    at by itself, cost more than the round trip.
    """

    def __init__(self, load_fn: Callable[[list[K]], Awaitable[list[V]]]) -> None:
        super().__init__(load_fn=load_fn)
        self._load = load_fn
        self._prepared: dict[K, V | Exception] = {}
        self._told: dict[K, V] = {}
        self._preparing: dict[K, Task[None]] = {}

    def tell(self, values: Mapping[K, V]) -> None:
        """As ``prime_many``, but nothing is made of a value until somebody asks for it."""
        if self.batch is not None and not self.batch.dispatched:
            # Somebody waits already, perhaps for one of these.
            self.prime_many(values)
        else:
            self._told = {**values, **self._told}

    def load(self, key: K) -> Awaitable[V]:
        if key in self._told:
            self.prime(key, self._told.pop(key))
        return super().load(key)

    def find(self, key: K) -> Soon[V]:
        """Return what a key loads as: at once where it has been loaded.

        Raises:
            Exception: what loading it has raised.
        """
        try:
            prepared = self._prepared[key]
        except KeyError:
            found = cast("Future[V]", self.load(key))
            return found.result() if found.done() else found
        if isinstance(prepared, Exception):
            raise prepared
        return prepared

    async def prepare(self, keys: Sequence[K]) -> None:
        """Load these at a time, so that whoever asks then finds them there.

        What fails is raised to who asks, if anybody does.
        """
        preparing = self._preparing
        missing = [key for key in dict.fromkeys(keys) if key not in preparing]
        if missing:
            # A task, for what others wait for as well does not end with its first caller.
            preparing.update(dict.fromkeys(missing, asyncio.create_task(self._prepare(missing))))
        under_way = {task for key in keys if not (task := preparing[key]).done()}
        if under_way:
            await asyncio.wait(under_way)

    async def _prepare(self, keys: list[K]) -> None:
        found = await _outcomes(self._load, keys)
        self._prepared.update(zip(keys, found, strict=True))


async def _outcomes(
    load: Callable[[list[K]], Awaitable[list[V]]], keys: list[K]
) -> Sequence[V | Exception]:
    try:
        return await load(keys)
    except Exception as error:
        return [error] * len(keys)
