"""A shop, a store in a folder of its own, and the application that serves them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from headless_presale.identity import Role
from headless_presale.media import MediaStore, open_store, set_store
from headless_presale.settings import Settings
from headless_presale.shops import Shop
from tests.support.http import shop_serving
from tests.support.shop import make_shop
from tests.support.staff import Caller, sign_in
from tests.support.uploads import MOST_BYTES


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[MediaStore]:
    """Install a store in an empty folder."""
    store = open_store(None, tmp_path / "media")
    set_store(store)
    yield store
    set_store(None)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await make_shop()


@pytest.fixture
async def url(database: str, redis: Redis, store: MediaStore) -> AsyncIterator[str]:
    """Serve the application over what the test's fixtures have opened."""
    async with shop_serving(Settings(media_max_bytes=MOST_BYTES)) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
async def manager(shop: Shop) -> Caller:
    return await sign_in(shop, Role.MANAGER)
