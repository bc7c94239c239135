"""The gateway of each test, and the shop that it tells; orders that a merchant decides about."""

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderView
from tests.support.gateway import sandbox, shop_url
from tests.support.money import open_deposit_sale, place
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.till import Till, till_open

__all__ = ["sandbox", "shop_url"]


@pytest.fixture
def till(database: str, redis: Redis) -> Iterator[Till]:
    with till_open("sandbox", "other") as open_till:
        yield open_till


@pytest.fixture
async def sale(clock: ManualClock, till: Till) -> Sale:
    """A deposit campaign: 100.00 each, 20 % now."""
    return await open_deposit_sale(capacity=10)


@pytest.fixture
async def paid(clock: ManualClock, till: Till) -> OrderView:
    """Two units at 100.00, paid in full; version 2."""
    order = await place(await open_sale(shop=await make_shop("kiln"), capacity=10), quantity=2)
    return await till.pay(order)
