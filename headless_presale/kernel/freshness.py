"""How old what somebody is told may be: whatever a process remembers says when it was read.

An answer that is kept for a second, made of things that were remembered for a second, would be two
seconds old. So what gives out something remembered notes when that was read, and who keeps the
whole counts from the oldest of it.
"""

import time
from contextvars import ContextVar


class Freshness:
    """When the oldest thing was read that one request has been given.

    Attributes:
        read_at: seconds on the clock of ``time.monotonic``; the beginning, until something older
            is noted.
    """

    __slots__ = ("read_at",)

    def __init__(self) -> None:
        self.read_at = time.monotonic()


_current: ContextVar[Freshness | None] = ContextVar("freshness", default=None)


def watch_freshness() -> Freshness:
    """Return what notes, in this task and those it begins, how old the things are it is given."""
    freshness = Freshness()
    _current.set(freshness)
    return freshness


def note_read(read_at: float) -> None:
    """Note that something is given out which was read then (``time.monotonic``)."""
    freshness = _current.get()
    if freshness is not None and read_at < freshness.read_at:
        freshness.read_at = read_at
