"""How many slots are left: Redis's live count, the database's where Redis cannot say."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import admission, service
from headless_presale.slots.loading import load_if_unknown


async def count_available(pool_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the free slots by pool. A reservation under way counts as taken."""
    counts: dict[UUID, int] = {}
    for pool_id in pool_ids:
        try:
            counted = await admission.count_remaining(pool_id)
            if counted is None and await load_if_unknown(pool_id):
                counted = await admission.count_remaining(pool_id)
        except Unavailable:
            counted = None
        if counted is None:
            counted = await _count_in_database(pool_id)
        counts[pool_id] = counted
    return counts


@shielded
async def _count_in_database(pool_id: UUID) -> int:
    async with unit_of_work() as work:
        return await service.count_free(work, pool_id)
