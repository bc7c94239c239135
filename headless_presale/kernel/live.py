"""Live updates: events are rows first, broadcasts second.

After a commit the topic's name goes out over Redis; each process holds one Redis connection and
wakes the followers of that topic. The broadcast only wakes: followers read rows from their cursor,
so a lost broadcast costs time (the poll below), never an update.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import ask, redis_client

log = structlog.get_logger(__name__)

CHANNEL_PREFIX = "live:"
POLL_SECONDS = 5.0
"""Followers look for themselves this often, should Redis be gone."""
MIN_INTERVAL_SECONDS = 0.2
"""At most five updates a second reach one follower; what comes between is coalesced."""
STOP_SECONDS = 0.5


async def publish(news: Sequence[tuple[str, int]]) -> None:
    """Wake the followers of these topics in every process. Never raises: news may be lost."""
    try:
        await ask(*(("PUBLISH", CHANNEL_PREFIX + topic, event_id) for topic, event_id in news))
    except Unavailable as error:
        log.info("live.publish_failed", error=repr(error))


class LiveHub:
    """One listener per process; any number of followers."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._listener: asyncio.Task[None] | None = None
        # Topics that got their first follower, or lost their last one.
        self._changed: set[str] = set()
        self._topics_changed = asyncio.Event()
        self._closing = False

    async def start(self) -> None:
        """Start listening."""
        self._closing = False
        self._listener = asyncio.create_task(self._listen(), name="live-hub")

    async def stop(self) -> None:
        """End all followers and stop listening."""
        self._closing = True
        for topic in list(self._followers):
            self._wake(topic)
        listener, self._listener = self._listener, None
        while listener is not None and not listener.done():
            # More than once, should a library take the first for something of its own.
            listener.cancel()
            await asyncio.wait({listener}, timeout=STOP_SECONDS)

    async def follow(self, topic: str) -> AsyncGenerator[None, None]:
        """Yield once at the start and then whenever the topic may have news."""
        wake = asyncio.Event()
        self._add(topic, wake)
        try:
            while not self._closing:
                yield
                await asyncio.sleep(MIN_INTERVAL_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await wake.wait()
                wake.clear()
        finally:
            self._remove(topic, wake)

    def _add(self, topic: str, wake: asyncio.Event) -> None:
        if topic not in self._followers:
            self._followers[topic] = set()
            self._note(topic)
        self._followers[topic].add(wake)

    def _remove(self, topic: str, wake: asyncio.Event) -> None:
        self._followers[topic].discard(wake)
        if not self._followers[topic]:
            del self._followers[topic]
            self._note(topic)

    def _note(self, topic: str) -> None:
        self._changed.add(topic)
        self._topics_changed.set()

    def _wake(self, topic: str) -> None:
        for event in self._followers.get(topic, ()):
            event.set()

    async def _listen(self) -> None:
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
        """Listen until that fails. One task reads and one writes: a new topic need not wait for
        the next message, and nobody has to wake up to look for either."""
        async with redis_client().pubsub() as pubsub:
            for topic in self._followers:
                self._note(topic)
            subscribed: set[str] = set()
            while not subscribed:
                await self._topics_changed.wait()
                await self._subscribe(pubsub, subscribed)
            tasks = {
                asyncio.create_task(self._keep_subscribed(pubsub, subscribed)),
                asyncio.create_task(self._hear(pubsub)),
            }
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_subscribed(self, pubsub: PubSub, subscribed: set[str]) -> None:
        while not self._closing:
            await self._topics_changed.wait()
            await self._subscribe(pubsub, subscribed)

    async def _subscribe(self, pubsub: PubSub, subscribed: set[str]) -> None:
        self._topics_changed.clear()
        changed, self._changed = self._changed, set()
        new = {topic for topic in changed if topic in self._followers} - subscribed
        old = {topic for topic in changed if topic not in self._followers} & subscribed
        if new:
            await pubsub.subscribe(*[CHANNEL_PREFIX + topic for topic in new])
        if old:
            await pubsub.unsubscribe(*[CHANNEL_PREFIX + topic for topic in old])
        subscribed -= old
        subscribed |= new

    async def _hear(self, pubsub: PubSub) -> None:
        while not self._closing:
            said = await pubsub.get_message(timeout=None)
            # Also where a subscription takes hold, at first and after a connection was made anew:
            # what was published before that went unheard.
            if said is not None and said["type"] in ("message", "subscribe"):
                self._wake(str(said["channel"]).removeprefix(CHANNEL_PREFIX))
