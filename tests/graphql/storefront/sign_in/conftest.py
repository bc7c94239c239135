"""WeChat, in its double."""

from collections.abc import AsyncIterator

import pytest

from tests.graphql.providers import outside_open
from tests.support.wechat import WeChat, running_wechat


@pytest.fixture(scope="module")
async def wechat_server() -> AsyncIterator[WeChat]:
    async with running_wechat() as wechat:
        yield wechat


@pytest.fixture
async def wechat(wechat_server: WeChat, database: str) -> AsyncIterator[WeChat]:
    """Return it as if nobody had come before."""
    async with outside_open(wechat_server.url):
        yield wechat_server
    wechat_server.__dict__.update(WeChat(wechat_server.url).__dict__)
