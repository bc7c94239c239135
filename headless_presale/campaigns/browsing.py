"""The published campaigns of a shop, as storefronts page through them."""

import time
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns.snapshot import CampaignSnapshot, fetch_snapshots, remember
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel import clock

# ``status_at`` in the database's words; a test compares the two.
_STATUS = """(CASE WHEN c.status NOT IN ('SCHEDULED', 'LIVE') THEN c.status
      WHEN c.closes_at <= ${at} THEN 'CLOSED' WHEN c.opens_at <= ${at} THEN 'LIVE'
      ELSE 'SCHEDULED' END)"""


async def list_snapshots(
    shop_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    before: tuple[datetime, UUID] | None = None,
    newest_first: bool = True,
    statuses: Collection[CampaignStatus] = (),
    at: datetime | None = None,
) -> list[CampaignSnapshot]:
    """Return a shop's published campaigns by opening time, keyset-paginated.

    Args:
        limit: how many at most.
        after: position (opens_at, id) to start behind, in the order asked for.
        before: position to stop before.
        newest_first: whether the latest opening comes first.
        statuses: any of these, by the clock; empty for any at all.
        at: the moment at which they have one of the statuses; now unless given.
    """
    forwards, backwards = ("<", ">") if newest_first else (">", "<")
    conditions = ["c.shop_id = $1", "c.published_at IS NOT NULL"]
    args: list[object] = [shop_id]
    for cursor, sign in ((after, forwards), (before, backwards)):
        if cursor is not None:
            args += cursor
            conditions.append(f"(c.opens_at, c.id) {sign} (${len(args) - 1}, ${len(args)})")
    if statuses:
        args += at or clock.now(), sorted(set(statuses))
        conditions.append(f"{_STATUS.format(at=len(args) - 1)} = ANY(${len(args)}::text[])")
    args.append(limit)
    order = "DESC" if newest_first else "ASC"
    read_at = time.monotonic()
    found = await fetch_snapshots(
        f"WHERE {' AND '.join(conditions)} "
        f"ORDER BY c.opens_at {order}, c.id {order} LIMIT ${len(args)}",
        *args,
    )
    return [remember(campaign, read_at) for campaign in found]
