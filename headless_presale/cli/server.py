"""uvicorn with an orderly end: what was accepted is answered, open streams are told to go."""

import gc
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess, multiprocess

from headless_presale.app import close_open_streams
from headless_presale.cli.garbage import set_aside
from headless_presale.cli.http import DoorProtocol
from headless_presale.cli.socket_protocol import SocketProtocol

WORKER_SILENT_SECONDS = 30
"""A process that shows no sign of life for so long is replaced. uvicorn's own five seconds are less
than a busy machine takes to start one: it would be killed before it is up, again and again."""


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
