"""Who is to be told of an opening: each once, and nobody who does not want it any more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns import CampaignStatus, status_at
from headless_presale.customers import NotificationKind, find_opted_out
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

_WANTS_NONE = "EXISTS (SELECT 1 FROM notify_me_unsubscribed u WHERE u.person = w.person)"
# Claimed and noted in one statement: of two workers each gets others, and what one of them writes
# commits with the note or not at all.
_CLAIM = f"""
WITH waiting AS MATERIALIZED (
    SELECT w.id FROM campaign_watcher w
    WHERE w.campaign_id = $1 AND w.told_at IS NULL AND w.confirmed_at IS NOT NULL
      AND w.email IS NOT NULL AND NOT {_WANTS_NONE}
    ORDER BY w.id LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE campaign_watcher AS told SET told_at = $3 FROM waiting WHERE told.id = waiting.id
RETURNING told.id, told.person, told.email, told.locale
"""
_READ = f"""
SELECT w.id, w.person, w.email, w.locale, w.campaign_id, w.confirmed_at,
       c.shop_id, c.status, c.opens_at, c.closes_at, {_WANTS_NONE} AS wants_none
FROM campaign_watcher w JOIN campaign c ON c.id = w.campaign_id
WHERE w.id = ANY($1::uuid[]) AND w.email IS NOT NULL
"""
_COUNT = f"""
SELECT w.campaign_id, count(*) AS asked,
       count(*) FILTER (WHERE w.confirmed_at IS NOT NULL) AS confirmed, count(w.told_at) AS told
FROM campaign_watcher w WHERE w.campaign_id = ANY($1::uuid[]) AND NOT {_WANTS_NONE}
GROUP BY w.campaign_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Somebody to write to."""

    id: UUID
    person: UUID
    email: str
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherState:
    """What decides whether somebody is written to, at this moment.

    Attributes:
        status: of the campaign.
        is_unsubscribed: from the shop, by a link or in the account there.
    """

    watcher: Watcher
    campaign_id: UUID
    status: CampaignStatus
    confirmed_at: datetime | None
    is_unsubscribed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherCount:
    """How many are on a list, have confirmed, and were told. Who unsubscribed is not counted."""

    asked: int = 0
    confirmed: int = 0
    told: int = 0


async def is_awaited(work: UnitOfWork, campaign_id: UUID) -> bool:
    """Tell whether anybody is still to be told of a campaign."""
    row = await work.fetchrow(
        "SELECT 1 FROM campaign_watcher "
        "WHERE campaign_id = $1 AND told_at IS NULL AND confirmed_at IS NOT NULL LIMIT 1",
        campaign_id,
    )
    return row is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Some who wait.

    Attributes:
        watchers: who is to be told.
        is_last: whether nobody else waits, but for those whom another worker has in hand.
    """

    watchers: Sequence[Watcher]
    is_last: bool


async def claim_watchers(
    work: UnitOfWork, campaign_id: UUID, *, shop_id: UUID, limit: int
) -> Claimed:
    """Return some who are to be told, noted as told: what tells them belongs in ``work``.

    Who turned such mails off in his account is taken off the list.
    """
    rows = await work.fetch(_CLAIM, campaign_id, limit, clock.now())
    reach("notify_me.claimed")
    found = [Watcher(**dict(row)) for row in rows]
    opted_out = await _find_opted_out(work, shop_id, [watcher.email for watcher in found])
    if gone := [watcher.id for watcher in found if watcher.email in opted_out]:
        await work.execute("DELETE FROM campaign_watcher WHERE id = ANY($1::uuid[])", gone)
        reach("notify_me.struck_off")
    return Claimed(
        watchers=[watcher for watcher in found if watcher.email not in opted_out],
        is_last=len(found) < limit,
    )


async def _find_opted_out(work: UnitOfWork, shop_id: UUID, emails: Sequence[str]) -> frozenset[str]:
    return await find_opted_out(work, shop_id, emails, NotificationKind.CAMPAIGN_OPENINGS)


async def find_watcher(watcher_id: UUID) -> WatcherState | None:
    """Return how it stands with somebody; None once there is nothing to write to."""
    return (await find_watchers([watcher_id])).get(watcher_id)


@shielded
async def find_watchers(watcher_ids: Collection[UUID]) -> Mapping[UUID, WatcherState]:
    """Return how it stands with each to whom there is something to write to."""
    async with unit_of_work() as work:
        rows = await work.fetch(_READ, list(watcher_ids))
        emails: dict[UUID, list[str]] = {}
        for row in rows:
            emails.setdefault(row["shop_id"], []).append(row["email"])
        opted_out = {
            shop_id: await _find_opted_out(work, shop_id, of_shop)
            for shop_id, of_shop in emails.items()
        }
    at = clock.now()
    return {
        row["id"]: WatcherState(
            watcher=Watcher(
                id=row["id"], person=row["person"], email=row["email"], locale=row["locale"]
            ),
            campaign_id=row["campaign_id"],
            status=status_at(
                CampaignStatus(row["status"]),
                opens_at=row["opens_at"],
                closes_at=row["closes_at"],
                at=at,
            ),
            confirmed_at=row["confirmed_at"],
            is_unsubscribed=row["wants_none"] or row["email"] in opted_out[row["shop_id"]],
        )
        for row in rows
    }


@shielded
async def count_watchers(campaign_ids: Collection[UUID]) -> Mapping[UUID, WatcherCount]:
    """Return how many wait for each campaign, in one statement."""
    async with unit_of_work() as work:
        rows = await work.fetch(_COUNT, list(campaign_ids))
    found = {
        row["campaign_id"]: WatcherCount(
            asked=row["asked"], confirmed=row["confirmed"], told=row["told"]
        )
        for row in rows
    }
    return {id_: found.get(id_, WatcherCount()) for id_ in campaign_ids}
