"""How often something may be tried. Rows in PostgreSQL: the limits hold with Redis gone.

Each limit counts attempts under one key. The first ones are free; from then on each attempt must
wait, twice as long as the one before, up to a longest pause. Whoever waits for ``decay`` starts
afresh. An attempt that comes too early is refused, costs nothing and prolongs nothing, so that
nobody is kept out by somebody who keeps knocking.

An attempt is counted before it is judged: a hundred at the same moment are a hundred attempts.
What succeeds takes itself off again (:func:`forgive`).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import asyncpg

from headless_presale.identity.errors import TooManyAttempts
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.vault import derive_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How often, and how long the pauses.

    Attributes:
        free: attempts without a pause.
        first_pause, longest_pause: in seconds; each is twice the one before.
        decay: after so long without an attempt nothing is remembered.
    """

    name: str
    free: int
    first_pause: int
    longest_pause: int
    decay: timedelta

    def __post_init__(self) -> None:
        if self.longest_pause > self.decay.total_seconds():
            raise ValueError("what is forgotten cannot be waited for")

    def pause_after(self, attempts: int) -> int:
        """Return how many seconds must pass between so many attempts and the next."""
        if attempts < self.free:
            return 0
        return int(min(self.first_pause * 2.0 ** min(attempts - self.free, 30), self.longest_pause))


@dataclass(frozen=True, slots=True)
class Key:
    """A limit for one thing: an account, an address, a network."""

    limit: Limit
    subject: str

    @property
    def stored(self) -> str:
        """What is stored: keyed, so that the table does not tell who tried."""
        text = f"{self.limit.name}:{self.subject}".encode(errors="replace")
        return hmac.new(derive_key("throttle"), text, hashlib.sha256).hexdigest()


@shielded
async def take_attempt(keys: Sequence[Key]) -> None:
    """Count an attempt under every key, or under none.

    Raises:
        TooManyAttempts: one of them says to wait; the longest wait counts.
    """
    at = clock.now()
    async with unit_of_work() as work:
        wait = timedelta()
        # In one order everywhere: two attempts that share keys queue up.
        for key in sorted(keys, key=lambda key: key.stored):
            limit = key.limit
            row = await work.fetchrow(
                "INSERT INTO throttle (key, window_ends_at, attempts) VALUES ($1, $2, 0) "
                "ON CONFLICT (key) DO UPDATE SET key = excluded.key "
                "RETURNING attempts, window_ends_at",
                key.stored,
                at + limit.decay,
            )
            assert row is not None
            if still := _wait(limit, row, at):
                wait = max(wait, still)
                continue
            await work.execute(
                "UPDATE throttle SET attempts = $2, window_ends_at = $3 WHERE key = $1",
                key.stored,
                _counted(row, at) + 1,
                at + limit.decay,
            )
        if wait:
            raise TooManyAttempts(retry_after_seconds=ceil(wait.total_seconds()))


def _counted(row: asyncpg.Record, at: datetime) -> int:
    """Return how many attempts are remembered."""
    attempts: int = row["attempts"]
    return attempts if row["window_ends_at"] > at else 0


def _wait(limit: Limit, row: asyncpg.Record, at: datetime) -> timedelta:
    """Return how long the next attempt has to wait after those that are remembered."""
    if not (attempts := _counted(row, at)):
        return timedelta()
    last_at: datetime = row["window_ends_at"] - limit.decay
    return max(last_at + timedelta(seconds=limit.pause_after(attempts)) - at, timedelta())


@shielded
async def refuse_paused(keys: Sequence[Key]) -> None:
    """Refuse what would have to wait, and count nothing: see :func:`note_failure`.

    Raises:
        TooManyAttempts: one of the keys says to wait; the longest wait counts.
    """
    at = clock.now()
    limits = {key.stored: key.limit for key in keys}
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT key, attempts, window_ends_at FROM throttle WHERE key = ANY($1)",
            list(limits),
        )
    if wait := max((_wait(limits[row["key"]], row, at) for row in rows), default=timedelta()):
        raise TooManyAttempts(retry_after_seconds=ceil(wait.total_seconds()))


@shielded
async def note_failure(keys: Sequence[Key]) -> None:
    """Count under every key what has failed, where only failures count.

    For what nobody can guess: a hundred at the same moment are judged before one is counted.
    """
    at = clock.now()
    async with unit_of_work() as work:
        for key in sorted(keys, key=lambda key: key.stored):
            await work.execute(
                "INSERT INTO throttle AS kept (key, window_ends_at, attempts) VALUES ($1, $2, 1) "
                "ON CONFLICT (key) DO UPDATE SET window_ends_at = excluded.window_ends_at, "
                "attempts = CASE WHEN kept.window_ends_at <= $3 THEN 1 "
                "ELSE kept.attempts + 1 END",
                key.stored,
                at + key.limit.decay,
                at,
            )


@shielded
async def forgive(forget: Sequence[Key], take_back: Sequence[Key] = ()) -> None:
    """Note that an attempt was right.

    Args:
        forget: nothing is remembered of these.
        take_back: of these, this one attempt is not: many people share an address.
    """
    async with unit_of_work() as work:
        await work.execute(
            "DELETE FROM throttle WHERE key = ANY($1)", sorted(key.stored for key in forget)
        )
        for key in sorted(take_back, key=lambda key: key.stored):
            await work.execute(
                "UPDATE throttle SET attempts = attempts - 1 WHERE key = $1 AND attempts > 0",
                key.stored,
            )


@shielded
async def forget_old_attempts() -> int:
    """Delete what no longer counts; return how many."""
    async with unit_of_work() as work:
        return await work.execute("DELETE FROM throttle WHERE window_ends_at <= $1", clock.now())
