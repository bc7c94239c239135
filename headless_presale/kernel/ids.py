"""Identifiers: time-ordered for rows, derived for operations that a client may repeat."""

import base64
import hashlib
import hmac
from binascii import b2a_base64
from uuid import UUID

from asyncpg.pgproto import pgproto
from uuid_utils.compat import uuid5, uuid7

_CUSTOMER_NAMESPACE = UUID("6f1c1b1e-5d0a-5f55-9d0e-3b6f0f2c7a11")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_LOOK_ALIKE = str.maketrans("OIL", "011")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def new_id() -> UUID:
    """Return a new UUIDv7: random, and ordered by creation time so that indexes stay compact."""
    return uuid7()


def read_id(text: str) -> UUID:
    """Return the id that the database wrote within JSON, as the driver returns ids of its own.

    Its kind of UUID is written in C: it is read, hashed and written in a tenth of the time.

    Raises:
        ValueError: it is no UUID.
    """
    return pgproto.UUID(text)


def customer_id_of(shop_id: UUID, email: str) -> UUID:
    """Return the customer of a shop behind an e-mail address; case and outer space do not count."""
    return uuid5(_CUSTOMER_NAMESPACE, f"{shop_id}:{email.strip().casefold()}")


def reservation_id_of(customer_id: UUID, idempotency_key: str) -> UUID:
    """Return the id of "this customer's operation under this key": a retry gets the same one."""
    return uuid5(customer_id, idempotency_key)


def display_number(order_id: UUID) -> str:
    """Return the order number people read to each other, e.g. ``7K3D-9QXA``: 40 bits of the id."""
    bits = int.from_bytes(hashlib.blake2s(order_id.bytes, digest_size=5).digest())
    high, low = divmod(bits, 1 << 20)
    return f"{_PAIRS[high >> 10]}{_PAIRS[high & 1023]}-{_PAIRS[low >> 10]}{_PAIRS[low & 1023]}"


def read_display_number(text: str) -> str | None:
    """Return an order number, or how one begins, as it is stored; None if it cannot be one.

    Read as people write it: ``7k3d 9qxa``, ``7K3D9QXA``, with O for 0 and I or L for 1. From four
    letters on, for fewer begin too many numbers to mean one.
    """
    letters = text.upper().replace("-", "").replace(" ", "").translate(_LOOK_ALIKE)
    if not 4 <= len(letters) <= 8 or not set(letters) <= set(_CROCKFORD):
        return None
    return f"{letters[:4]}-{letters[4:]}"


def global_id(kind: str, value: object) -> str:
    """Return ``kind:value`` as the opaque, URL-safe id that clients see."""
    # What ``base64.urlsafe_b64encode`` does, without its layers: every row of a list has one.
    sealed = b2a_base64(f"{kind}:{value}".encode(), newline=False)
    return sealed.translate(_URL_SAFE, b"=").decode()


def hash_secret(secret: str) -> str:
    """Return what is stored of a random secret that only has to be recognised (SHA-256, hex).

    For secrets of 128 bits and more that we made ourselves; what people choose needs a slow hash.
    """
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def sign_token(secret: str, purpose: str, subject: UUID) -> str:
    """Return a bearer token for one subject and purpose. Deterministic: a retry gets the same."""
    digest = hmac.digest(secret.encode(), f"{purpose}:{subject}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:24]).decode()


def token_matches(secret: str, purpose: str, subject: UUID, token: str) -> bool:
    """Tell whether ``token`` was signed for this subject and purpose, in constant time."""
    # A token comes from outside and may hold what UTF-8 has no bytes for.
    given = token.encode(errors="replace")
    return hmac.compare_digest(sign_token(secret, purpose, subject).encode(), given)
