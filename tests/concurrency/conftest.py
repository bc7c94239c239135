"""Orders settle in the background; a test waits for that before its Redis client is closed."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain


@pytest.fixture(autouse=True)
async def _settled(redis: Redis) -> AsyncIterator[None]:
    yield
    await drain()
