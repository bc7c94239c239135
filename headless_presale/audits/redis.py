"""What Redis offers, beside what the database says is free."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.audits.findings import Finding, finding_of
from headless_presale.slots.admission import keys_of


async def audit_redis(connection: asyncpg.Connection, redis: Redis) -> list[Finding]:
    """Compare Redis with the database. Equal once all is quiet; while orders come in, nearly.

    A pool that Redis does not know breaks nothing: it is loaded when it is asked for.
    """
    offered: list[str] = []
    withheld: list[str] = []
    async for said in listen(connection, redis):
        free = await free_numbers(connection, said.pool_id)
        offered += said.named(said.offered - free)
        withheld += said.named(free - said.offered - said.pending)
    return [
        finding_of("Redis offers no number that an order owns", offered),
        finding_of("Redis withholds no number that is free", withheld),
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """What Redis says of a pool; ``due_ms`` is when each reservation under way should be over."""

    pool_id: UUID
    offered: set[int]
    pending: set[int]
    taken: dict[UUID, int]
    due_ms: dict[str, int]

    def named(self, numbers: Collection[int]) -> list[str]:
        """Return some of its numbers as subjects of a finding."""
        return [f"{self.pool_id} {number}" for number in sorted(numbers)]


async def listen(connection: asyncpg.Connection, redis: Redis) -> AsyncIterator[Said]:
    """Yield what Redis says of every open pool that it knows."""
    for pool in await connection.fetch("SELECT id FROM slot_pool WHERE is_open ORDER BY id"):
        said = await _said_by(redis, pool["id"])
        if said is not None:
            yield said


async def _said_by(redis: Redis, pool_id: UUID) -> Said | None:
    """Return what Redis would give out and what is under way; None for an unknown pool."""
    keys = keys_of(pool_id)
    async with redis.pipeline(transaction=True) as asking:
        asking.hmget(keys["meta"], "next", "last")
        asking.zrange(keys["free"], 0, -1)
        asking.hgetall(keys["pending"])
        asking.hgetall(keys["taken"])
        asking.zrange(keys["expiry"], 0, -1, withscores=True)
        (first, last), returned, pending, taken, due = await asking.execute()
    if first is None:
        return None
    return Said(
        pool_id=pool_id,
        offered={*map(int, returned), *range(int(first), int(last) + 1)},
        pending={
            int(number)
            for entry in pending.values()
            for number in entry.partition("|")[2].split(",")
        },
        taken={UUID(customer): int(count) for customer, count in taken.items()},
        # One that has no time of its own was left behind by something else.
        due_ms=dict.fromkeys(pending, 0) | {name: int(at) for name, at in due},
    )


async def free_numbers(connection: asyncpg.Connection, pool_id: UUID) -> set[int]:
    """Return the numbers of a pool that no order owns, by the database."""
    rows = await connection.fetch(
        "SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL", pool_id
    )
    return {row["number"] for row in rows}
