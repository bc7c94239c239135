"""A storefront whose customers sign in from a mini-program."""

import pytest

from headless_presale.kernel.clock import ManualClock
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.graphql.providers import add_wechat
from tests.support.shop import make_shop
from tests.support.wechat import WeChat


@pytest.fixture
async def storefront(api: Api, clock: ManualClock, wechat: WeChat) -> Storefront:
    shop = await make_shop()
    await add_wechat(shop)
    return Storefront(api, shop)
