"""Carts that nobody has changed for long are deleted."""

from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

AT_ONCE = 1_000


async def forget_ended() -> int:
    """Delete carts that have ended, in small transactions; return how many."""
    return await in_batches(_forget_some, size=AT_ONCE)


@shielded
async def _forget_some() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH ended AS MATERIALIZED (SELECT id FROM cart WHERE expires_at <= $1 "
            "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM cart USING ended WHERE cart.id = ended.id",
            clock.now(),
            AT_ONCE,
        )
