"""HTTP as it is served: requests that are bounded, a door before the application, a fast path.

uvicorn starts the application at a request's head, with a task, a cycle of messages and a stack of
middleware, whatever the request is. Nearly all of ours are small ones for one endpoint that are
there as a whole at once: those are handed over as a whole (see ``fast_path``). What else comes goes
uvicorn's way.
"""

import asyncio
from typing import Any, cast

from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    RequestResponseCycle,
)

from headless_presale.cli.bounded import Bounded
from headless_presale.cli.cut_off import CutsOff
from headless_presale.fast_path import Answered, Asked, FastPath
from headless_presale.graphql_endpoint import GRAPHQL_PATH, lines_of
from headless_presale.overload import Door, refuse_at_once

MOST_BYTES_AT_ONCE = 65_536
"""Of a body that is handed over as a whole; what is more comes to the application in pieces."""
_PATH = GRAPHQL_PATH.encode()
_PATH_AND_QUERY = _PATH + b"?"
_FAILED = Answered(
    500,
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\nconnection: close\r\n",
    b"Internal Server Error",
    closes=True,
)


class Exchange:
    """A request on the fast path and its answer, where uvicorn looks for a cycle of its own.

    Attributes:
        response_complete: whether the connection is free for the next one.
        disconnected: whether its client has gone.
        message_event: whom uvicorn tells of that: nobody waits for it here.
    """

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NOBODY


class _Nobody:
    """What nobody waits for."""

    __slots__ = ()

    def set(self) -> None:
        """Tell nobody."""


_NOBODY = _Nobody()


class _Written:
    """The headers that uvicorn puts before all others, as they are written.

    It makes a new list of them each second.
    """

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def lines_of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return their lines."""
        if headers is not self._headers:
            self._headers, self._lines = headers, lines_of(headers)
        return self._lines


_written = _Written()


class DoorProtocol(CutsOff, Bounded):
    """HTTP that asks the door before it starts the application; see ``overload.refuse_at_once``.

    Where the state of the application has a ``fast_path``, that is asked first.
    """

    _fast: FastPath | None = None
    _exchange: Exchange | None = None
    _body = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._fast = self.app_state.get("fast_path")

    def on_headers_complete(self) -> None:
        """Collect the whole of a request for the fast path, or start the application."""
        if self._fast is None or not self._is_free() or not self._may_be_taken():
            super().on_headers_complete()
            return
        if not self._fast.takes(cast(Scope, self.scope)):
            super().on_headers_complete()
            return
        self._body = b""
        self._exchange = Exchange(keep_alive=self.parser.should_keep_alive())
        self.cycle = cast(RequestResponseCycle, self._exchange)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._exchange is None:
            super().on_body(body)
            return
        self._around -= 2 * len(body)
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """Answer a request that was collected."""
        exchange = self._exchange
        if exchange is None or self._fast is None:
            super().on_message_complete()
            return
        self._is_whole()
        self._exchange = None
        if exchange.disconnected or self.transport.is_closing():
            return
        begun = self._fast.begin(cast(Scope, self.scope), self._body)
        if begun is None:
            self._go_the_long_way(exchange)
        elif isinstance(begun, Answered):
            self._send(exchange, begun)
        else:
            task = self.loop.create_task(self._serve(exchange, self._fast, begun))
            task.add_done_callback(begun.end)
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._exchange = None
        super().connection_lost(exc)

    def _is_free(self) -> bool:
        """Tell whether nothing else is under way, and what is sent is read."""
        cycle: RequestResponseCycle | None = self.cycle
        return (
            (cycle is None or cycle.response_complete)
            and not self.pipeline
            and not self.flow.write_paused
            and self.limit_concurrency is None
        )

    def _may_be_taken(self) -> bool:
        """Tell whether a request has the form of nearly all: the address and length are plain."""
        url = self.url
        if url != _PATH and not url.startswith(_PATH_AND_QUERY):
            return False
        parser = self.parser
        if b"#" in url or parser.should_upgrade() or parser.get_http_version() != "1.1":
            return False
        method: bytes = parser.get_method()
        length: bytes | None = None
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name in (b"transfer-encoding", b"expect"):
                return False
        if method == b"POST":
            # The parser has seen to it that it is a number.
            if length is None or int(length) > MOST_BYTES_AT_ONCE:
                return False
        elif method != b"GET" or length is not None:
            return False
        path = self.root_path + GRAPHQL_PATH
        self.scope["method"] = method.decode("ascii")
        self.scope["path"] = path
        self.scope["raw_path"] = path.encode("ascii")
        self.scope["query_string"] = url[len(_PATH_AND_QUERY) :]
        return True

    def _go_the_long_way(self, exchange: Exchange) -> None:
        """Start the application after all, with the whole of the request."""
        exchange.response_complete = True
        super().on_headers_complete()
        self.cycle.body += self._body
        super().on_message_complete()

    async def _serve(self, exchange: Exchange, fast: FastPath, asked: Asked) -> None:
        try:
            answer = await fast.serve(asked)
        except BaseException:
            # Cancelled by a server that stops.
            self._send(exchange, _FAILED)
            raise
        if isinstance(answer, Answered):
            self._send(exchange, answer)
            return
        cycle = self._cycle_of(exchange, asked.scope)
        if cast(object, self.cycle) is exchange:
            self.cycle = cycle
        await cycle.run_asgi(cast(ASGI3Application, answer))

    def _send(self, exchange: Exchange, answer: Answered) -> None:
        """Send an answer, and be ready for the next request."""
        exchange.response_complete = True
        if self.transport.is_closing():
            self.on_response_complete()
            return
        is_last = answer.closes or not exchange.keep_alive
        is_told = answer.closes or exchange.keep_alive
        self.transport.write(
            b"".join(
                (
                    STATUS_LINE[answer.status],
                    _written.lines_of(self.server_state.default_headers),
                    answer.lines,
                    b"\r\n" if is_told else b"connection: close\r\n\r\n",
                    answer.body,
                )
            )
        )
        if is_last:
            self.transport.close()
        self.on_response_complete()

    def _cycle_of(self, exchange: Exchange, scope: Scope) -> RequestResponseCycle:
        """Return what sends an answer in pieces; the request is read to its end."""
        cycle = RequestResponseCycle(
            scope=cast(Any, scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        cycle.disconnected = exchange.disconnected
        return cycle

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        door = self.app_state.get("door")
        headers = [
            *self.server_state.default_headers,
            *self.app_state.get("security_headers", ()),
        ]
        refusal = (
            refuse_at_once(cast(Scope, cycle.scope), door, headers)
            if isinstance(door, Door)
            else None
        )
        if refusal is None:
            super()._start_asgi_task(cycle, app)
            return
        # Answered: what is still to come of its body is read and thrown away.
        cycle.response_started = cycle.response_complete = True
        self.transport.write(refusal)
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
