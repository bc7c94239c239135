"""A storefront on a site of its own, in a real Chromium: what it may use, and what it may not."""

from typing import Any

import pytest
from redis.asyncio import Redis

from headless_presale.settings import Settings
from headless_presale.shops.models import Shop
from tests.conftest import SECRET_KEY
from tests.support.api import api_serving
from tests.support.browser import drive, needs_browser
from tests.support.processes import free_port
from tests.support.shop import make_shop

pytestmark = [needs_browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("which", ["own", "foreign", "foreign beside an open shop"])
async def test_a_page_of_another_site(
    database: str, redis: Redis, redis_url: str, which: str
) -> None:
    port = free_port()
    shop = await make_shop()
    site = f"http://127.0.0.1:{port}" if which == "own" else "https://forge.example"
    await Shop.filter(id=shop.id).update(storefront_origins=[site])
    if which == "foreign beside an open shop":
        await make_shop("open")
    settings = Settings.model_validate(
        {"database_url": database, "redis_url": redis_url, "secret_key": SECRET_KEY}
    )

    async with api_serving(settings) as client:
        api = str(client.base_url).rstrip("/")
        said: Any = await drive("cross_origin.mjs", port=port, api=api, slug=shop.slug)

    answered = {"data": {"shop": {"slug": shop.slug}}, "id": "from-the-page"}
    expected = {
        "own": (answered, 1000),
        # Not even the preflight is answered, nor the handshake.
        "foreign": ({"failure": "TypeError"}, 1006),
        "foreign beside an open shop": (
            {"data": {"shop": None}, "codes": ["ORIGIN_NOT_ALLOWED"], "id": "from-the-page"},
            1000,
        ),
    }
    assert (said["asked"], said["socket"]) == expected[which]
    # What cookies count for is read by no page but ours.
    assert said["signIn"] == "TypeError"
