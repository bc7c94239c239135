"""Servers that really listen, in the test's own loop."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 60) -> None:
    """Wait until something has happened; so long that only what never happens fails."""
    deadline = time.monotonic() + seconds
    for pause_seconds in itertools.chain([0.0], itertools.repeat(0.02)):
        await asyncio.sleep(pause_seconds)
        happened = condition()
        if happened if isinstance(happened, bool) else await happened:
            return
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")


def bind_free_port() -> socket.socket:
    """Return a socket that is bound, so that nobody takes the port meanwhile."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def serving(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
    """Let a real server listen for as long as the block lasts."""
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started or task.done())
        if task.done():
            await task
            raise RuntimeError("the server did not start")
        yield
    finally:
        server.should_exit = True
        await task
