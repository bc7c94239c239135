"""A shop's published campaigns as a list."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns.snapshot import CampaignSnapshot, find_snapshots
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.reading import read_rows

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
    rows = await read_rows(
        f"SELECT c.id, c.version, c.status FROM campaign c WHERE {' AND '.join(conditions)} "
        f"ORDER BY c.opens_at {order}, c.id {order} LIMIT ${len(args)}",
        *args,
    )
    # Most of a page was shown a moment ago: only what has changed since is read whole.
    found = await find_snapshots({row["id"]: (row["version"], row["status"]) for row in rows})
    return [found[row["id"]] for row in rows if row["id"] in found]
