"""Who owns which slot: the database's side. Redis may waste an attempt; this never oversells.

Everything here is part of the caller's transaction. Pools are always taken in the order of their
ids, so two orders over the same pools cannot wait for each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.slots import admission
from headless_presale.slots.errors import PurchaseLimitReached, SlotConflict, SlotsSoldOut
from headless_presale.slots.loading import resync
from headless_presale.slots.resizing import extend_pool


@dataclass(frozen=True, slots=True)
class PoolOrder:
    """What an order wants, or has, of one pool."""

    pool_id: UUID
    numbers: tuple[int, ...]
    limit: int | None

    @property
    def quantity(self) -> int:
        return len(self.numbers)


async def create_pool(
    work: UnitOfWork, pool_id: UUID, *, capacity: int, limit_per_customer: int | None
) -> None:
    """Create a pool with its numbered slots, all free."""
    await work.execute(
        "INSERT INTO slot_pool (id, capacity, limit_per_customer, is_open, created_at) "
        "VALUES ($1, 0, $2, true, $3)",
        pool_id,
        limit_per_customer,
        clock.now(),
    )
    reach("slots.pool_made")
    await extend_pool(work, pool_id, by=capacity, behind=0)


async def close_pools(work: UnitOfWork, pool_ids: Sequence[UUID]) -> None:
    """Let these pools give out nothing more, whatever Redis says.

    Waits for the claims under way: they commit before this does, so whoever looks for the pools'
    orders afterwards sees them all.
    """
    await work.fetch(
        "SELECT id FROM slot_pool WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(pool_ids),
    )
    await work.execute(
        "UPDATE slot_pool SET is_open = false WHERE id = ANY($1::uuid[])", list(pool_ids)
    )
    reach("slots.pools_closed")
    for pool_id in pool_ids:
        work.after_commit(partial(resync, pool_id))


async def discard_pools(work: UnitOfWork, pool_ids: Sequence[UUID]) -> None:
    """Remove pools that never gave out a number; the database refuses any other."""
    pools = list(pool_ids)
    await work.execute(
        "DELETE FROM slot WHERE pool_id = ANY($1::uuid[]) AND order_id IS NULL", pools
    )
    await work.execute("DELETE FROM slot_pool WHERE id = ANY($1::uuid[])", pools)


async def take_quota(work: UnitOfWork, customer_id: UUID, orders: Sequence[PoolOrder]) -> None:
    """Count an order against its customer's limits; see :func:`take_quotas`."""
    await take_quotas(work, [(customer_id, order) for order in orders])


async def take_quotas(work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]) -> None:
    """Count orders against their customers' limits, also where Redis is empty.

    Args:
        orders: each with its customer, who has one of a pool at most.

    Raises:
        PurchaseLimitReached: a customer would own more than one of the limits.
    """
    orders = sorted(orders, key=lambda each: (each[1].pool_id, each[0]))
    rows = await work.fetch(
        "INSERT INTO customer_quota AS quota (pool_id, customer_id, taken) "
        "SELECT pool, customer, quantity "
        "FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) "
        "  AS wanted(customer, pool, quantity, most) "
        "WHERE most = 0 OR quantity <= most "
        "ON CONFLICT (pool_id, customer_id) DO UPDATE SET taken = quota.taken + excluded.taken "
        "WHERE quota.taken + excluded.taken <= coalesce("
        "  nullif(($4::int[])[array_position($2::uuid[], quota.pool_id)], 0), 2147483647) "
        "RETURNING pool_id, customer_id",
        [customer_id for customer_id, _ in orders],
        [order.pool_id for _, order in orders],
        [order.quantity for _, order in orders],
        [order.limit or 0 for _, order in orders],
    )
    counted = {(row["customer_id"], row["pool_id"]) for row in rows}
    for customer_id, order in orders:
        if (customer_id, order.pool_id) not in counted:
            taken = await work.fetchrow(
                "SELECT taken FROM customer_quota WHERE pool_id = $1 AND customer_id = $2",
                order.pool_id,
                customer_id,
            )
            raise PurchaseLimitReached(
                pool_id=order.pool_id,
                limit=order.limit,
                taken=taken["taken"] if taken else 0,
            )
    reach("slots.quota_taken")


async def claim(work: UnitOfWork, order_id: UUID, orders: Sequence[PoolOrder]) -> None:
    """Make these numbers an order's; see :func:`claim_all`."""
    await claim_all(work, [(order_id, order) for order in orders])


