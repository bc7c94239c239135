"""WeChat, and a storefront whose customers sign in from its mini-program."""

from collections.abc import AsyncIterator

import pytest

from headless_presale.kernel.clock import ManualClock
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.graphql.providers import add_wechat, outside_open
from tests.support.shop import make_shop
from tests.support.wechat import WeChat, running_wechat


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[WeChat]:
    async with running_wechat() as wechat:
        yield wechat


@pytest.fixture
async def wechat(server: WeChat, database: str) -> AsyncIterator[WeChat]:
    """Return it as if nobody had come before."""
    async with outside_open(server.url):
        yield server
    fresh = WeChat(server.url)
    server.__dict__.update(fresh.__dict__)


@pytest.fixture
async def storefront(api: Api, clock: ManualClock, wechat: WeChat) -> Storefront:
    shop = await make_shop()
    await add_wechat(shop)
    return Storefront(api, shop)
