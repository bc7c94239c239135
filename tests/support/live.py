"""A hub that listens to what is published, as each process of the product has one."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from headless_presale.kernel import live
from headless_presale.kernel.live import LiveHub


@pytest.fixture
async def hub(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveHub]:
    """Return a hub that listens, and whose followers look only when they are woken."""
    monkeypatch.setattr(live, "POLL_SECONDS", 3_600)
    hub = LiveHub()
    await hub.start()
    yield hub
    await hub.stop()
