"""Mails of notify-me lists are deleted once nobody asks after them."""

from datetime import timedelta

from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

KEPT_FOR = timedelta(days=30)
AT_ONCE = 2_000

# The kinds are written out, as in the index that finds them.
_FORGET = """
WITH old AS MATERIALIZED (
    SELECT id FROM message
    WHERE kind IN ('campaign_opened', 'notify_me_confirm') AND created_at <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM message USING old WHERE message.id = old.id
"""


async def forget_list_mails() -> int:
    """Delete mails of notify-me lists that were written thirty days ago; return how many.

    In small transactions, so that nobody waits for it.
    """
    return await in_batches(_forget, size=AT_ONCE)


@shielded
async def _forget() -> int:
    async with unit_of_work() as work:
        return await work.execute(_FORGET, clock.now() - KEPT_FOR, AT_ONCE)
