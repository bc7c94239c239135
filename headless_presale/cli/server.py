"""uvicorn with an orderly end: open streams are told to go before it waits for them."""

import socket

import uvicorn
from uvicorn.supervisors import Multiprocess

from headless_presale.app import close_open_streams


class Server(uvicorn.Server):
    """A server whose subscriptions do not hold up its stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close streams first, then connections, then the lifespan."""
        await close_open_streams()
        await super().shutdown(sockets)


def run_server(config: uvicorn.Config) -> None:
    """Run one process, or ``config.workers`` of them on one listening socket.

    uvicorn makes the servers of several processes itself: there, streams end when the graceful
    timeout has passed.
    """
    if config.workers == 1:
        Server(config).run()
    else:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
