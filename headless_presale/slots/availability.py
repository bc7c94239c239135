"""How many slots are left: Redis's live count, the database's where Redis cannot say."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import admission, service
from headless_presale.slots.loading import load_if_unknown


async def count_available(pool_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the free slots by pool. A reservation under way counts as taken.

    All that Redis knows is one round trip; what it does not know it is told, pool by pool.
    """
    pool_ids = list(dict.fromkeys(pool_ids))
    if not pool_ids:
        return {}
    try:
        counted = await admission.count_each_remaining(pool_ids)
    except Unavailable:
        counted = [None] * len(pool_ids)
    return {
        pool_id: count if count is not None else await _count_unknown(pool_id)
        for pool_id, count in zip(pool_ids, counted, strict=True)
    }


async def _count_unknown(pool_id: UUID) -> int:
    """Count a pool that Redis did not count: after telling it, else in the database."""
    count = None
    try:
        if await load_if_unknown(pool_id):
            count = await admission.count_remaining(pool_id)
    except Unavailable:
        pass
    return await _count_in_database(pool_id) if count is None else count


@shielded
async def _count_in_database(pool_id: UUID) -> int:
    async with unit_of_work() as work:
        return await service.count_free(work, pool_id)
