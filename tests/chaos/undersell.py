"""The last buyers: they buy whatever the shop sells. What is free must be what they get."""

import asyncio
from uuid import UUID

import asyncpg

from tests.chaos.buyers import acknowledge, order_input
from tests.chaos.journal import Journal
from tests.chaos.market import Market, OpenCampaign, OpenItem
from tests.chaos.storefront import PLACE, Storefront

MOST_AT_ONCE = 3
FREE = """
    SELECT count(*) FROM slot s JOIN campaign_item i ON i.pool_id = s.pool_id
    JOIN campaign c ON c.id = i.campaign_id
    WHERE i.id = $1 AND s.order_id IS NULL AND c.status = 'LIVE'
      AND c.closes_at > now() + interval '5 minutes'"""


async def count_undersold(
    connection: asyncpg.Connection, storefront: Storefront, market: Market, journal: Journal
) -> int:
    """Buy every open campaign out; return how many free slots nobody could have.

    No worker may run meanwhile: a hold that expires would be free again.
    """
    free: dict[UUID, int] = {}
    wanted: list[tuple[OpenCampaign, OpenItem]] = []
    for campaign in market.campaigns.values():
        for item in campaign.items:
            free[item.id] = await connection.fetchval(FREE, item.id)
            if free[item.id]:
                wanted.append((campaign, item))
    bought = await asyncio.gather(
        *(_buy_out(storefront, market, journal, campaign, item) for campaign, item in wanted)
    )
    undersold = 0
    for (_, item), count in zip(wanted, bought, strict=True):
        journal.note("bought_out", item_id=item.id, free=free[item.id], bought=count)
        if count != free[item.id]:
            journal.violate(
                "the slots that can be bought are the free ones",
                f"{item.id}: {free[item.id]} free, {count} bought",
            )
            undersold += max(0, free[item.id] - count)
    return undersold


async def _buy_out(
    storefront: Storefront,
    market: Market,
    journal: Journal,
    campaign: OpenCampaign,
    item: OpenItem,
) -> int:
    """Buy until it is sold out, each time as somebody else; return how many slots."""
    bought = turn = 0
    quantity = min(MOST_AT_ONCE, item.limit or MOST_AT_ONCE)
    while quantity > 0:
        turn += 1
        wish = order_input(f"last-{item.id}-{turn}@example.com", campaign, {item.id: quantity})
        told = await storefront.ask(PLACE, input=wish)
        if not told.codes:
            acknowledge(journal, market.shop_id, wish, told.payload["order"])
            bought += quantity
        elif told.codes == ["SLOTS_SOLD_OUT"]:
            remaining = int(told.payload["userErrors"][0]["remaining"])
            quantity = min(remaining, quantity - 1)
        else:
            journal.violate("an honest order meets expected refusals", str(told.payload))
            break
    return bought
