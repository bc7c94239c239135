"""Passwords: which ones are taken, and how they are kept.

A hash is made to be slow and to need memory, so it runs in a thread and only a few do at once:
whoever sends many wrong passwords must not take the processor and the memory from everybody else.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from headless_presale.identity.errors import PasswordFault, PasswordRefused
from headless_presale.kernel.errors import Unavailable

R = TypeVar("R")

MIN_LENGTH = 10
MAX_LENGTH = 128
AT_ONCE = 2
"""Hashes that are computed at the same time; each takes 64 MiB."""
WAITING = 30
"""More than these wait for nothing: by then most of them have gone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a password.

    Attributes:
        new_hash: what to store instead, where the parameters have changed since it was hashed.
    """

    is_right: bool
    new_hash: str | None = None


def check_new_password(password: str, *, email: str) -> None:
    """Refuse a password that is short, endless, widely used, or the person's own address.

    Raises:
        PasswordRefused: says which.
    """
    password = normalise(password)
    if len(password) < MIN_LENGTH:
        raise PasswordRefused(PasswordFault.TOO_SHORT)
    if len(password) > MAX_LENGTH:
        raise PasswordRefused(PasswordFault.TOO_LONG)
    folded = password.casefold()
    address = email.casefold()
    if folded in (address, address.partition("@")[0]):
        raise PasswordRefused(PasswordFault.OWN_ADDRESS)
    if folded in common_passwords() or len(set(folded)) < 4:
        raise PasswordRefused(PasswordFault.COMMON)


async def hash_password(password: str) -> str:
    """Return what is stored of a password.

    Raises:
        Unavailable: too many others are waiting.
    """
    return await _in_thread(lambda: _hasher().hash(normalise(password)))


async def verify_password(password: str, stored: str | None) -> Verdict:
    """Compare a password; without a stored hash it takes as long, and is wrong.

    Raises:
        Unavailable: too many others are waiting.
    """
    return await _in_thread(lambda: _verify(normalise(password), stored))


def normalise(password: str) -> str:
    """Return a password in one spelling: keyboards write accents in more than one way."""
    return unicodedata.normalize("NFKC", password)


@cache
def common_passwords() -> frozenset[str]:
    """Return passwords that are guessed first, case-folded; those too short anyway left out."""
    text = (files("headless_presale.identity") / "common_passwords.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")


def _verify(password: str, stored: str | None) -> Verdict:
    # Asked for in either case, so that the first one of a process costs the same in either case.
    nobodys = _nobodys_hash()
    # Endless input would make the work depend on what is sent; nobody's password is so long.
    is_right, new_hash = _hasher().verify_and_update(
        password[: MAX_LENGTH + 1], nobodys if stored is None else stored
    )
    if stored is None or not is_right:
        return Verdict(False)
    return Verdict(True, new_hash)


_waiting = 0
_places: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


async def _in_thread(work: Callable[[], R]) -> R:
    global _waiting
    loop = asyncio.get_running_loop()
    if loop not in _places:
        _places.clear()
        _places[loop] = asyncio.Semaphore(AT_ONCE)
    if _waiting >= AT_ONCE + WAITING:
        raise Unavailable("sign-in", retry_after_seconds=5)
    _waiting += 1
    try:
        async with _places[loop]:
            return await asyncio.to_thread(work)
    finally:
        _waiting -= 1
