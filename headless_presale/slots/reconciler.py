"""The reconciler: compares Redis with the database, repairs Redis only, reports drift.

Four kinds of difference, none of which can oversell:

- a reservation past its time: its process died between Redis and the database, or before it told
  Redis of its commit. The order exists: settle. It does not: give the numbers back.
- a number that Redis offers though an order owns it: withdrawn at once.
- a number that is free in the database but that Redis neither offers nor has pending: lost on the
  way back. It is offered again when two looks, a reservation's lifetime apart, both miss it; one
  look could catch an order between its admission and its commit.
- customers' counts that differ while nothing is under way: written anew from the database.
"""

import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import redis_client
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import admission, service

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Drift:
    """What one pass over a pool found and did."""

    settled: int = 0
    aborted: int = 0
    withdrawn: int = 0
    restored: int = 0
    reloaded: int = 0

    @property
    def total(self) -> int:
        return self.settled + self.aborted + self.withdrawn + self.restored + self.reloaded


async def reconcile_pool(pool_id: UUID, *, now_ms: int | None = None) -> Drift:
    """Compare one pool and repair Redis.

    Args:
        now_ms: the moment to judge reservations by, in milliseconds; the current one if None.

    Raises:
        Unavailable: Redis or the database does not answer.
    """
    at_ms = int(time.time() * 1000) if now_ms is None else now_ms
    drift = Drift()
    client = redis_client()
    keys = admission.keys_of(pool_id)
    try:
        if not await client.exists(keys["meta"]):
            drift.reloaded = int(await service.load_if_unknown(pool_id))
            return _report(pool_id, drift)
        for reservation in await client.zrangebyscore(keys["expiry"], "-inf", at_ms):
            await _end_reservation(pool_id, UUID(str(reservation)), drift)
        await _compare_numbers(pool_id, at_ms, drift)
    except (RedisError, OSError) as error:
        raise Unavailable("redis") from error
    return _report(pool_id, drift)


def _report(pool_id: UUID, drift: Drift) -> Drift:
    for kind in ("settled", "aborted", "withdrawn", "restored", "reloaded"):
        if count := getattr(drift, kind):
            metrics.SLOT_DRIFT.labels(kind).inc(count)
    if drift.total:
        log.info("slots.drift_repaired", pool_id=str(pool_id), **_as_dict(drift))
    return drift


def _as_dict(drift: Drift) -> dict[str, int]:
    return {name: getattr(drift, name) for name in Drift.__slots__}


async def _end_reservation(pool_id: UUID, reservation_id: UUID, drift: Drift) -> None:
    if await _order_owns_slots(pool_id, reservation_id):
        await admission.settle(pool_id, reservation_id)
        drift.settled += 1
    else:
        numbers = await _pending_numbers(pool_id, reservation_id)
        owned = await service.owned_among(pool_id, numbers)
        await admission.abort(pool_id, reservation_id, owned=owned)
        drift.aborted += 1


@shielded
async def _order_owns_slots(pool_id: UUID, reservation_id: UUID) -> bool:
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT 1 FROM slot WHERE order_id = $1 AND pool_id = $2 LIMIT 1",
            reservation_id,
            pool_id,
        )
    return row is not None


async def _pending_numbers(pool_id: UUID, reservation_id: UUID) -> list[int]:
    entry = await redis_client().hget(admission.keys_of(pool_id)["pending"], str(reservation_id))
    return [int(n) for n in str(entry).split("|")[1].split(",")] if entry else []


async def _compare_numbers(pool_id: UUID, at_ms: int, drift: Drift) -> None:
    client = redis_client()
    keys = admission.keys_of(pool_id)
    truth = await _snapshot(pool_id)
    if truth is None:
        return
    offered = {int(str(n)) for n in await client.zrange(keys["free"], 0, -1)}
    pending = {
        int(n)
        for entry in await client.hvals(keys["pending"])
        for n in str(entry).split("|")[1].split(",")
    }
    next_number, capacity = (
        int(value or 0) for value in await client.hmget(keys["meta"], "next", "capacity")
    )
    if capacity != truth.capacity or next_number < truth.next_number:
        # Redis came back from an older state, or missed a new batch.
        await service.resync(pool_id)
        drift.reloaded += 1
        return

    free = set(truth.free_below_next) | set(range(truth.next_number, truth.capacity + 1))
    if wrong := offered - free:
        # Removing is always safe: a number released meanwhile is found by a later pass.
        drift.withdrawn += await client.zrem(keys["free"], *wrong)

    if not pending:
        counted = {UUID(str(c)): int(n) for c, n in (await client.hgetall(keys["taken"])).items()}
        if counted != dict(truth.taken):
            # A release that Redis never heard of keeps a customer at the limit.
            await service.resync(pool_id)
            drift.reloaded += 1
            return

    missing = {n for n in free - offered - pending if n < next_number}
    await _restore_if_seen_before(pool_id, missing, at_ms, drift)


async def _restore_if_seen_before(
    pool_id: UUID, missing: set[int], at_ms: int, drift: Drift
) -> None:
    client = redis_client()
    suspects_key = f"slots:{{{pool_id}}}:suspects"
    seen = {int(n): int(at) for n, at in (await client.hgetall(suspects_key)).items()}
    if gone := set(seen) - missing:
        await client.hdel(suspects_key, *map(str, gone))
    old_enough = at_ms - admission.RESERVATION_TTL_SECONDS * 1000
    for number in sorted(missing):
        if number not in seen:
            await client.hset(suspects_key, str(number), str(at_ms))
        elif seen[number] <= old_enough:
            added = await client.zadd(
                admission.keys_of(pool_id)["free"], {str(number): number}, nx=True
            )
            drift.restored += int(added or 0)
            await client.hdel(suspects_key, str(number))


@shielded
async def _snapshot(pool_id: UUID) -> admission.PoolTruth | None:
    async with unit_of_work() as work:
        await work.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return await service.read_truth(work, pool_id)


async def reconcile_open_pools() -> dict[UUID, Drift]:
    """Compare every open pool; a pool that fails is logged and does not stop the others."""
    results: dict[UUID, Drift] = {}
    for pool_id in await _open_pools():
        try:
            results[pool_id] = await reconcile_pool(pool_id)
        except Unavailable as error:
            log.info("slots.reconcile_postponed", pool_id=str(pool_id), part=error.part)
    return results


@shielded
async def _open_pools() -> list[UUID]:
    async with unit_of_work() as work:
        return [row["id"] for row in await work.fetch("SELECT id FROM slot_pool WHERE is_open")]
