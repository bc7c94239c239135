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

from headless_presale.app import close_open_streams
from headless_presale.kernel import metrics
from headless_presale.overload import Door, refuse_at_once

WORKER_SILENT_SECONDS = 30
"""A process that shows no sign of life for so long is replaced. uvicorn's own five seconds are less
than a busy machine takes to start one: it would be killed before it is up, again and again."""


STALLED_SECONDS = 30.0


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
    """Sockets, ended where their client does not read."""


class DoorProtocol(CutsOff, HttpToolsProtocol):
    """HTTP that asks the door before it starts the application; see ``overload.refuse_at_once``.

    A connection is closed on which no request begins for ``timeout_keep_alive`` seconds. uvicorn
    counts them only between requests and until the next byte: a connection that never says
    anything, or never ends the head of its request, would stay for ever.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, but not for ever."""
        super().connection_made(cast(asyncio.Transport, transport))
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def on_headers_complete(self) -> None:
        """Take a request: there is nothing to wait for any more."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _unset_keepalive_if_required(self) -> None:
        """Go on waiting: uvicorn would be content with a byte."""

    def _stop_waiting(self) -> None:
        super()._unset_keepalive_if_required()

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


def set_aside() -> None:
    """Keep what there is by now, code and schema, out of later collections of garbage.

    It stays as long as the process does. To walk through it all took a full collection 150 ms,
    of whichever request it met.
    """
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """A server whose subscriptions do not hold up its stop."""

    _has_process = False

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve in a process of its own."""
        self._has_process = True
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and set what that has made aside."""
        await super().startup(sockets)
        if self._has_process:
            set_aside()

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
