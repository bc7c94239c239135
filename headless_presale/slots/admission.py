"""Admission: Redis gives out numbers, fast and only once; the database decides who owns them.

Every operation is one Lua call and safe to repeat. All keys of a pool share its hash tag, so a
Redis Cluster keeps them on one node.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from headless_presale.kernel.redis import LuaScript

RESERVATION_TTL_SECONDS = 30
"""How long an admitted reservation may take to commit before the reconciler looks for its order.

Longer than a transaction can live (pool wait, statement and idle-in-transaction timeouts)."""

_SCRIPTS = "headless_presale.slots.scripts"
_admit = LuaScript(_SCRIPTS, "admit")
_settle = LuaScript(_SCRIPTS, "settle")
_abort = LuaScript(_SCRIPTS, "abort")
_release = LuaScript(_SCRIPTS, "release")
_load = LuaScript(_SCRIPTS, "load")
_remaining = LuaScript(_SCRIPTS, "remaining")


def keys_of(pool_id: UUID) -> dict[str, str]:
    """Return the Redis keys of a pool by their short names."""
    names = ("meta", "free", "taken", "pending", "expiry", "owners")
    return {name: f"slots:{{{pool_id}}}:{name}" for name in names}


def _keys(pool_id: UUID, *names: str) -> list[str]:
    keys = keys_of(pool_id)
    return [keys[name] for name in names]


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
        case _:
            return PoolUnknown()


async def settle(pool_id: UUID, reservation_id: UUID) -> None:
    """End a reservation whose order is committed. Its numbers stay taken."""
    await _settle(_keys(pool_id, "pending", "expiry", "owners"), [str(reservation_id)])


async def abort(pool_id: UUID, reservation_id: UUID, *, owned: Sequence[int] = ()) -> int:
    """End a reservation without an order; give its numbers back, except those ``owned``."""
    return int(
        await _abort(
            _keys(pool_id, "meta", "free", "taken", "pending", "expiry"),
            [str(reservation_id), *map(str, owned)],
        )
    )


async def give_back(pool_id: UUID, customer_id: UUID, numbers: Sequence[int]) -> int:
    """Offer numbers again that the database has released."""
    return int(
        await _release(
            _keys(pool_id, "meta", "free", "taken"), [str(customer_id), *map(str, numbers)]
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTruth:
    """What the database says of a pool. ``next_number`` is the highest owned number plus one."""

    capacity: int
    limit: int | None
    is_open: bool
    next_number: int
    free_below_next: Sequence[int]
    taken: Mapping[UUID, int]
    owners: Sequence[UUID]


async def load(pool_id: UUID, truth: PoolTruth, *, replace: bool) -> bool:
    """Write what the database says; without ``replace`` only where Redis knows nothing.

    Reservations under way keep their numbers.
    """
    body = {
        "capacity": truth.capacity,
        "limit": truth.limit or 0,
        "open": int(truth.is_open),
        "next": truth.next_number,
        "free": list(truth.free_below_next),
        "taken": {str(customer): count for customer, count in truth.taken.items()},
        "owners": [str(order_id) for order_id in truth.owners],
    }
    return bool(
        await _load(
            _keys(pool_id, "meta", "free", "taken", "pending", "owners"),
            ["replace" if replace else "absent", orjson.dumps(body).decode()],
        )
    )


async def count_remaining(pool_id: UUID) -> int | None:
    """Return how many are free by Redis's count; None when it does not know the pool.

    Raises:
        Unavailable: Redis does not answer.
    """
    result = await _remaining(_keys(pool_id, "meta", "free"), [])
    return int(result[0]) if result else None
