"""Whose address a request comes from: the client's, also behind proxies of ours.

Anybody can send ``X-Forwarded-For``, so what it says counts only as far as a proxy of ours wrote
it. Each proxy appends whom it was reached by: read from the right, addresses of ours are hops, and
the first that is not is the client. What stands left of that the client may have made up.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from starlette.types import ASGIApp, Receive, Scope, Send

from headless_presale.kernel.ip import LONGEST, Address, read_address, write_address
from headless_presale.kernel.remembering import remembering

Network = IPv4Network | IPv6Network

MAPPED = "::ffff:"
LONGEST_CHAIN = 300
"""Bytes of hops that are remembered: clients may send more, and are not to fill the memory."""
MOST_KNOWN = 1_000
"""Clients that are remembered: those of a second or two."""
SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


class TrustedProxies:
    """Middleware: puts the client's address, and the scheme it used, into the scope.

    What is inside reads ``scope["client"]`` and need not know of proxies. The server in front must
    leave that alone (uvicorn: ``proxy_headers=False``), or it decides first, by rules of its own.

    Args:
        networks: where our proxies are; nobody else's word counts.
    """

    def __init__(self, app: ASGIApp, *, networks: Sequence[Network]) -> None:
        self.app = app
        self.clients = ClientsBehind(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in SCHEMES:
            self.clients.look_behind(scope)
        await self.app(scope, receive, send)


class ClientsBehind:
    """Finds out whose address a request comes from; once for each: a second look may go too far.

    Args:
        networks: where our proxies are.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)
        # The same clients come through the same proxies.
        self._known_peer = lru_cache(maxsize=MOST_KNOWN)(self._peer)
        self._known_client_behind = lru_cache(maxsize=MOST_KNOWN)(self._client_behind)

    def look_behind(self, scope: Scope) -> None:
        """Put the client's address, and the scheme it used, into the scope."""
        told_by = client_address(scope)
        find_peer = self._known_peer if len(told_by) <= LONGEST else self._peer
        peer, is_ours = find_peer(told_by)
        if peer is None:
            return
        if told_by.startswith(MAPPED):
            # A socket for both families gives IPv4 like this: all of it is one network of IPv6.
            scope["client"] = (str(peer), scope["client"][1])
        if not is_ours:
            return
        chain: list[bytes] = []
        told = ""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                chain.append(value)
            elif name == b"x-forwarded-proto" and not told:
                # The nearest proxy's: those before it may have been reached in another way.
                told = value.decode("latin-1").rpartition(",")[2].strip().lower()
        is_short = sum(map(len, chain)) <= LONGEST_CHAIN
        find = self._known_client_behind if is_short else self._client_behind
        client = find(told_by, tuple(chain))
        # A port we were told of would be that of another connection.
        scope["client"] = (client, 0)
        scope["scheme"] = SCHEMES[scope["type"]].get(told, scope["scheme"])

    def _peer(self, told_by: str) -> tuple[Address | None, bool]:
        """Return who is at the other end of a connection, and whether that is a proxy of ours."""
        peer = _address_in(told_by)
        return peer, peer is not None and self._is_ours(peer)

    def _client_behind(self, told_by: str, chain: tuple[bytes, ...]) -> str:
        client = _address_in(told_by)
        for hop in _hops([value.decode("latin-1") for value in chain]):
            # Whatever is no address ends the chain: we know no further than here.
            if hop is None:
                break
            client = hop
            if not self._is_ours(hop):
                break
        return told_by if client is None else write_address(client)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def _hops(values: Sequence[str]) -> Iterator[Address | None]:
    """Yield who is named in the headers, from the nearest on; None for what is no address."""
    for value in reversed(values):
        for text in reversed(value.split(",")):
            yield _address_in(text.strip())


@remembering(most=MOST_KNOWN, longest=LONGEST)
def _address_in(text: str) -> Address | None:
    """Return an address in its plain form; some proxies add the port, in brackets or without."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = read_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks and addresses, separated by commas or spaces.

    Raises:
        ValueError: one of them is none, or has bits beyond its length.
    """
    return tuple(ipaddress.ip_network(part) for part in text.replace(",", " ").split())


def client_address(scope: Scope) -> str:
    """Return the address of who asks; empty where the server tells none."""
    client = scope.get("client")
    return str(client[0]) if client else ""
