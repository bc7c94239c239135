"""Rates while Redis is dead or silent: nobody is refused for it, and each process counts on."""

import asyncio
import contextlib
import time

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.integration.degraded.site import Site
from tests.support.servers import until

LIMIT = 3_000


async def left_for(site: Site, address: str) -> int:
    """Send a request from an address; return how many more its caller may send."""
    answer: httpx.Response = await site.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"x-forwarded-for": address}
    )
    assert answer.status_code == 200, answer.text
    return int(answer.headers["ratelimit"].split(";r=")[1].split(";")[0])


async def test_with_redis_dead_requests_are_counted_here(site: Site) -> None:
    await left_for(site, "198.51.100.1")
    with site.dead(site.valkey()):
        lefts = [await left_for(site, "198.51.100.2") for _ in range(20)]
        # A minute may have ended in between.
        assert min(lefts) <= LIMIT - 10

    async def is_counted_together() -> bool:
        await left_for(site, "198.51.100.3")
        async with Redis.from_url(site.environment["REDIS_URL"], decode_responses=True) as redis:
            with contextlib.suppress(RedisError):
                return bool(await redis.keys("rate:address:198.51.100.3:*"))
        return False

    await until(is_counted_together)


async def test_a_silent_redis_is_waited_for_once(site: Site) -> None:
    await left_for(site, "198.51.100.4")
    with site.frozen(site.valkey()):
        began = time.monotonic()
        await asyncio.gather(*(left_for(site, "198.51.100.5") for _ in range(20)))
        for _ in range(200):
            await left_for(site, "198.51.100.5")
        # A quarter of a second each would be 50 seconds.
        assert time.monotonic() - began < 40
