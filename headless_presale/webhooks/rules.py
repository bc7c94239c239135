"""The arithmetic of webhooks: addresses, secrets, signatures, and when to try again."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from headless_presale.kernel.addresses import read_outward_url

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
    """Return an endpoint's address: see :func:`read_outward_url`.

    Raises:
        InvalidInput: it is none that we send to.
    """
    return read_outward_url(text, ("url",), allow_private=allow_private)


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
