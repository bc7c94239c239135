"""The HTTP server around the gateway: uvicorn, able to close a connection without an answer."""

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headless_presale.sandbox_gateway.app import create_gateway
from headless_presale.sandbox_gateway.outage import ABORT_EXTENSION
from headless_presale.sandbox_gateway.settings import GatewaySettings


class AbortableProtocol(HttpToolsProtocol):
    """Offers each request an ASGI extension that closes its connection at once.

    Plain ASGI has no way to: a response not started becomes a 500.
    """

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT_EXTENSION: {"abort": self.transport.abort}}


def build_server(settings: GatewaySettings) -> uvicorn.Server:
    """Return a server to ``run()``, or to ``await serve()`` inside a running loop."""
    return uvicorn.Server(
        uvicorn.Config(
            create_gateway(settings),
            host=settings.host,
            port=settings.port,
            http=AbortableProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )
    )
