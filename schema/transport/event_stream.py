"""Server-sent events for one operation: the distinct connections mode of graphql-sse."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime

from starlette.types import Message, Receive, Scope, Send

from schema.transport.errors import log_masked
from schema.transport.execution import Outcome
from schema.transport.negotiation import EVENT_STREAM

HEADERS = {
    "content-type": f"{EVENT_STREAM}; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    # Proxies of the nginx family hold small writes back without it.
    "x-accel-buffering": "no",
}

_COMPLETE = b"event: complete\ndata: \n\n"
_FAREWELL_SECONDS = 1.0
_HEARTBEAT = b": ping\n\n"


def seconds_until(moment: datetime | None) -> float | None:
    """Seconds from now to an aware moment, not below zero; None for None."""
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


class EventStream:
    """An ASGI response that follows an operation until it completes, the client leaves, the
    session expires or the server stops. In every case the resolver's generator is closed.

    Args:
        outcomes: Results in order.
        encode: One result as JSON without line breaks.
        headers: Sent besides ``HEADERS``.
        heartbeat_seconds: Pause between comments that keep proxies from closing the stream.
        expires_at: End of the session, aware; ``expired`` is then sent as the last result.
        ended: Returns when the session has come to an end before that; likewise.
    """

    def __init__(
        self,
        outcomes: AsyncGenerator[Outcome, None],
        encode: Callable[[Outcome], bytes],
        *,
        headers: dict[str, str],
        heartbeat_seconds: float,
        request_id: str,
        expires_at: datetime | None = None,
        ended: Callable[[], Awaitable[None]] | None = None,
        expired: Outcome | None = None,
    ) -> None:
        self._outcomes = outcomes
        self._encode = encode
        self._headers = {**HEADERS, **headers}
        self._heartbeat_seconds = heartbeat_seconds
        self._request_id = request_id
        self._expires_at = expires_at
        self._session_ended = ended
        self._expired = expired
        self._ended = asyncio.Event()
        self._writing = asyncio.Lock()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def finish(self, code: int, reason: str) -> None:
        """End the stream without ``complete``, so that the client knows to come back."""
        self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        except OSError:
            await self._outcomes.aclose()
            self.finished.set_result(None)
            return
        # The generator is entered, advanced and left in one task: a resolver may hold a task
        # group or a timeout open across its yields.
        following = asyncio.create_task(self._follow(send))
        ends = {
            following,
            asyncio.create_task(_wait_for_disconnect(receive)),
            asyncio.create_task(self._ended.wait()),
        }
        heartbeat = asyncio.create_task(self._beat(send))
        session = asyncio.create_task(self._watch_session())
        try:
            await asyncio.wait(
                {*ends, session},
                timeout=seconds_until(self._expires_at),
                return_when=asyncio.FIRST_COMPLETED,
            )
            expired = not any(task.done() for task in ends)
        finally:
            for task in (*ends, heartbeat, session):
                task.cancel()
            await asyncio.gather(*ends, heartbeat, session, return_exceptions=True)
            await self._outcomes.aclose()
            self.finished.set_result(None)
        self._report(following)
        if expired and self._expired is not None:
            await _quietly(self._write(send, self._event(self._expired) + _COMPLETE))
        await _quietly(send({"type": "http.response.body", "body": b"", "more_body": False}))

    async def _follow(self, send: Send) -> None:
        # A first byte at once: it lets proxies and clients see that the stream stands.
        await self._write(send, _HEARTBEAT)
        async with contextlib.aclosing(self._outcomes):
            async for outcome in self._outcomes:
                await self._write(send, self._event(outcome))
        await self._write(send, _COMPLETE)

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            await self._write(send, _HEARTBEAT)

    async def _watch_session(self) -> None:
        if self._session_ended is None:
            await asyncio.Event().wait()
        else:
            await self._session_ended()

    async def _write(self, send: Send, chunk: bytes) -> None:
        async with self._writing:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    def _event(self, outcome: Outcome) -> bytes:
        return b"event: next\ndata: " + self._encode(outcome) + b"\n\n"

    def _report(self, following: "asyncio.Task[None]") -> None:
        if following.cancelled():
            return
        failure = following.exception()
        # OSError is how a server reports that the client has gone.
        if failure is not None and not isinstance(failure, OSError):
            log_masked(failure, self._request_id, None)


async def _wait_for_disconnect(receive: Receive) -> None:
    message: Message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


async def _quietly(sending: Awaitable[None]) -> None:
    """Send the last bytes to a client that may have gone, or stopped reading."""
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(sending, _FAREWELL_SECONDS)
