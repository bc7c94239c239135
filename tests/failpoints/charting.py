"""Summing up what charts read: each change is counted once, whoever died in between."""

from datetime import timedelta
from uuid import UUID

from headless_presale.analytics import SalesInterval, SlotFlow, read_sales, rebuild_sales, sum_up
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


SCENARIOS = [
    Scenario("summing up", _a_shop_that_sold, _sum_up, _counts_each_order_once),
    Scenario("rebuilding sums", _a_shop_that_sold, rebuild_sales, _counts_each_order_once),
]
