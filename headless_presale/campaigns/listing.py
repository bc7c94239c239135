"""A shop's campaigns as its merchant lists them: drafts included, filtered, searched, sorted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from headless_presale.campaigns.models import Campaign
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel.keyset import LONGEST_SEARCH
from headless_presale.kernel.texts import is_storable

PUBLISHED = (CampaignStatus.SCHEDULED, CampaignStatus.LIVE)
"""Recorded states that the clock may have left behind."""


class CampaignSort(StrEnum):
    """What a list of campaigns is sorted by. Campaigns that are equal in it follow their ids."""

    OPENS_AT = "OPENS_AT"
    CLOSES_AT = "CLOSES_AT"
    CREATED_AT = "CREATED_AT"


Position = tuple[datetime, UUID]
"""Where a campaign stands in a list: the moment it is sorted by, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFilter:
    """Which campaigns are wanted; what is left out does not restrict.

    Attributes:
        at: the moment at which a campaign has one of the statuses, by the clock.
        search: what the title or the handle contains; case does not count.
        is_published: only those that storefronts may see.
    """

    shop_id: UUID
    at: datetime
    statuses: Collection[CampaignStatus] = ()
    search: str = ""
    is_published: bool = False


def position_of(campaign: Campaign, sort: CampaignSort) -> Position:
    """Return where a campaign stands."""
    moment: datetime = getattr(campaign, sort.value.lower())
    return moment, campaign.id


async def list_campaigns(
    wanted: CampaignFilter,
    *,
    sort: CampaignSort = CampaignSort.OPENS_AT,
    is_descending: bool = True,
    limit: int,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> list[Campaign]:
    """Return at most ``limit`` campaigns strictly between two positions, in the order asked for.

    Args:
        from_end: the last ones between the positions, not the first.
    """
    column = sort.value.lower()
    rows = _matching(wanted)
    behind, ahead = ("lt", "gt") if is_descending else ("gt", "lt")
    for position, side in ((after, behind), (before, ahead)):
        if position is not None:
            moment, campaign_id = position
            beyond: dict[str, Any] = {f"{column}__{side}": moment}
            beside: dict[str, Any] = {column: moment, f"id__{side}": campaign_id}
            rows = rows.filter(Q(**beyond) | Q(**beside))
    sign = "-" if is_descending is not from_end else ""
    found = await rows.order_by(f"{sign}{column}", f"{sign}id").limit(limit)
    return found[::-1] if from_end else found


async def count_campaigns(wanted: CampaignFilter) -> int:
    """Return how long the list is."""
    return await _matching(wanted).count()


def _matching(wanted: CampaignFilter) -> QuerySet[Campaign]:
    rows = Campaign.filter(shop_id=wanted.shop_id)
    if wanted.is_published:
        rows = rows.filter(published_at__isnull=False)
    if wanted.statuses:
        rows = rows.filter(
            Q(*(_is(status, wanted.at) for status in set(wanted.statuses)), join_type=Q.OR)
        )
    text = wanted.search.strip()
    if text and (len(text) > LONGEST_SEARCH or not is_storable(text)):
        return rows.filter(id__in=[])
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(handle__icontains=text))
    return rows


def _is(status: CampaignStatus, at: datetime) -> Q:
    """Return the condition for a status at a moment: ``status_at`` as a query."""
    published = Q(status__in=PUBLISHED)
    if status is CampaignStatus.SCHEDULED:
        return published & Q(opens_at__gt=at)
    if status is CampaignStatus.LIVE:
        return published & Q(opens_at__lte=at, closes_at__gt=at)
    if status is CampaignStatus.CLOSED:
        return Q(status=status) | (published & Q(closes_at__lte=at))
    return Q(status=status)
