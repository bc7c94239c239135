"""uvicorn with an orderly end: what was accepted is answered, open streams are told to go."""

import asyncio
import gc
import socket
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.supervisors import Multiprocess, multiprocess
from websockets.frames import Frame
from websockets.http11 import Request

from headless_presale.app import close_open_streams
from headless_presale.cli.garbage import set_aside
from headless_presale.cli.waiting import Gate, Letterbox
from headless_presale.kernel import metrics
from headless_presale.overload import Door, refuse_at_once

WORKER_SILENT_SECONDS = 30
"""A process that shows no sign of life for so long is replaced. uvicorn's own five seconds are less
than a busy machine takes to start one: it would be killed before it is up, again and again."""


STALLED_SECONDS = 30.0
WHOLE_WITHIN_SECONDS = 60.0
"""A request that is not there in this time, its body included, is not waited for any longer."""
UPLOADED_WITHIN_SECONDS = 360.0
"""More than those wait who take files."""
UPLOADS = "/uploads/"
MOST_BYTES_AROUND = 262_144
"""Of a request without its body: more than the longest query that is read."""
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class CutsOff(asyncio.Protocol):
    """Ends a connection whose client does not read.

    What is sent waits in the transport, 64 KiB of it; then whoever sends waits, for as long as the
    connection stands. Closing it in order waits too, until the client has read everything. So it
    is aborted: a client that reads at all has made room long before.
    """

    stalled_seconds = STALLED_SECONDS
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait for the client, but not for ever."""
        super().pause_writing()
        if self._stalled is None:
            loop = asyncio.get_running_loop()
            self._stalled = loop.call_later(self.stalled_seconds, self._cut_off)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._forget()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _cut_off(self) -> None:
        self._stalled = None
        metrics.CONNECTIONS_CUT_OFF.inc()
        self.transport.abort()


class SocketProtocol(CutsOff, WebSocketsSansIOProtocol):
    """Sockets, ended where their client does not read.

    The application may write to them without awaiting it: what it knows as ``Wire``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Letterbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()

    def handle_connect(self, event: Request) -> None:
        """Start the application, which finds this end of the socket in the state."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["state"]["wire"] = self
        # It is in the scope, and nobody looks at it again.
        del self.request

    def handle_text(self, event: Frame) -> None:
        """Take a message: there is none before the handshake is over, and its answer sent."""
        self.response = None  # type: ignore[assignment]
        super().handle_text(event)

    def write(self, text: bytes) -> bool:
        """Send a text; False, and nothing is sent, where the client reads too slowly or is gone."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(text_frame(text))
        return True

    async def drained(self) -> None:
        """Return when the client has read on, or is gone."""
        await self.writable.wait()


def text_frame(text: bytes) -> bytes:
    """Return a whole message as servers send it: neither masked nor compressed."""
    length = len(text)
    if length < 126:
        return b"\x81%c%b" % (length, text)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), text)


class Bounded(HttpToolsProtocol):
    """HTTP whose clients send so much, and within a time.

    Bodies are bounded by the application. What is around them it never sees: the address, the
    headers and what follows a body are collected until they are whole, however long that takes and
    however much they are.
    """

    most_bytes_around = MOST_BYTES_AROUND
    whole_within_seconds = WHOLE_WITHIN_SECONDS
    _around = 0
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait(self.whole_within_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too much."""
        self._around += len(data)
        super().data_received(data)
        if self._around > self.most_bytes_around and not self.transport.is_closing():
            metrics.CONNECTIONS_CUT_OFF.inc()
            under_way: RequestResponseCycle | None = self.cycle
            if under_way is None or under_way.response_complete:
                self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Wait for one that begins."""
        super().on_message_begin()
        if self._due is None:
            self._wait(self.whole_within_seconds)

    def on_headers_complete(self) -> None:
        """Leave files more time: those who take them have a limit of their own."""
        super().on_headers_complete()
        if self.scope.get("path", "").removeprefix(self.root_path).startswith(UPLOADS):
            self._wait(UPLOADED_WITHIN_SECONDS)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which may have as much around it as it is itself."""
        self._around -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no more: what takes time now is ours."""
        self._around = 0
        self._wait(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave it to the protocol of sockets."""
        self._wait(None)
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._wait(None)
        # uvicorn does so only where it ended in order.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _wait(self, seconds: float | None) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if seconds is not None:
            self._due = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._due = None
        metrics.CONNECTIONS_CUT_OFF.inc()
        self.transport.abort()


class DoorProtocol(CutsOff, Bounded):
    """HTTP that asks the door before it starts the application; see ``overload.refuse_at_once``."""

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


class Server(uvicorn.Server):
    """A server whose subscriptions do not hold up its stop."""

    _has_process = False

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve in a process of its own."""
        self._has_process = True
        # Until it has started: what it imports and builds for that is all to stay.
        gc.disable()
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and set what that has made aside."""
        await super().startup(sockets)
        if self._has_process:
            set_aside()
            gc.enable()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse connections, then end streams, then wait for requests, then end the lifespan."""
        for server in self.servers:
            server.close()
        await close_open_streams()
        await super().shutdown(sockets)


class WorkerProcess(multiprocess.Process):
    """One of several processes, with a server of ours."""

    @property
    def server(self) -> uvicorn.Server:
        """Return the server, made in the process that runs it."""
        if self._server is None:
            self._server = Server(config=self.config)
        return self._server


class Workers(Multiprocess):
    """Several processes on one listening socket."""

    def terminate_all(self) -> None:
        """Refuse connections, then tell every process to stop."""
        # While one process has it open, the kernel takes connections that nobody will serve.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def server_config(application: ASGIApp | str, **options: Any) -> uvicorn.Config:
    """Return how the application is served; ``options`` are uvicorn's own."""
    defaults: dict[str, Any] = {
        "http": DoorProtocol,
        "ws": SocketProtocol,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # Who a client is the application decides, by PRESALE_TRUSTED_PROXIES. uvicorn would
        # believe whatever runs on this machine, and FORWARDED_ALLOW_IPS.
        "proxy_headers": False,
    }
    return uvicorn.Config(application, **(defaults | options))


def run_server(config: uvicorn.Config) -> None:
    """Run one process, or ``config.workers`` of them on one listening socket."""
    if config.workers == 1:
        Server(config).run()
        return
    config.timeout_worker_healthcheck = WORKER_SILENT_SECONDS
    # uvicorn makes its processes by this name, at the start and for each that dies.
    multiprocess.Process = WorkerProcess  # type: ignore[misc]
    Workers(config, sockets=[config.bind_socket()]).run()
