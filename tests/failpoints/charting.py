"""Summing up what charts read: each change is counted once, whoever died in between."""

from datetime import timedelta
from uuid import UUID

from headless_presale.analytics import (
    FunnelStep,
    SalesInterval,
    SlotFlow,
    count_step,
    flush_funnel,
    read_sales,
    rebuild_sales,
    sum_up,
)
from headless_presale.shops import Shop
from tests.failpoints.world import Scenario, World


async def _a_shop_that_sold(world: World) -> UUID:
    await world.order(quantity=2)
    await sum_up()
    await world.order(email="mei@example.com", quantity=1)
    return world.sale.shop.id


async def _sum_up(_: object) -> int:
    return await sum_up()


async def _counts_each_order_once(world: World, shop_id: UUID) -> None:
    now = world.clock.now()
    for _ in range(2):
        chart = await read_sales(
            await Shop.get(id=shop_id),
            begins_at=now,
            ends_at=now + timedelta(hours=1),
            by=SalesInterval.DAY,
        )
        assert chart.total.slots == SlotFlow(held=2 + 1)
        await sum_up()
    assert await world.count("SELECT count(*) FROM sales_change") == 0


async def _a_campaign(world: World) -> UUID:
    return world.sale.campaign.id


async def _look(campaign_id: UUID) -> int:
    count_step(campaign_id, FunnelStep.VIEW)
    return await flush_funnel()


async def _counts_every_look(world: World, campaign_id: UUID) -> None:
    # It is told again by nobody: a repeat is another look.
    views = "SELECT sum(views)::int FROM funnel_hour WHERE campaign_id = $1"
    assert 1 <= await world.count(views, campaign_id) <= 2


SCENARIOS = [
    Scenario("counting looks", _a_campaign, _look, _counts_every_look),
    Scenario("summing up", _a_shop_that_sold, _sum_up, _counts_each_order_once),
    Scenario("rebuilding sums", _a_shop_that_sold, rebuild_sales, _counts_each_order_once),
]
