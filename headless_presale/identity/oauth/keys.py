"""Keys that sign access tokens: one signs, the next is published, the last one still verifies.

A key is published long before it signs and for a while after, so that it changes without anybody
noticing. Private keys are sealed in the database. A process keeps them in memory: what they verify
needs no database, and a key it has never heard of makes it look, but not often.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from joserfc.jwk import ECKey

from headless_presale.identity.models import SigningKey
from headless_presale.kernel import clock
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import (
    DATABASE_DOWN,
    UnitOfWork,
    shielded,
    unit_of_work,
)
from headless_presale.kernel.vault import seal, unseal

log = structlog.get_logger(__name__)

ALGORITHM = "ES256"
CURVE = "P-256"
PURPOSE = "signing-key"
SIGNS_FOR = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(days=1)
"""At least so long before it signs is a key published, unless somebody rotates by hand."""
RETIRES_AFTER = timedelta(hours=1)
"""A key verifies so much longer than it signs: longer than a token lives and a process remembers
what the current key is."""
REFRESH_EVERY = timedelta(seconds=60)
LOOK_AGAIN_AFTER = timedelta(seconds=5)
"""Whoever sends tokens with invented key ids makes us look no more often than this."""
_ALL_KEYS = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair as it stands in memory."""

    kid: str
    pair: ECKey
    signs_from: datetime
    retires_at: datetime | None

    def is_retired(self, at: datetime) -> bool:
        """Tell whether what it signed no longer counts."""
        return self.retires_at is not None and self.retires_at <= at


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys there were at a moment, by their ids."""

    keys: Mapping[str, Key]
    read_at: datetime

    def find(self, kid: str) -> Key | None:
        """Return the key of this id unless it is retired."""
        key = self.keys.get(kid)
        return key if key is not None and not key.is_retired(clock.now()) else None

    def current(self) -> Key | None:
        """Return the key that signs now: the one that began last."""
        at = clock.now()
        able = [k for k in self.keys.values() if k.signs_from <= at and not k.is_retired(at)]
        return max(able, key=lambda key: key.signs_from, default=None)


_ring: KeyRing | None = None
_looked_at: datetime | None = None
_reading: asyncio.Task[KeyRing] | None = None


async def signing_key() -> Key:
    """Return the key that signs now; made on first use.

    Call it before a transaction: it may have to look into the database itself.
    """
    ring = await _fresh_ring()
    if (key := ring.current()) is not None:
        return key
    await ensure_keys()
    key = (await _read()).current()
    if key is None:
        raise Unavailable("signing keys")
    return key


async def verification_key(kid: str) -> Key | None:
    """Return the key that a token names, if it is one of ours and counts."""
    global _looked_at
    ring = await _fresh_ring()
    if (key := ring.find(kid)) is not None:
        return key
    at = clock.now()
    is_reading = _reading is not None and not _reading.done()
    if not is_reading and _looked_at is not None and at < _looked_at + LOOK_AGAIN_AFTER:
        return None
    _looked_at = at
    return (await _read()).find(kid)


async def published_keys() -> list[dict[str, Any]]:
    """Return the public halves as JSON Web Keys, the one that signs first."""
    ring = await _fresh_ring()
    if ring.current() is None:
        await signing_key()
        ring = await _fresh_ring()
    at = clock.now()
    keys = [key for key in ring.keys.values() if not key.is_retired(at)]
    keys.sort(key=lambda key: (key.signs_from > at, -key.signs_from.timestamp()))
    return [{**key.pair.as_dict(private=False)} for key in keys]


@shielded
async def ensure_keys() -> None:
    """See to it that a key signs and its successor is published. Safe to repeat, from anywhere."""
    at = clock.now()
    async with unit_of_work() as work:
        await work.lock("signing-keys", _ALL_KEYS)
        await work.execute("DELETE FROM signing_key WHERE retires_at <= $1", at)
        begun, coming = await _rows(work, at)
        if not begun:
            begun = [await _make(work, signs_from=at)]
        if not coming:
            signs_from = max(begun[-1] + SIGNS_FOR, at + PUBLISHED_AHEAD)
            await _make(work, signs_from=signs_from)
        await _retire_replaced(work, at)
    forget_keys()


@shielded
async def rotate_keys(*, is_compromised: bool = False) -> str:
    """Let the next key sign from now on; return its id. Tokens that were issued stay good.

    Args:
        is_compromised: no key there was counts any longer, the published one neither: clients ask
            for a new access token at once, and nobody has to sign in again.
    """
    at = clock.now()
    async with unit_of_work() as work:
        await work.lock("signing-keys", _ALL_KEYS)
        if is_compromised:
            await work.execute("DELETE FROM signing_key")
        _, coming = await _rows(work, at)
        if not coming:
            await _make(work, signs_from=at)
        else:
            await work.execute(
                "UPDATE signing_key SET signs_from = $1 WHERE signs_from = $2", at, coming[0]
            )
        await _make(work, signs_from=at + SIGNS_FOR)
        await _retire_replaced(work, at)
    forget_keys()
    return (await signing_key()).kid


def forget_keys() -> None:
    """Read the keys anew when they are needed next."""
    global _ring, _looked_at
    _ring = _looked_at = None


async def _rows(work: UnitOfWork, at: datetime) -> tuple[list[datetime], list[datetime]]:
    """Return from when keys sign, in order: those that have begun, those that have not."""
    rows = await work.fetch(
        "SELECT signs_from FROM signing_key WHERE retires_at IS NULL OR retires_at > $1 "
        "ORDER BY signs_from",
        at,
    )
    moments = [row["signs_from"] for row in rows]
    return [m for m in moments if m <= at], [m for m in moments if m > at]


async def _make(work: UnitOfWork, *, signs_from: datetime) -> datetime:
    pair = ECKey.generate_key(CURVE)
    await work.execute(
        "INSERT INTO signing_key (kid, algorithm, private_key, created_at, signs_from) "
        "VALUES ($1, $2, $3, $4, $5)",
        pair.thumbprint(),
        ALGORITHM,
        seal(PURPOSE, pair.as_pem(private=True).decode()),
        clock.now(),
        signs_from,
    )
    return signs_from


async def _retire_replaced(work: UnitOfWork, at: datetime) -> None:
    """Give an end to every key whose successor signs."""
    await work.execute(
        "UPDATE signing_key AS old SET retires_at = ("
        "  SELECT min(signs_from) FROM signing_key AS next WHERE next.signs_from > old.signs_from"
        ") + $2 "
        "WHERE retires_at IS NULL AND EXISTS ("
        "  SELECT 1 FROM signing_key AS next"
        "  WHERE next.signs_from > old.signs_from AND next.signs_from <= $1"
        ")",
        at,
        RETIRES_AFTER,
    )


async def _fresh_ring() -> KeyRing:
    ring = _ring
    if ring is None:
        return await _read()
    if clock.now() < ring.read_at + REFRESH_EVERY:
        return ring
    try:
        return await _read()
    except (Unavailable, *DATABASE_DOWN) as error:
        # The keys of a minute ago are as good as ever: tokens go on being verified.
        log.warning("oauth.keys_not_refreshed", error=repr(error))
        return ring


async def _read() -> KeyRing:
    """Read the keys once for all who wait for them, in no transaction of theirs."""
    global _reading
    if _reading is None or _reading.done():
        _reading = asyncio.create_task(_read_now(), name="read-signing-keys", context=Context())
    return await asyncio.shield(_reading)


async def _read_now() -> KeyRing:
    global _ring
    at = clock.now()
    rows = await SigningKey.all()
    keys = {}
    for row in rows:
        pair = ECKey.import_key(
            unseal(PURPOSE, row.private_key),
            {"kid": row.kid, "alg": row.algorithm, "use": "sig"},
        )
        keys[row.kid] = Key(row.kid, pair, row.signs_from, row.retires_at)
    _ring = KeyRing(keys, at)
    return _ring
