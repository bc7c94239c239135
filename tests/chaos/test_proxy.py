"""The fault proxy: what the other side heard, and what the caller heard of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.chaos.proxy import Proxy, Way, is_commit
from tests.support.servers import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[int], Awaitable[Streams]]


class Echo:
    """Answers each line with itself and remembers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
            await writer.drain()
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[tuple[Proxy, int]]:
    """Put a proxy before an echo, in which every request is at stake."""
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy([server.sockets[0].getsockname()[:2]], chance=1.0)
    port = await proxy.start()
    yield proxy, port
    await proxy.stop()
    server.close()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return what opens connections; they are closed after the test."""
    opened: list[Streams] = []

    async def open_one(port: int) -> Streams:
        opened.append(await asyncio.open_connection("127.0.0.1", port))
        return opened[-1]

    yield open_one
    for _, writer in opened:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def say(streams: Streams, line: bytes) -> bytes:
    """Send a line; return the answer, empty if the connection ended."""
    reader, writer = streams
    writer.write(line)
    try:
        async with asyncio.timeout(30):
            return await reader.readline()
    except ConnectionError:
        return b""


async def test_it_passes_on_what_is_said_in_both_directions(
    proxy: tuple[Proxy, int], echo: Echo, connect: Connect
) -> None:
    streams = await connect(proxy[1])

    assert await say(streams, b"one\n") == b"one\n"
    assert await say(streams, b"two\n") == b"two\n"
    assert echo.heard == [b"one\n", b"two\n"]


async def test_an_answer_is_lost_after_the_request_was_heard(
    proxy: tuple[Proxy, int], echo: Echo, connect: Connect
) -> None:
    streams = await connect(proxy[1])
    await say(streams, b"one\n")
    proxy[0].behave(Way.LOSE_ANSWERS)

    assert await say(streams, b"two\n") == b""
    assert echo.heard == [b"one\n", b"two\n"]
    assert proxy[0].answers_lost == 1


async def test_refusing_ends_connections_and_lets_none_in(
    proxy: tuple[Proxy, int], echo: Echo, connect: Connect
) -> None:
    streams = await connect(proxy[1])
    await say(streams, b"one\n")
    proxy[0].behave(Way.REFUSE)

    assert await say(streams, b"two\n") == b""
    assert await say(await connect(proxy[1]), b"three\n") == b""
    assert echo.heard == [b"one\n"]
    proxy[0].behave(Way.PASS)
    assert await say(await connect(proxy[1]), b"four\n") == b"four\n"


async def test_stalling_holds_everything_until_it_passes_again(
    proxy: tuple[Proxy, int], echo: Echo, connect: Connect
) -> None:
    streams = await connect(proxy[1])
    await say(streams, b"one\n")
    proxy[0].behave(Way.STALL)

    answer = asyncio.create_task(say(streams, b"two\n"))
    await asyncio.sleep(0.2)
    assert echo.heard == [b"one\n"]
    proxy[0].behave(Way.PASS)
    assert await answer == b"two\n"


async def test_a_held_request_goes_on_or_is_dropped_with_its_client(
    proxy: tuple[Proxy, int], echo: Echo, connect: Connect
) -> None:
    patient, hasty = await connect(proxy[1]), await connect(proxy[1])
    await say(patient, b"one\n")
    await say(hasty, b"two\n")
    proxy[0].behave(Way.HOLD)

    answer = asyncio.create_task(say(patient, b"three\n"))
    hasty[1].write(b"four\n")
    await hasty[1].drain()
    await asyncio.sleep(0.2)
    hasty[1].transport.abort()
    await asyncio.sleep(0.2)
    assert echo.heard == [b"one\n", b"two\n"]
    proxy[0].behave(Way.PASS)

    assert await answer == b"three\n"
    assert echo.heard == [b"one\n", b"two\n", b"three\n"]


async def test_only_what_is_at_stake_is_lost(echo: Echo, connect: Connect) -> None:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy([server.sockets[0].getsockname()[:2]], chance=1.0, is_at_stake=is_commit)
    port = await proxy.start()
    proxy.behave(Way.LOSE_ANSWERS)
    streams = await connect(port)

    query, commit = b"Q\0\0\0\x0dSELECT 1\n", b"Q\0\0\0\x0cCOMMIT;\n"
    assert await say(streams, query) == query
    assert await say(streams, commit) == b""
    assert echo.heard == [query, commit]
    await proxy.stop()
    server.close()


async def test_the_next_upstream_takes_what_the_first_does_not(
    echo: Echo, connect: Connect
) -> None:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    alive = server.sockets[0].getsockname()[:2]
    dead = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    gone = dead.sockets[0].getsockname()[:2]
    dead.close()
    await dead.wait_closed()
    proxy = Proxy([gone, alive])
    port = await proxy.start()

    for number in (b"1\n", b"2\n", b"3\n"):
        assert await say(await connect(port), number) == number
    await until(lambda: len(echo.heard) == 3)
    await proxy.stop()
    server.close()
