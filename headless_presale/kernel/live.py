"""Live updates: events are rows first, broadcasts second.

After a commit the topic's name goes out over Redis; each process holds one Redis connection and
wakes the followers of that topic. The broadcast only wakes: followers read rows from their cursor,
so a lost broadcast costs time (the poll below), never an update.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence

import structlog
from redis.exceptions import RedisError

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import ask, redis_client

log = structlog.get_logger(__name__)

CHANNEL_PREFIX = "live:"
POLL_SECONDS = 5.0
"""Followers look for themselves this often, should Redis be gone."""
MIN_INTERVAL_SECONDS = 0.2
"""At most five updates a second reach one follower; what comes between is coalesced."""


async def publish(news: Sequence[tuple[str, int]]) -> None:
    """Wake the followers of these topics in every process. Never raises: news may be lost."""
    try:
        await ask(*(("PUBLISH", CHANNEL_PREFIX + topic, event_id) for topic, event_id in news))
    except Unavailable as error:
        log.info("live.publish_failed", error=repr(error))


class LiveHub:
    """One listener per process; any number of followers."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._topics_changed = asyncio.Event()
        self._closing = False

    async def start(self) -> None:
        """Start listening."""
        self._closing = False
        self._listener = asyncio.create_task(self._listen(), name="live-hub")

    async def stop(self) -> None:
        """End all followers and stop listening."""
        self._closing = True
        self._topics_changed.set()
        for events in self._followers.values():
            for event in events:
                event.set()
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None

    async def follow(self, topic: str) -> AsyncGenerator[None, None]:
        """Yield once at the start and then whenever the topic may have news."""
        wake = asyncio.Event()
        self._followers[topic].add(wake)
        self._topics_changed.set()
        try:
            while not self._closing:
                yield
                await asyncio.sleep(MIN_INTERVAL_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await wake.wait()
                wake.clear()
        finally:
            self._followers[topic].discard(wake)
            if not self._followers[topic]:
                del self._followers[topic]
            self._topics_changed.set()

    async def _listen(self) -> None:
        # The flag as well as the cancellation: redis-py's timed read may swallow the latter.
        while not self._closing:
            try:
                await self._listen_once()
            except (RedisError, OSError) as error:
                log.info("live.listener_lost", error=repr(error))
                await asyncio.sleep(1)
                # Whatever was said meanwhile went unheard: let everybody look.
                for topic in list(self._followers):
                    self._wake(topic)

    async def _listen_once(self) -> None:
        subscribed: set[str] = set()
        async with redis_client().pubsub(ignore_subscribe_messages=True) as pubsub:
            while not self._closing:
                self._topics_changed.clear()
                wanted = {CHANNEL_PREFIX + topic for topic in self._followers}
                if new := wanted - subscribed:
                    await pubsub.subscribe(*new)
                    # What was published before the subscription took hold went unheard.
                    for channel in new:
                        self._wake(channel.removeprefix(CHANNEL_PREFIX))
                if old := subscribed - wanted:
                    await pubsub.unsubscribe(*old)
                subscribed = wanted
                if not subscribed:
                    await self._topics_changed.wait()
                    continue
                # A short timeout lets new topics in without a second task on this connection.
                message = await pubsub.get_message(timeout=0.05)
                if message is not None:
                    self._wake(str(message["channel"]).removeprefix(CHANNEL_PREFIX))

    def _wake(self, topic: str) -> None:
        for event in self._followers.get(topic, ()):
            event.set()
