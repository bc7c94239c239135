"""What has served its purpose is deleted: addresses of lists that are over."""

from datetime import timedelta

from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

KEPT_FOR = timedelta(days=30)
"""After a campaign is over its addresses are no use; unconfirmed ones go as long after asking."""
AT_ONCE = 2_000


async def forget_old() -> int:
    """Delete addresses of campaigns that are over, and who never confirmed; return how many.

    In small transactions, so that nobody waits for it. The rows of those who were told stay, for
    the merchant's count; nobody can be found by them.
    """
    return await in_batches(_forget_addresses, _forget_unconfirmed, size=AT_ONCE)


@shielded
async def _forget_addresses() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH over AS MATERIALIZED (SELECT w.id FROM campaign_watcher w "
            "JOIN campaign c ON c.id = w.campaign_id WHERE w.email IS NOT NULL "
            "AND (c.closes_at <= $1 OR c.cancelled_at <= $1) LIMIT $2 FOR UPDATE OF w SKIP LOCKED) "
            "UPDATE campaign_watcher AS watcher SET email = NULL FROM over "
            "WHERE watcher.id = over.id",
            clock.now() - KEPT_FOR,
            AT_ONCE,
        )


@shielded
async def _forget_unconfirmed() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH old AS MATERIALIZED (SELECT id FROM campaign_watcher "
            "WHERE confirmed_at IS NULL AND consented_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM campaign_watcher AS watcher USING old WHERE watcher.id = old.id",
            clock.now() - KEPT_FOR,
            AT_ONCE,
        )
