"""Which addresses of a merchant's choice may be connected to: the public internet's, no others.

Whoever may name one could otherwise have us ask our own neighbours: metadata services, databases,
routers. The lists are IANA's special-purpose registries (RFC 6890 and its successors).
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from headless_presale.kernel.errors import InvalidInput, PresaleError

MAX_URL_LENGTH = 2_000
PORTS = frozenset({443, 8443})


class AddressRefused(PresaleError):
    """An address is one that nothing is sent to: not on the public internet."""


_REFUSED_V4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
"""All that is unicast and global. Loopback, private, link-local, multicast, IPv4-mapped and NAT64
addresses lie outside."""
_REFUSED_V6 = tuple(
    map(
        ip_network,
        (
            "2001::/23",  # protocol assignments, Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: carries any IPv4 address
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(text: str) -> bool:
    """Tell whether an address is one of the public internet; a scope (``%eth0``) never is."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)


def check_public(host: str, addresses: Sequence[str]) -> None:
    """Raise AddressRefused unless every address that a host has is public."""
    refused = [address for address in addresses if not is_public(address)]
    if refused:
        raise AddressRefused(f"{host} is at {refused[0]}, which is not on the public internet")


def read_outward_url(text: str, field: tuple[str, ...], *, allow_private: bool) -> str:
    """Return the address of something outside that a merchant names.

    What its name leads to is looked at with each connection, not here.

    Args:
        allow_private: take http, any port and this machine as well.

    Raises:
        InvalidInput: it is none that we connect to.
    """
    scheme, host, port, has_user = _taken_apart(text)
    is_clean = (
        len(text) <= MAX_URL_LENGTH
        and text.isascii()
        and text.isprintable()
        and not set(' "<>\\^`{|}#') & set(text)
    )
    schemes = ("https", "http") if allow_private else ("https",)
    if not is_clean or not host or scheme not in schemes or has_user:
        raise InvalidInput(
            reason="an address is absolute and https, in ASCII, without a user and a fragment",
            field=field,
        )
    if allow_private:
        return text
    if port is not None and port not in PORTS:
        raise InvalidInput(reason="the port is 443 or 8443", field=field)
    if _is_inward(host):
        raise InvalidInput(reason="the address must be one of the public internet", field=field)
    return text


def _taken_apart(url: str) -> tuple[str, str | None, int | None, bool]:
    """Return scheme, host, port and whether it names a user; no host where it cannot be read."""
    try:
        parts = urlsplit(url)
        has_user = parts.username is not None or parts.password is not None
        return parts.scheme, parts.hostname, parts.port, has_user
    except ValueError:
        return "", None, None, False


def _is_inward(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        name = host.rstrip(".")
        return "." not in name or name.endswith((".localhost", ".local", ".internal"))
    return not is_public(host)
