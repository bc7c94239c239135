"""From which sites' pages a shop is used: origins, as browsers name them.

A shop that names none is used from everywhere. Servers, mini-programs and apps send no origin and
are asked for none: this is about what browsers do for a page, and keeps nobody out who can write
his own requests.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

MAX_ORIGINS = 50
MAX_ORIGIN_LENGTH = 255

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_LOOPBACK_V4 = re.compile(r"127(\.\d{1,3}){3}", re.ASCII)
_DEFAULT_PORTS = {"https": 443, "http": 80}


def read_origins(texts: Sequence[str], field: tuple[str, ...]) -> list[str]:
    """Return origins as browsers write them, each once, in order.

    ``HTTPS://Shop.example:443`` is ``https://shop.example``. Plain http is for pages on the
    developer's own machine. International names are written as browsers send them, in punycode.

    Raises:
        InvalidInput: one of them is no origin, or there are more than :data:`MAX_ORIGINS`.
    """
    if len(texts) > MAX_ORIGINS:
        raise InvalidInput(reason="at most {most} origins", most=MAX_ORIGINS, field=field)
    return sorted({_read_origin(text, (*field, str(at))) for at, text in enumerate(texts)})


def _read_origin(text: str, field: tuple[str, ...]) -> str:
    refusal = InvalidInput(
        reason="an origin is a scheme, a host and perhaps a port, such as https://shop.example",
        field=field,
    )
    text = text.strip().lower().removesuffix("/")
    if len(text) > MAX_ORIGIN_LENGTH:
        raise refusal
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refusal from None
    is_v6 = host == "::1"
    if parts.scheme not in _DEFAULT_PORTS or not (is_v6 or _HOST.fullmatch(host)) or port == 0:
        raise refusal
    shown = "[::1]" if is_v6 else host
    written = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}"
    # Whatever else stood there, a path, a user, a query, is no part of an origin.
    if text != written:
        raise refusal
    if parts.scheme == "http" and not (is_v6 or _is_loopback(host)):
        raise InvalidInput(
            reason="an origin begins with https, but for this machine's own", field=field
        )
    return written if port != _DEFAULT_PORTS[parts.scheme] else f"{parts.scheme}://{shown}"


def _is_loopback(host: str) -> bool:
    is_named = host == "localhost" or host.endswith(".localhost")
    return is_named or _LOOPBACK_V4.fullmatch(host) is not None


def is_used_from(origins: Iterable[str], origin: str) -> bool:
    """Tell whether a shop with these origins is used from a page of that one."""
    named = tuple(origins)
    return not named or origin in named


@shielded
async def list_named_origins() -> frozenset[str] | None:
    """Return the origins that shops name; None while a shop names none: then any may come."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT NOT EXISTS (SELECT FROM shop)"
            " OR EXISTS (SELECT FROM shop WHERE storefront_origins = '[]') AS is_open"
        )
        if row is None or row["is_open"]:
            return None
        rows = await work.fetch(
            "SELECT DISTINCT origin"
            " FROM shop, jsonb_array_elements_text(storefront_origins) AS named (origin)"
        )
    return frozenset(row["origin"] for row in rows)
