"""Telling Redis what the database says of a pool.

A pool may hold many thousands of owners, and a Redis that lost its memory in a rush is missed by
everybody at once. So a process loads one pool once at a time, and those who waited for a load that
began after they asked take its result as theirs.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID
from weakref import WeakValueDictionary

from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.slots import admission
from headless_presale.slots.admission import PoolTruth

_moments = count(1)


@dataclass(eq=False)
class _Turn:
    """One pool's queue of loads in this process."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun_at: int = 0
    is_known: bool = False


_turns: WeakValueDictionary[UUID, _Turn] = WeakValueDictionary()


@shielded
async def load_if_unknown(pool_id: UUID) -> bool:
    """Tell Redis of a pool it does not know; return whether there is such a pool.

    Raises:
        Unavailable: Redis or the database does not answer.
    """
    return await _load(pool_id, replace=False)


@shielded
async def resync(pool_id: UUID) -> bool:
    """Replace what Redis says of a pool by what the database says; False if there is no such pool.

    Raises:
        Unavailable: Redis or the database does not answer.
    """
    return await _load(pool_id, replace=True)


async def forget_counts(pool_ids: Sequence[UUID]) -> None:
    """Count anew what each customer owns of these pools, where Redis knows them.

    Raises:
        Unavailable: Redis or the database does not answer; the reconciler does it later.
    """
    for pool_id in pool_ids:
        if await admission.is_known(pool_id):
            await resync(pool_id)


async def _load(pool_id: UUID, *, replace: bool) -> bool:
    asked_at = next(_moments)
    turn = _turns.setdefault(pool_id, _Turn())
    async with turn.lock:
        if turn.begun_at > asked_at:
            return turn.is_known
        if not replace and await admission.is_known(pool_id):
            return True
        begun_at = next(_moments)
        truth = await find_truth(pool_id)
        if truth is not None:
            await admission.load(pool_id, truth, replace=replace)
            reach("slots.loaded")
        turn.begun_at, turn.is_known = begun_at, truth is not None
        return turn.is_known


@shielded
async def find_truth(pool_id: UUID, *, with_owners: bool = True) -> PoolTruth | None:
    """Read what Redis should say of a pool, in a transaction of its own; None if there is none."""
    async with unit_of_work() as work:
        # One snapshot for all reads, whatever commits meanwhile.
        await work.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return await _read_truth(work, pool_id, with_owners=with_owners)


# Orders that are over are asked for again as well. They own no slot any more, and a Redis that lost
# its memory would answer "sold out" to a request that was answered with an order before.
_ORDERS = """
SELECT order_id FROM slot WHERE pool_id = $1 AND order_id IS NOT NULL
UNION
SELECT o.id FROM campaign_item i JOIN sales_order o ON o.campaign_id = i.campaign_id
WHERE i.pool_id = $1
"""


async def _read_truth(work: UnitOfWork, pool_id: UUID, *, with_owners: bool) -> PoolTruth | None:
    row = await work.fetchrow(
        "SELECT capacity, limit_per_customer, is_open, "
        "  (SELECT coalesce(max(number), 0) FROM slot WHERE pool_id = $1) AS last, "
        "  (SELECT coalesce(max(number), 0) + 1 FROM slot "
        "   WHERE pool_id = $1 AND order_id IS NOT NULL) AS next "
        "FROM slot_pool WHERE id = $1",
        pool_id,
    )
    if row is None:
        return None
    next_number: int = row["next"]
    if row["last"] != row["capacity"]:
        # Fewer slots than numbers: there are holes, perhaps above the highest owned number.
        next_number = await _skip_holes(work, pool_id, next_number)
    free = await work.fetch(
        "SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL AND number < $2 "
        "ORDER BY number",
        pool_id,
        next_number,
    )
    taken = await work.fetch(
        "SELECT customer_id, taken FROM customer_quota WHERE pool_id = $1 AND taken > 0", pool_id
    )
    owners = await work.fetch(_ORDERS, pool_id) if with_owners else []
    return PoolTruth(
        next_number=next_number,
        last_number=row["last"],
        limit=row["limit_per_customer"],
        is_open=row["is_open"],
        free_below_next=[r["number"] for r in free],
        taken={r["customer_id"]: r["taken"] for r in taken},
        owners=[r["order_id"] for r in owners],
    )


async def _skip_holes(work: UnitOfWork, pool_id: UUID, number: int) -> int:
    """Return where the last run of numbers without a hole begins, at ``number`` at the earliest."""
    row = await work.fetchrow(
        "SELECT max(number) AS number FROM ("
        "  SELECT number, lag(number, 1, $2 - 1) OVER (ORDER BY number) AS before "
        "  FROM slot WHERE pool_id = $1 AND number >= $2) AS slots "
        "WHERE number > before + 1",
        pool_id,
        number,
    )
    assert row is not None
    return row["number"] or number
