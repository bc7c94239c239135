"""Admission: Redis gives out numbers, fast and only once; the database decides who owns them.

Every operation is one Lua call and safe to repeat. All keys of a pool share its hash tag, so a
Redis Cluster keeps them on one node.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TypeVar
from uuid import UUID

from headless_presale.kernel.ids import new_id
from headless_presale.kernel.redis import LuaScript, answering_redis

RESERVATION_TTL_SECONDS = 30
"""How long an admitted reservation may take to commit before the reconciler looks for its order.

Longer than a transaction can live (pool wait, statement and idle-in-transaction timeouts)."""

_SCRIPTS = "headless_presale.slots.scripts"
_admit = LuaScript(_SCRIPTS, "admit")
_settle = LuaScript(_SCRIPTS, "settle")
_abort = LuaScript(_SCRIPTS, "abort")
_release = LuaScript(_SCRIPTS, "release")
_move_taken = LuaScript(_SCRIPTS, "move_taken")
_load = LuaScript(_SCRIPTS, "load")
_remaining = LuaScript(_SCRIPTS, "remaining")


def keys_of(pool_id: UUID) -> dict[str, str]:
    """Return the Redis keys of a pool by their short names."""
    names = ("meta", "free", "taken", "pending", "expiry", "owners")
    return {name: f"slots:{{{pool_id}}}:{name}" for name in names}


@lru_cache(maxsize=10_000)
def _keys(pool_id: UUID, *names: str) -> tuple[str, ...]:
    keys = keys_of(pool_id)
    return tuple(keys[name] for name in names)


@dataclass(frozen=True, slots=True)
class Admitted:
    """These numbers are reserved for the reservation; ``is_repeat`` if it had them before."""

    numbers: tuple[int, ...]
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class AlreadyPlaced:
    """The order of this reservation is in the database: answer with it."""


@dataclass(frozen=True, slots=True)
class SoldOut:
    """Fewer are left than asked for."""

    remaining: int


@dataclass(frozen=True, slots=True)
class OverLimit:
    """The customer would exceed the limit."""

    taken: int
    limit: int


@dataclass(frozen=True, slots=True)
class PoolUnknown:
    """Redis does not know the pool: it was emptied, or the pool is new. Load it, then ask again."""


@dataclass(frozen=True, slots=True)
class PoolClosed:
    """The pool gives out nothing at the moment."""


Admission = Admitted | AlreadyPlaced | SoldOut | OverLimit | PoolUnknown | PoolClosed


async def admit(pool_id: UUID, reservation_id: UUID, customer_id: UUID, quantity: int) -> Admission:
    """Reserve ``quantity`` numbers, all or none. Repeating a reservation returns its numbers.

    Raises:
        Unavailable: Redis does not answer.
    """
    result = await _admit(
        _keys(pool_id, "meta", "free", "taken", "pending", "expiry", "owners"),
        [
            str(reservation_id),
            str(customer_id),
            quantity,
            int(time.time() * 1000),
            RESERVATION_TTL_SECONDS * 1000,
        ],
    )
    match result:
        case ["OK" | "DUP" as word, *numbers]:
            return Admitted(tuple(sorted(map(int, numbers))), is_repeat=word == "DUP")
        case ["DONE"]:
            return AlreadyPlaced()
        case ["SOLD_OUT", remaining]:
            return SoldOut(int(remaining))
        case ["LIMIT", taken, limit]:
            return OverLimit(taken=int(taken), limit=int(limit))
        case ["CLOSED"]:
            return PoolClosed()
        case ["UNKNOWN_POOL"]:
            return PoolUnknown()
        case _:
            raise ValueError(f"admit.lua answered {result!r}")


async def settle(pool_id: UUID, *reservation_ids: UUID) -> None:
    """End reservations whose orders are committed. Their numbers stay taken."""
    await _settle(_keys(pool_id, "pending", "expiry", "owners"), list(map(str, reservation_ids)))


async def abort(pool_id: UUID, reservation_id: UUID, *, unfree: Sequence[int] = ()) -> int:
    """End a reservation without an order; give its numbers back.

    Args:
        unfree: those of its numbers that an order owns, or that no longer exist.
    """
    return int(
        await _abort(
            _keys(pool_id, "meta", "free", "taken", "pending", "expiry"),
            [str(reservation_id), *map(str, unfree)],
        )
    )


async def give_back(pool_id: UUID, customer_id: UUID, numbers: Sequence[int]) -> int:
    """Offer numbers again that the database has released."""
    return int(
        await _release(
            _keys(pool_id, "meta", "free", "taken"), [str(customer_id), *map(str, numbers)]
        )
    )


async def move_taken(pool_id: UUID, from_id: UUID, to_id: UUID) -> int:
    """Count a customer's slots for another one; return how many."""
    return int(await _move_taken(_keys(pool_id, "taken"), [str(from_id), str(to_id)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTruth:
    """What the database says of a pool.

    The fresh numbers ``next_number`` to ``last_number`` all exist and are free; there is no number
    behind them, and none fresh where ``next_number`` is the higher one. Below them lie owned
    numbers, the free ones listed, and holes. ``owners`` are the orders that the database has, those
    that are over included.
    """

    next_number: int
    last_number: int
    limit: int | None
    is_open: bool
    free_below_next: Sequence[int]
    taken: Mapping[UUID, int]
    owners: Sequence[UUID]


LOAD_BATCH = 5_000
"""Entries per call while a pool is staged: each call stays far below Redis's timeout."""
_STAGED_FOR_MS = 60_000
"""What a process that died while loading leaves behind goes away by itself."""

T = TypeVar("T")


def _batches(entries: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(entries)
    while batch := list(islice(rest, LOAD_BATCH)):
        yield batch


async def is_known(pool_id: UUID) -> bool:
    """Tell whether Redis knows the pool.

    Raises:
        Unavailable: Redis does not answer.
    """
    async with answering_redis() as client:
        return bool(await client.exists(keys_of(pool_id)["meta"]))


async def load(pool_id: UUID, truth: PoolTruth, *, replace: bool) -> bool:
    """Write what the database says; without ``replace`` only where Redis knows nothing.

    Reservations under way keep their numbers. Returns whether it was written.

    Raises:
        Unavailable: Redis does not answer; what it said of the pool before still stands.
    """
    staged = [f"slots:{{{pool_id}}}:staged:{new_id()}:{name}" for name in ("free", "taken")]
    free, taken = staged
    await add_owners(pool_id, truth.owners)
    async with answering_redis() as client:
        for numbers in _batches(truth.free_below_next):
            await client.zadd(free, {str(n): n for n in numbers})
            await client.pexpire(free, _STAGED_FOR_MS)
        for counts in _batches(truth.taken.items()):
            await client.hset(taken, mapping={str(customer): n for customer, n in counts})
            await client.pexpire(taken, _STAGED_FOR_MS)
    return bool(
        await _load(
            [*_keys(pool_id, "meta", "free", "taken", "pending", "owners"), *staged],
            [
                "replace" if replace else "absent",
                truth.next_number,
                truth.last_number,
                truth.limit or 0,
                int(truth.is_open),
            ],
        )
    )


async def add_owners(pool_id: UUID, order_ids: Iterable[UUID]) -> None:
    """Let Redis know of orders that the database has; asked for again they get their answer.

    Raises:
        Unavailable: Redis does not answer.
    """
    owners = keys_of(pool_id)["owners"]
    async with answering_redis() as client:
        for orders in _batches(order_ids):
            await client.sadd(owners, *map(str, orders))


async def count_remaining(pool_id: UUID) -> int | None:
    """Return how many are free by Redis's count; None when it does not know the pool.

    Raises:
        Unavailable: Redis does not answer.
    """
    return (await count_each_remaining([pool_id]))[0]


async def count_each_remaining(pool_ids: Sequence[UUID]) -> list[int | None]:
    """Return the same of several pools in one round trip, in their order.

    Raises:
        Unavailable: Redis does not answer.
    """
    results = await _remaining.all([(_keys(pool_id, "meta", "free"), ()) for pool_id in pool_ids])
    return [int(result[0]) if result else None for result in results]
