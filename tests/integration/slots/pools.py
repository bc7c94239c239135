"""Pools made for the tests of this folder, and what Redis says of them."""

from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import (
    PoolOrder,
    claim,
    create_pool,
    extend_pool,
    refill_pool,
    release,
    shrink_pool,
    take_quota,
)
from headless_presale.slots.admission import PoolTruth, keys_of


@shielded
async def make_pool(capacity: int, limit: int | None = None) -> UUID:
    """Create a pool in the database; Redis hears of it after the commit."""
    pool_id = new_id()
    async with unit_of_work() as work:
        await create_pool(work, pool_id, capacity=capacity, limit_per_customer=limit)
    return pool_id


@shielded
async def own(
    pool_id: UUID, numbers: tuple[int, ...], *, order_id: UUID | None = None, customer: UUID
) -> UUID:
    """Make numbers an order's in the database only: Redis hears nothing."""
    owner = order_id or new_id()
    async with unit_of_work() as work:
        wanted = [PoolOrder(pool_id, numbers, None)]
        await take_quota(work, customer, wanted)
        await claim(work, owner, wanted)
    return owner


@shielded
async def disown(order_id: UUID, customer: UUID) -> None:
    """Free an order's numbers; Redis hears of it after the commit."""
    async with unit_of_work() as work:
        await release(work, order_id, customer)


@shielded
async def shrink(pool_id: UUID, *, to: int) -> None:
    """Take free numbers away."""
    async with unit_of_work() as work:
        await shrink_pool(work, pool_id, to=to)


@shielded
async def refill(pool_id: UUID, *, by: int, up_to: int) -> int:
    """Put numbers back; return how many."""
    async with unit_of_work() as work:
        return await refill_pool(work, pool_id, by=by, up_to=up_to)


@shielded
async def extend(pool_id: UUID, *, by: int, behind: int) -> int:
    """Append numbers; return the last."""
    async with unit_of_work() as work:
        return await extend_pool(work, pool_id, by=by, behind=behind)


async def slots_of(admin: asyncpg.Connection, pool_id: UUID) -> dict[int, UUID | None]:
    """Return every slot of a pool with its owner, by number."""
    rows = await admin.fetch(
        "SELECT number, order_id FROM slot WHERE pool_id = $1 ORDER BY number", pool_id
    )
    return {row["number"]: row["order_id"] for row in rows}


async def offered_by(redis: Redis, pool_id: UUID) -> list[int]:
    """Return the numbers that Redis would give out, in order."""
    keys = keys_of(pool_id)
    returned = [int(str(n)) for n in await redis.zrange(keys["free"], 0, -1)]
    first, last = await redis.hmget(keys["meta"], "next", "last")
    return [*returned, *range(int(first or 1), int(last or 0) + 1)]


def truth(
    last_number: int,
    *,
    limit: int | None = None,
    is_open: bool = True,
    next_number: int = 1,
    free: tuple[int, ...] = (),
    taken: dict[UUID, int] | None = None,
    owners: tuple[UUID, ...] = (),
) -> PoolTruth:
    """Return a pool as the database would describe it."""
    return PoolTruth(
        last_number=last_number,
        limit=limit,
        is_open=is_open,
        next_number=next_number,
        free_below_next=free,
        taken=taken or {},
        owners=owners,
    )


async def said(redis: Redis, pool_id: UUID) -> dict[str, Any]:
    """Return what Redis says of a pool, under short names; what is empty is left out."""
    keys = keys_of(pool_id)
    found: dict[str, Any] = {
        "meta": await redis.hgetall(keys["meta"]),
        "free": [int(str(n)) for n in await redis.zrange(keys["free"], 0, -1)],
        "taken": {
            UUID(str(customer)): int(n)
            for customer, n in (await redis.hgetall(keys["taken"])).items()
        },
        "pending": {
            UUID(str(reservation)): entry
            for reservation, entry in (await redis.hgetall(keys["pending"])).items()
        },
        "expiry": {UUID(str(r)) for r in await redis.zrange(keys["expiry"], 0, -1)},
        "owners": {UUID(str(order)) for order in await redis.smembers(keys["owners"])},
    }
    return {name: value for name, value in found.items() if value}


async def capacity_of(admin: asyncpg.Connection, pool_id: UUID) -> int:
    """Return how many slots a pool has, as the database says."""
    capacity = await admin.fetchval("SELECT capacity FROM slot_pool WHERE id = $1", pool_id)
    assert isinstance(capacity, int)
    return capacity