async def claim_all(work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]) -> None:
    """Make these numbers the orders'. The one guard against overselling.

    The key share on the pool is the one its quota row takes anyway; only closing the pool waits
    for it.

    Args:
        orders: what of each pool is to be whose.

    Raises:
        SlotConflict: a number is not free, or its pool is closed; nothing of this transaction may
            be kept.
    """
    wanted = sorted(
        (order.pool_id, number, order_id) for order_id, order in orders for number in order.numbers
    )
    touched = await work.execute(
        "UPDATE slot SET order_id = wanted.owner "
        "FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS wanted(pool, n, owner) "
        "JOIN (SELECT id FROM slot_pool WHERE id = ANY($1::uuid[]) AND is_open "
        "      ORDER BY id FOR KEY SHARE) AS giving ON giving.id = wanted.pool "
        "WHERE slot.pool_id = wanted.pool AND slot.number = wanted.n AND slot.order_id IS NULL",
        [pool_id for pool_id, _, _ in wanted],
        [number for _, number, _ in wanted],
        [order_id for _, _, order_id in wanted],
    )
    reach("slots.claimed")
    if touched != len(wanted):
        raise SlotConflict(f"{len(wanted) - touched} of {len(wanted)} numbers are not to be had")


async def pick_free(work: UnitOfWork, pool_id: UUID, quantity: int) -> tuple[int, ...]:
    """Lock the lowest free numbers: the way without Redis, slower and just as right.

    Raises:
        SlotsSoldOut: fewer are free.
        SlotConflict: enough are free, but other transactions hold them at the moment.
    """
    rows = await work.fetch(
        "SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL "
        "ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED",
        pool_id,
        quantity,
    )
    if len(rows) == quantity:
        return tuple(row["number"] for row in rows)
    free = await count_free(work, pool_id)
    if free < quantity:
        raise SlotsSoldOut(pool_id=pool_id, remaining=free)
    raise SlotConflict("the free numbers are locked by other orders")


async def count_free(work: UnitOfWork, pool_id: UUID) -> int:
    """Return how many slots of a pool are free, by the database."""
    row = await work.fetchrow(
        "SELECT count(*) AS free FROM slot WHERE pool_id = $1 AND order_id IS NULL", pool_id
    )
    assert row is not None
    return int(row["free"])


async def release(work: UnitOfWork, order_id: UUID, customer_id: UUID) -> Mapping[UUID, list[int]]:
    """Free what the order owns; return the numbers by pool. Repeating frees nothing more.

    The quota goes down in the same transaction; Redis hears of it after the commit, and should it
    not, the reconciler finds the numbers.
    """
    rows = await work.fetch(
        "UPDATE slot SET order_id = NULL WHERE order_id = $1 RETURNING pool_id, number", order_id
    )
    reach("slots.released")
    released: dict[UUID, list[int]] = {}
    for row in sorted(rows, key=lambda row: (row["pool_id"], row["number"])):
        released.setdefault(row["pool_id"], []).append(row["number"])
    for pool_id, numbers in released.items():
        await work.execute(
            "UPDATE customer_quota SET taken = taken - $3 WHERE pool_id = $1 AND customer_id = $2",
            pool_id,
            customer_id,
            len(numbers),
        )
        reach("slots.quota_returned")
        work.after_commit(partial(admission.give_back, pool_id, customer_id, numbers))
    return released


async def move_quotas(
    work: UnitOfWork, from_id: UUID, to_id: UUID, pool_ids: Sequence[UUID]
) -> None:
    """Count what a customer owns of these pools for another one, beside what he owns himself.

    Limits are for what both own together: nobody begins anew by having two accounts made one.
    """
    await work.execute(
        "INSERT INTO customer_quota AS quota (pool_id, customer_id, taken) "
        "SELECT pool_id, $2, taken FROM customer_quota "
        "WHERE customer_id = $1 AND pool_id = ANY($3::uuid[]) ORDER BY pool_id "
        "ON CONFLICT (pool_id, customer_id) DO UPDATE SET taken = quota.taken + excluded.taken",
        from_id,
        to_id,
        list(pool_ids),
    )
    reach("slots.quotas_counted")
    await work.execute(
        "DELETE FROM customer_quota WHERE customer_id = $1 AND pool_id = ANY($2::uuid[])",
        from_id,
        list(pool_ids),
    )
    reach("slots.quotas_given_over")
    for pool_id in pool_ids:
        # Should Redis not hear of it, the reconciler writes both counts anew.
        work.after_commit(partial(admission.move_taken, pool_id, from_id, to_id))
