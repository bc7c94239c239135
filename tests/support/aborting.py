"""Clients that go away at a random moment: over HTTP, event streams and WebSockets."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.support.wire import Wire, text_frame

MOST_PAUSE_SECONDS = 0.03
"""Longer than an undisturbed order takes: some are aborted after their answer was sent."""

Request = Mapping[str, Any]
"""A GraphQL request: query and variables."""


@dataclass
class AbortingClients:
    """So many clients at a time, none of which waits for an answer.

    Args:
        url: the server.
        requests: makes a query or a mutation, a new one each time.
        subscription: what streams follow.
        seed: the same seed aborts in the same way, as far as the machine's timing lets it.
    """

    url: str
    requests: Callable[[random.Random], Request]
    subscription: Request
    seed: int
    aborted: Counter[str] = field(default_factory=Counter)
    """How often each kind of abort was done."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._kinds: list[tuple[str, int, Callable[[], Awaitable[None]]]] = [
            ("after the headers", 30, self._after_headers),
            ("after half the body", 30, self._after_half),
            ("after the whole body", 15, self._after_whole),
            ("a moment later", 15, self._a_moment_later),
            ("event stream", 5, self._event_stream),
            ("socket", 5, self._socket),
        ]

    async def run(self, count: int, *, at_once: int) -> None:
        """Send so many requests and abort each."""
        line = iter(range(count))
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._serve(line))

    async def _serve(self, line: Iterator[int]) -> None:
        for _ in line:
            weights = [weight for _, weight, _ in self._kinds]
            [(name, _, abort)] = self._random.choices(self._kinds, weights)
            await abort()
            self.aborted[name] += 1

    async def _after_headers(self) -> None:
        await self._send(lambda request, body: request[: -len(body)])

    async def _after_half(self) -> None:
        await self._send(lambda request, body: request[: -len(body) // 2])

    async def _after_whole(self) -> None:
        await self._send(lambda request, body: request)

    async def _a_moment_later(self) -> None:
        await self._send(lambda request, body: request, is_waiting=True)

    async def _event_stream(self) -> None:
        accept = "Accept: text/event-stream\r\n"
        # Mutations may be sent this way as well.
        is_subscription = self._random.random() < 0.7
        body = self.subscription if is_subscription else self.requests(self._random)
        await self._send(
            lambda request, body: request, request=body, headers=accept, is_waiting=True
        )

    async def _send(
        self,
        cut: Callable[[bytes, bytes], bytes],
        *,
        request: Request | None = None,
        headers: str = "",
        is_waiting: bool = False,
    ) -> None:
        body = orjson.dumps(request or self.requests(self._random))
        wire = await Wire.open(self.url)
        wire.write(cut(wire.request(body, headers=headers), body))
        if is_waiting:
            await self._pause()
        await self._leave(wire)

    async def _socket(self) -> None:
        wire = await Wire.open_socket(self.url)
        frames: list[Mapping[str, Any]] = []
        for number in range(self._random.randint(1, 3)):
            is_subscription = self._random.random() < 0.5
            payload = self.subscription if is_subscription else self.requests(self._random)
            frames.append({"id": str(number), "type": "subscribe", "payload": payload})
        wire.write(b"".join(map(text_frame, frames)))
        await self._pause()
        if self._random.random() < 0.5:
            wire.write(text_frame({"id": "0", "type": "complete"}))
            await self._pause()
        await self._leave(wire)

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(0, MOST_PAUSE_SECONDS))

    async def _leave(self, wire: Wire) -> None:
        if self._random.random() < 0.5:
            # What was written is on its way before the connection is reset.
            with contextlib.suppress(OSError):
                await wire.drain()
            wire.abort()
        else:
            wire.close()
