"""The clock everything reads. Tests and simulations put their own in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, delta: timedelta) -> None:
        """Move forward; time never runs back."""
        if delta < timedelta(0):
            raise ValueError("a clock only moves forward")
        self._at += delta

    def move_to(self, at: datetime) -> None:
        """Move to a later moment."""
        self.advance(at - self._at)


_clock: Clock = SystemClock()


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return _clock.now()


@contextmanager
def use_clock(clock: Clock) -> Iterator[Clock]:
    """Put ``clock`` in place for the whole process until the block ends."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before
