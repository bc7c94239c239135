"""The live hub stops whatever it is waiting for."""

import asyncio
import contextlib

import pytest

from headless_presale.kernel.live import LiveHub

pytestmark = pytest.mark.usefixtures("redis")

ROUNDS = 150
"""Enough to meet the moment at which a timed read swallows a cancellation: about one in sixty."""


async def test_starting_following_and_stopping_many_times_never_hangs() -> None:
    for _ in range(ROUNDS):
        hub = LiveHub()
        await hub.start()
        following = hub.follow("order:1")
        await anext(following)
        await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            await hub.stop()
        with contextlib.suppress(StopAsyncIteration):
            await following.aclose()
