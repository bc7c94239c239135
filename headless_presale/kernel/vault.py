"""Secrets that have to be read again: encrypted at rest under a key derived from the secret key.

What only has to be recognised (passwords, codes, tokens) is kept as a hash and never comes here.
Each purpose has a key of its own, so a ciphertext moved into another column does not open.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headless_presale.kernel.errors import PresaleError

_secret: bytes | None = None


class SealBroken(PresaleError):
    """A stored secret does not open: it was altered, or sealed under another secret key."""


def set_secret_key(secret_key: str | None) -> None:
    """Install what keys are derived from. Called by the composition root."""
    global _secret
    _secret = secret_key.encode() if secret_key is not None else None


def derive_key(purpose: str) -> bytes:
    """Return the 32 bytes that belong to a purpose.

    Raises:
        RuntimeError: no secret key is installed.
    """
    if _secret is None:
        raise RuntimeError("no secret key is installed")
    return HKDF(SHA256(), 32, salt=None, info=f"headless-presale:{purpose}".encode()).derive(
        _secret
    )


def seal(purpose: str, secret: str) -> str:
    """Return a secret as it may be stored."""
    return _box(purpose).encrypt(secret.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """Return a secret that :func:`seal` closed for the same purpose.

    Raises:
        SealBroken: it was not.
    """
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken(f"a stored secret of {purpose} does not open") from None


def _box(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive_key(purpose)))
