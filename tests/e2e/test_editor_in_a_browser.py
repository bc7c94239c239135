"""The query editor in a real Chromium, under the policy it is served with."""

from typing import Any

import pytest
from redis.asyncio import Redis

from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.api import api_serving
from tests.support.browser import drive, needs_browser
from tests.support.node import needs_node
from tests.support.shop import make_shop

pytestmark = [needs_browser, needs_node("graphiql"), pytest.mark.timeout(300)]


async def test_it_works_and_nothing_else_runs_in_it(
    database: str, redis: Redis, redis_url: str
) -> None:
    shop = await make_shop()
    settings = Settings.model_validate(
        {"database_url": database, "redis_url": redis_url, "secret_key": SECRET_KEY}
    )
    query = f'query Editor {{ shop(slug: "{shop.slug}") {{ currency }} }}'

    async with api_serving(settings) as client:
        api = str(client.base_url).rstrip("/")
        said: Any = await drive("editor.mjs", api=api, query=query, expected="CNY")

    assert "CNY" in said["result"]
    assert said["foreign"] == []
    assert said["injected"] == {"ran": False, "reached": False}
    # What was slipped in is all that the policy had to refuse.
    assert said["refusedBefore"] == []
    assert "Content Security Policy" in str(said["complaints"])
