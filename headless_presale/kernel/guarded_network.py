"""A network that leads outside alone, for addresses that merchants choose.

A name is resolved once per connection, every address it has is looked at, and the connection goes
to one of those: a name that answers otherwise the next time is of no use.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpcore

from headless_presale.kernel.addresses import AddressRefused, check_public
from headless_presale.kernel.outward import Resolve

MOST_ADDRESSES = 3
"""So many of a host's addresses are tried, one after the other."""


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
