"""A TCP proxy between two parties that loses answers, holds requests, refuses, or stalls."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from enum import StrEnum

CHUNK_BYTES = 65_536
ANSWER_SECONDS = 2.0
"""How long the answer to a request is waited for that is going to be thrown away."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Way(StrEnum):
    """What a proxy does with what it is given."""

    PASS = "pass"
    LOSE_ANSWERS = "lose_answers"
    """Requests are forwarded; some of the answers are thrown away and the connections closed."""
    REFUSE = "refuse"
    """Nobody is connected, and whoever was is no longer."""
    HOLD = "hold"
    """Some requests wait on the way; those of clients that are gone by the end are dropped."""
    STALL = "stall"
    """Nothing passes, and nothing is closed."""


def is_commit(sent: bytes) -> bool:
    """Tell whether these bytes, sent to PostgreSQL, are a plain query that commits."""
    return sent[:1] == b"Q" and b"COMMIT" in sent[5:32].upper()


class Proxy:
    """Listens on a free port and passes bytes on to the first upstream that takes them.

    Args:
        upstreams: ``(host, port)`` or the path of a socket; each connection begins with another.
        chance: how many of the requests at stake lose their answer while answers are lost.
        is_at_stake: which requests lose their answer or are held, by the bytes sent.
    """

    def __init__(
        self,
        upstreams: Sequence[tuple[str, int] | str],
        *,
        chance: float = 0.3,
        is_at_stake: Callable[[bytes], bool] = bool,
        seed: int = 0,
    ) -> None:
        self._upstreams = list(upstreams)
        self._chance = chance
        self._is_at_stake = is_at_stake
        self._dice = random.Random(seed)
        self._way = Way.PASS
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._released = asyncio.Event()
        self._released.set()
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._next = 0
        self.answers_lost = 0
        self.connections_cut = 0

    async def start(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        links = list(self._links.items())
        for link, task in links:
            link.abort()
            task.cancel()
        await asyncio.gather(*(task for _, task in links), return_exceptions=True)

    def behave(self, way: Way) -> None:
        """Change what is done from now on."""
        self._way = way
        for event, is_closed in (
            (self._flowing, way is Way.STALL),
            (self._released, way is Way.HOLD),
        ):
            if is_closed:
                event.clear()
            else:
                event.set()
        if way is Way.REFUSE:
            for link in list(self._links):
                self.connections_cut += 1
                link.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link((reader, writer))
        if self._way is Way.REFUSE:
            self.connections_cut += 1
            link.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(link))
        self._links[link] = task
        task.add_done_callback(lambda _: self._links.pop(link, None))

    async def _serve(self, link: "_Link") -> None:
        try:
            await self._flowing.wait()
            link.upstream = await self._connect()
            if link.upstream is None:
                return
            both = (
                asyncio.ensure_future(self._forward(link, link.client[0], link.upstream[1])),
                asyncio.ensure_future(self._bring_back(link, link.upstream[0], link.client[1])),
            )
            try:
                # The first side to end ends the connection, once its last bytes are delivered.
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        finally:
            link.close()

    async def _connect(self) -> Streams | None:
        self._next += 1
        for offset in range(len(self._upstreams)):
            upstream = self._upstreams[(self._next + offset) % len(self._upstreams)]
            try:
                if isinstance(upstream, str):
                    return await asyncio.open_unix_connection(upstream)
                return await asyncio.open_connection(*upstream)
            except OSError:
                continue
        return None

    async def _forward(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                is_at_stake = self._is_at_stake(data)
                if is_at_stake and not self._released.is_set():
                    await self._released.wait()
                    if reader.at_eof():
                        return
                is_lost = (
                    is_at_stake
                    and self._way is Way.LOSE_ANSWERS
                    and self._dice.random() < self._chance
                )
                link.is_doomed = link.is_doomed or is_lost
                writer.write(data)
                await writer.drain()
                if is_lost:
                    # The other side reads the answer and throws it away; should none come...
                    await asyncio.sleep(ANSWER_SECONDS)
                    return

    async def _bring_back(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                if link.is_doomed:
                    self.answers_lost += 1
                    link.abort()
                    return
                writer.write(data)
                await writer.drain()


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: Streams) -> None:
        self.client = client
        self.upstream: Streams | None = None
        self.is_doomed = False

    def abort(self) -> None:
        """Break both sides off without a word."""
        for _, writer in filter(None, (self.client, self.upstream)):
            writer.transport.abort()

    def close(self) -> None:
        """Close both sides after what is on its way."""
        for _, writer in filter(None, (self.client, self.upstream)):
            writer.close()
