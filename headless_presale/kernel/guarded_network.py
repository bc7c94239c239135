"""A network that leads outside alone, for addresses that merchants choose.

A name is resolved once per connection, every address it has is looked at, and the connection goes
to one of those: a name that answers otherwise the next time is of no use.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import httpcore

from headless_presale.kernel.addresses import AddressRefused, check_public

MOST_ADDRESSES = 3
"""So many of a host's addresses are tried, one after the other."""

# Threads of their own: a name server that does not answer keeps one for half a minute, and whoever
# names an address may have such a server.
_resolvers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="outward-names")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the machine's resolver orders them."""
    lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, lookup)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone, unless private ones are allowed."""

    def __init__(self, *, allow_private: bool, resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect to what was checked. TLS still names the host it asked for."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"{host} has no address") from None
        if not self._allow_private:
            check_public(host, addresses)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no address of a merchant's leads to a file of ours."""
        raise AddressRefused("nothing is sent to files")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@cache
def trusting_the_machine() -> ssl.SSLContext:
    """Return what certificates are judged by: the authorities this machine trusts."""
    return ssl.create_default_context()
