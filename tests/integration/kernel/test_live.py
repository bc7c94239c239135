"""Live updates: followers are woken by commits, coalesced, and find their own way when unheard."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel import live
from headless_presale.kernel.live import LiveHub, publish
from tests.integration.kernel.records import ring_shielded
from tests.support.servers import until


async def _next(follower: AsyncIterator[None], within_seconds: float = 30) -> bool:
    try:
        await asyncio.wait_for(anext(follower), within_seconds)
    except TimeoutError:
        return False
    return True


async def _subscribed(redis: Redis, topic: str) -> None:
    channel = live.CHANNEL_PREFIX + topic

    async def is_listened_to() -> bool:
        return bool(dict(await redis.pubsub_numsub(channel)).get(channel))

    await until(is_listened_to)


@pytest.mark.usefixtures("database")
async def test_a_commit_wakes_the_followers_of_its_topic_only(
    hub: LiveHub, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    mine, others = hub.follow("bell:1"), hub.follow("bell:2")
    assert await _next(mine)
    assert await _next(others)
    await _subscribed(redis, "bell:2")
    # What came before the subscription took hold: everybody looks once more.
    assert await _next(mine)
    assert await _next(others)

    await ring_shielded(1)

    assert await _next(mine)
    assert not await _next(others, 0.5)


async def test_many_news_at_once_are_one_update(hub: LiveHub, redis: Redis) -> None:
    follower = hub.follow("bell:1")
    assert await _next(follower)
    await _subscribed(redis, "bell:1")
    assert await _next(follower)

    await publish([("bell:1", number) for number in range(200)])

    updates = 0
    assert await _next(follower)
    while await _next(follower, live.MIN_INTERVAL_SECONDS * 2):
        updates += 1
    # None but the first, unless the machine takes its time to hear them all.
    assert updates < 10


async def test_who_hears_nothing_looks_anyway(
    hub: LiveHub, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.1)
    follower = hub.follow("bell:1")
    assert await _next(follower)

    assert await _next(follower)
    assert await _next(follower)


async def test_stopping_ends_every_follower_and_frees_its_topic(redis: Redis) -> None:
    hub = LiveHub()
    await hub.start()
    seen = []

    async def follow() -> None:
        async for _ in hub.follow("bell:1"):
            seen.append("update")

    followers = [asyncio.create_task(follow()) for _ in range(3)]
    await asyncio.sleep(0.05)

    await hub.stop()

    await asyncio.wait_for(asyncio.gather(*followers), 30)
    assert len(seen) >= 3
    assert hub._followers == {}


async def test_a_connection_that_was_cut_is_made_anew_and_what_went_unheard_looked_for(
    hub: LiveHub, redis: Redis
) -> None:
    follower = hub.follow("bell:1")
    assert await _next(follower)
    await _subscribed(redis, "bell:1")
    assert await _next(follower)
    # When the connection breaks while nothing is said
    await redis.client_kill_filter(_type="pubsub")
    # Then everybody looks, and hears again what is said
    assert await _next(follower)
    await _subscribed(redis, "bell:1")
    await publish([("bell:1", 1)])
    assert await _next(follower)


async def test_topics_come_and_go_while_the_hub_listens(hub: LiveHub, redis: Redis) -> None:
    async def channels() -> int:
        return len(await redis.pubsub_channels("live:bell:*"))

    async def become(count: int) -> None:
        async def are() -> bool:
            return await channels() == count

        await until(are)

    # Given many topics, half of which are left again
    followers = [hub.follow(f"bell:{number}") for number in range(100)]
    for follower in followers:
        assert await _next(follower)
    await become(100)
    for follower in followers[::2]:
        await follower.aclose()
    await become(50)
    # When one of those is followed again, then it is heard as one that stayed
    again, stayed = hub.follow("bell:0"), followers[1]
    assert await _next(again)
    await become(51)
    for follower in (again, stayed):
        assert await _next(follower)
    await publish([("bell:0", 1), ("bell:1", 1)])
    for follower in (again, stayed):
        assert await _next(follower)
