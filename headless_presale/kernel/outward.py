"""What the way outside is made of: addresses of names, and whose certificates are believed."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

# Threads of their own: a name server that does not answer keeps one for half a minute, and whoever
# names an address may have such a server.
_resolvers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="outward-names")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the machine's resolver orders them."""
    lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, lookup)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def trusting_the_machine() -> ssl.SSLContext:
    """Return what certificates are judged by: the authorities this machine trusts."""
    return ssl.create_default_context()
