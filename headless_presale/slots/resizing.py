"""How many slots a pool has: appended, taken away and put back while it sells.

The rows of ``slot`` are the slots; ``slot_pool.capacity`` says how many there are. Taking away
leaves holes: numbers that have been, and may come back. Everything here is part of the caller's
transaction, and changes of one pool wait for each other. Orders do not wait: no lock of theirs is
waited for, and none of the locks taken here keeps them from any number but those taken away.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.slots.errors import CapacityBelowSold
from headless_presale.slots.loading import resync

BATCH = 100_000
"""Slots per statement: a million in one would outlast ``statement_timeout`` on a slow disk."""


async def lock_capacity(work: UnitOfWork, pool_id: UUID) -> int:
    """Return a pool's capacity; it changes no more until the transaction ends.

    Not for its key: orders go on taking its numbers meanwhile.

    Raises:
        LookupError: there is no such pool.
    """
    row = await work.fetchrow(
        "SELECT capacity FROM slot_pool WHERE id = $1 FOR NO KEY UPDATE", pool_id
    )
    if row is None:
        raise LookupError(f"no slot pool {pool_id}")
    return int(row["capacity"])


async def extend_pool(work: UnitOfWork, pool_id: UUID, *, by: int, behind: int) -> int:
    """Append ``by`` free numbers behind one that no slot exceeds; return the last of them.

    Numbers given out stay as they are.

    Raises:
        LookupError: there is no such pool.
    """
    await lock_capacity(work, pool_id)
    last = behind + by
    for first in range(behind + 1, last + 1, BATCH):
        await work.execute(
            "INSERT INTO slot (pool_id, number) SELECT $1, generate_series($2::int, $3::int)",
            pool_id,
            first,
            min(first + BATCH - 1, last),
        )
        reach("slots.appended")
    await _count(work, pool_id, by=by)
    return last


async def shrink_pool(work: UnitOfWork, pool_id: UUID, *, to: int) -> None:
    """Take free numbers away, the highest first, until at most ``to`` are left.

    A number that another transaction has locked is skipped: its order is under way, so it counts
    as owned. An order that wants a number taken away waits for this transaction and then finds
    that it cannot be had.

    Raises:
        CapacityBelowSold: more are owned; nothing of this transaction may be kept.
        LookupError: there is no such pool.
    """
    capacity = await lock_capacity(work, pool_id)
    owned = await work.fetchrow(
        "SELECT count(*) AS owned FROM slot WHERE pool_id = $1 AND order_id IS NOT NULL", pool_id
    )
    assert owned is not None
    if owned["owned"] > to:
        raise CapacityBelowSold(owned=owned["owned"])
    left = capacity
    while left > to:
        # Never waiting for a row: whoever holds one may be waiting for the pool. Materialized: in a
        # plain subquery, a plan that looks at it for each slot takes others for those just gone,
        # and more than the limit.
        gone = await work.execute(
            "WITH spare AS MATERIALIZED ("
            "  SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL "
            "  ORDER BY number DESC LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM slot USING spare "
            "WHERE slot.pool_id = $1 AND slot.number = spare.number",
            pool_id,
            min(left - to, BATCH),
        )
        reach("slots.taken_away")
        if not gone:
            raise CapacityBelowSold(owned=left)
        left -= gone
    await _count(work, pool_id, by=left - capacity)


async def refill_pool(work: UnitOfWork, pool_id: UUID, *, by: int, up_to: int) -> int:
    """Put back up to ``by`` of the numbers 1 to ``up_to`` that were taken away, the lowest first.

    Returns:
        How many were put back: fewer than ``by`` where there are no more holes.

    Raises:
        LookupError: there is no such pool.
    """
    await lock_capacity(work, pool_id)
    back = 0
    for first in range(1, up_to + 1, BATCH):
        back += await work.execute(
            "INSERT INTO slot (pool_id, number) "
            "SELECT $1, n FROM generate_series($2::int, $3::int) AS n WHERE NOT EXISTS ("
            "  SELECT FROM slot WHERE pool_id = $1 AND number = n) ORDER BY n LIMIT $4",
            pool_id,
            first,
            min(first + BATCH - 1, up_to),
            by - back,
        )
        reach("slots.put_back")
        if back == by:
            break
    await _count(work, pool_id, by=back)
    return back


async def count_in_ranges(
    work: UnitOfWork, pool_id: UUID, ranges: Sequence[tuple[int, int]]
) -> list[int]:
    """Return how many slots a pool has in each range of numbers, both ends included."""
    rows = await work.fetch(
        "SELECT (SELECT count(*) FROM slot "
        "  WHERE pool_id = $1 AND number BETWEEN wanted.first AND wanted.last) AS slots "
        "FROM unnest($2::int[], $3::int[]) WITH ORDINALITY AS wanted(first, last, position) "
        "ORDER BY position",
        pool_id,
        [first for first, _ in ranges],
        [last for _, last in ranges],
    )
    return [row["slots"] for row in rows]


async def set_limit(work: UnitOfWork, pool_id: UUID, limit_per_customer: int | None) -> None:
    """Set how many of a pool's slots one customer may own; None for any number."""
    await work.execute(
        "UPDATE slot_pool SET limit_per_customer = $2 WHERE id = $1", pool_id, limit_per_customer
    )
    work.after_commit(partial(resync, pool_id))


async def _count(work: UnitOfWork, pool_id: UUID, *, by: int) -> None:
    await work.execute("UPDATE slot_pool SET capacity = capacity + $2 WHERE id = $1", pool_id, by)
    reach("slots.counted")
    work.after_commit(partial(resync, pool_id))
