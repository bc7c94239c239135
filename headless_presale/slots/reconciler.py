"""The reconciler: compares Redis with the database, repairs Redis only, reports drift.

Five kinds of difference, none of which can oversell:

- a pool that Redis does not know, or knows from an older state: written anew from the database.
- a reservation past its time: its process died between Redis and the database, or before it told
  Redis of its commit. The order exists: settle. It does not: give the numbers back.
- a number that Redis offers though an order owns it, or it was taken away: withdrawn at once.
- a number that is free in the database but that Redis neither offers nor has pending: lost on the
  way back. It is offered again when two looks, a reservation's lifetime apart, both miss it; one
  look could catch an order between its admission and its commit.
- customers' counts that differ while nothing is under way: written anew from the database.
"""

import time
from collections.abc import Set
from dataclasses import asdict, dataclass
from uuid import UUID

import structlog
from redis.asyncio import Redis

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import answering_redis
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import admission
from headless_presale.slots.admission import PoolTruth
from headless_presale.slots.ending import end_reservation
from headless_presale.slots.loading import find_truth, load_if_unknown, resync

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
    if not await admission.is_known(pool_id):
        drift.reloaded = int(await load_if_unknown(pool_id))
    else:
        await _end_overdue(pool_id, at_ms, drift)
        await _compare(pool_id, at_ms, drift)
    return _report(pool_id, drift)


def _report(pool_id: UUID, drift: Drift) -> Drift:
    for kind, count in asdict(drift).items():
        if count:
            metrics.SLOT_DRIFT.labels(kind).inc(count)
    if drift.total:
        log.info("slots.drift_repaired", pool_id=str(pool_id), **asdict(drift))
    return drift


async def _end_overdue(pool_id: UUID, at_ms: int, drift: Drift) -> None:
    keys = admission.keys_of(pool_id)
    async with answering_redis() as client:
        overdue = [str(r) for r in await client.zrangebyscore(keys["expiry"], "-inf", at_ms)]
        entries = await client.hmget(keys["pending"], overdue) if overdue else []
    for reservation, entry in zip(overdue, entries, strict=True):
        if await end_reservation(pool_id, UUID(reservation), _numbers_of(entry)):
            drift.settled += 1
        else:
            drift.aborted += 1


def _numbers_of(entry: object) -> list[int]:
    """Read the numbers of a pending reservation: ``customer|n,n,...``."""
    return [int(n) for n in str(entry).split("|")[1].split(",")] if entry else []


@dataclass(frozen=True, slots=True)
class _Said:
    """What Redis says of a pool."""

    next_number: int
    last_number: int
    limit: int
    is_open: bool
    offered: Set[int]
    pending: Set[int]
    taken: dict[UUID, int]


async def _listen(client: Redis, pool_id: UUID) -> _Said:
    keys = admission.keys_of(pool_id)
    meta = await client.hmget(keys["meta"], "next", "last", "limit", "open")
    offered = await client.zrange(keys["free"], 0, -1)
    pending = await client.hvals(keys["pending"])
    taken = await client.hgetall(keys["taken"])
    next_number, last_number, limit, is_open = (int(value or 0) for value in meta)
    return _Said(
        next_number=next_number,
        last_number=last_number,
        limit=limit,
        is_open=bool(is_open),
        offered={int(str(n)) for n in offered},
        pending={n for entry in pending for n in _numbers_of(entry)},
        taken={UUID(str(customer)): int(n) for customer, n in taken.items()},
    )


async def _compare(pool_id: UUID, at_ms: int, drift: Drift) -> None:
    truth = await find_truth(pool_id, with_owners=False)
    if truth is None:
        return
    async with answering_redis() as client:
        said = await _listen(client, pool_id)
    if _is_outdated(said, truth):
        await resync(pool_id)
        drift.reloaded += 1
        return

    free = set(truth.free_below_next) | set(range(truth.next_number, truth.last_number + 1))
    drift.withdrawn += await _withdraw(pool_id, said.offered - free)

    if not said.pending and said.taken != dict(truth.taken):
        # A release that Redis never heard of keeps a customer at the limit.
        await resync(pool_id)
        drift.reloaded += 1
        return

    missing = {n for n in free - said.offered - said.pending if n < said.next_number}
    await _restore_if_seen_before(pool_id, missing, at_ms, drift)


def _is_outdated(said: _Said, truth: PoolTruth) -> bool:
    """Tell whether Redis came back from an older state, or missed a change of the pool."""
    return (
        (said.last_number, said.limit, said.is_open)
        != (truth.last_number, truth.limit or 0, truth.is_open)
    ) or said.next_number < truth.next_number


async def _withdraw(pool_id: UUID, suspicious: Set[int]) -> int:
    # A second look: a number that was released while we compared is rightly on offer.
    wrong = await _unfree_among(pool_id, suspicious) if suspicious else {}
    if not wrong:
        return 0
    # Redis never heard of their owners either.
    await admission.add_owners(pool_id, {owner for owner in wrong.values() if owner is not None})
    async with answering_redis() as client:
        return int(await client.zrem(admission.keys_of(pool_id)["free"], *map(str, wrong)))


@shielded
async def _unfree_among(pool_id: UUID, numbers: Set[int]) -> dict[int, UUID | None]:
    """Return the numbers that are not to be had, with their owners; None for one taken away."""
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT n, order_id FROM unnest($2::int[]) AS offered(n) "
            "LEFT JOIN slot ON pool_id = $1 AND number = n "
            "WHERE order_id IS NOT NULL OR number IS NULL",
            pool_id,
            sorted(numbers),
        )
    return {row["n"]: row["order_id"] for row in rows}


async def _restore_if_seen_before(
    pool_id: UUID, missing: set[int], at_ms: int, drift: Drift
) -> None:
    suspects_key = f"slots:{{{pool_id}}}:suspects"
    old_enough = at_ms - admission.RESERVATION_TTL_SECONDS * 1000
    async with answering_redis() as client:
        seen = {int(n): int(at) for n, at in (await client.hgetall(suspects_key)).items()}
        back = sorted(n for n in missing if n in seen and seen[n] <= old_enough)
        if over := set(seen) - missing | set(back):
            await client.hdel(suspects_key, *map(str, sorted(over)))
        if new := missing - set(seen):
            await client.hset(suspects_key, mapping={str(n): at_ms for n in sorted(new)})
        if back:
            free_key = admission.keys_of(pool_id)["free"]
            added = await client.zadd(free_key, {str(n): n for n in back}, nx=True)
            drift.restored += int(added or 0)


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
