"""A shop's campaigns by where they stand: what is on sale, what comes, what was."""

from datetime import timedelta
from typing import Any

import asyncpg

from headless_presale.campaigns import (
    CampaignStatus,
    ShopRef,
    cancel_campaign,
    create_campaign,
    publish_campaign,
)
from headless_presale.kernel.clock import ManualClock
from tests.graphql.endpoint import Api
from tests.support.shop import draft, make_shop, make_variant

BY_STATUS = """
query ($statuses: [CampaignStatus!], $first: Int, $after: String) {
  shop(slug: "moonlit-forge") { campaigns(statuses: $statuses, first: $first, after: $after) {
    totalCount nodes { handle status } pageInfo { hasNextPage endCursor } } }
}
"""


async def listed(api: Api, *statuses: CampaignStatus, **page: Any) -> dict[str, Any]:
    reply = await api.ask(BY_STATUS, statuses=[str(status) for status in statuses], **page)
    found: dict[str, Any] = reply.data["shop"]["campaigns"]
    return found


def handles(page: dict[str, Any]) -> list[str]:
    return [node["handle"] for node in page["nodes"]]


async def publish_five(clock: ManualClock) -> None:
    """Publish campaigns of a week each that open on five days, one of them called off; and draft
    one that nobody sees."""
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    for day in (0, 1, 5, 9, 20):
        opens_at = clock.now() + timedelta(days=day)
        campaign = await create_campaign(ref, draft(handle=f"day-{day}", opens_at=opens_at))
        await publish_campaign(campaign.id, default_locale="en")
        if day == 9:
            await cancel_campaign(campaign.id, reason="the mould broke")
    await create_campaign(ref, draft(handle="unseen", opens_at=clock.now()))


async def test_campaigns_are_found_by_where_the_clock_has_them(
    api: Api, clock: ManualClock
) -> None:
    await publish_five(clock)
    # The worker has recorded nothing of it: day-0 is over since yesterday, the next two are on.
    clock.advance(timedelta(days=8))

    live = await listed(api, CampaignStatus.LIVE)
    assert (live["totalCount"], handles(live)) == (1, ["day-5"])
    over = await listed(api, CampaignStatus.CLOSED)
    assert (over["totalCount"], handles(over)) == (2, ["day-1", "day-0"])
    coming = await listed(api, CampaignStatus.SCHEDULED)
    assert (coming["totalCount"], handles(coming)) == (1, ["day-20"])
    called_off = await listed(api, CampaignStatus.CANCELLED)
    assert (called_off["totalCount"], handles(called_off)) == (1, ["day-9"])
    # Drafts are the merchant's.
    assert (await listed(api, CampaignStatus.DRAFT))["totalCount"] == 0
    for any_at_all in (await listed(api), await listed(api, *CampaignStatus)):
        assert any_at_all["totalCount"] == 5


async def test_what_is_found_is_what_it_says_it_is(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    await publish_five(clock)
    # On each side of every bound, and whatever has been recorded.
    for recorded in ("SCHEDULED", "LIVE", "CLOSED"):
        await database_admin.execute(
            "UPDATE campaign SET status = $1 WHERE handle <> 'day-9' AND published_at IS NOT NULL",
            recorded,
        )
        for step in (timedelta(0), timedelta(microseconds=1), timedelta(days=7)):
            clock.advance(step)
            for status in CampaignStatus:
                page = await listed(api, status)
                assert {node["status"] for node in page["nodes"]} <= {status}
                assert page["totalCount"] == len(page["nodes"])


async def test_pages_stay_within_the_statuses(api: Api, clock: ManualClock) -> None:
    await publish_five(clock)
    wanted = (CampaignStatus.SCHEDULED, CampaignStatus.LIVE)
    seen, after = [], None
    for has_more in (True, True, True, False):
        page = await listed(api, *wanted, first=1, after=after)
        seen += handles(page)
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] is has_more
    assert seen == ["day-20", "day-5", "day-1", "day-0"]
