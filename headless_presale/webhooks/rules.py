"""The arithmetic of webhooks: addresses, secrets, signatures, and when to try again."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from headless_presale.kernel.errors import InvalidInput
from headless_presale.webhooks.addresses import is_public

MAX_URL_LENGTH = 2_000
PORTS = frozenset({443, 8443})
SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
SECRET_OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation signs as well, unless it is cut off at once."""

RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Waits after failed attempts, as Standard Webhooks proposes them: ten attempts in three days."""
JITTER = 0.2
MAX_ATTEMPTS = len(RETRY_AFTER) + 1

DISABLED_AFTER = timedelta(days=5)
"""How long an endpoint may take nothing at all before it is turned off."""
PATIENCE = 10
"""So many attempts in a row may fail before an endpoint is given a rest."""
LONGEST_REST = timedelta(minutes=5)


def read_url(text: str, *, allow_private: bool) -> str:
    """Return an endpoint's address.

    What its name leads to is looked at with each connection, not here.

    Args:
        allow_private: take http, any port and this machine as well.

    Raises:
        InvalidInput: it is none that we send to.
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
            field=("url",),
        )
    if allow_private:
        return text
    if port is not None and port not in PORTS:
        raise InvalidInput(reason="webhooks go to port 443 or 8443", field=("url",))
    if _is_inward(host):
        raise InvalidInput(reason="the address must be one of the public internet", field=("url",))
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


def new_secret() -> str:
    """Return a signing secret as Standard Webhooks writes it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(keys: Sequence[str], *, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a request.

    Args:
        keys: secrets; each signs, so that either side of a rotation verifies.
    """
    timestamp = str(int(sent_at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        base64.b64encode(
            hmac.digest(base64.b64decode(key.removeprefix(SECRET_PREFIX)), content, "sha256")
        ).decode()
        for key in keys
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def wait_after(attempts: int, *, chance: float, asked: timedelta | None = None) -> timedelta | None:
    """Return the wait after so many failed attempts; None after the last.

    Args:
        chance: within 0 and 1, spreads the wait over 20 % to either side, so that what failed
            together does not come back together.
        asked: what the receiver's ``Retry-After`` says; kept to where it is longer, up to a day.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = RETRY_AFTER[attempts - 1] * (1 + JITTER * (2 * chance - 1))
    return max(wait, min(asked, RETRY_AFTER[-1])) if asked is not None else wait


def rest_after(failures: int) -> timedelta | None:
    """Return how long an endpoint is left alone after so many failures in a row; None: not at all.

    5 seconds after 10, twice as long after each 5 more, at most 5 minutes: what waits for an
    endpoint that is away does not keep a worker busy with waiting for it.
    """
    if failures < PATIENCE:
        return None
    doublings = min((failures - PATIENCE) // 5, 10)
    return min(timedelta(seconds=5 << doublings), LONGEST_REST)
