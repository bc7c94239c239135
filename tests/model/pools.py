"""A pool of the model: which numbers there are and by when they ship."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Pool:
    """Numbers that can be sold, in batches with a date each.

    ``batches`` are (last number, date), one behind the other; ``numbers`` are those that exist.
    A number that was taken away lies in its batch still and can come back.
    """

    limit: int | None
    batches: list[tuple[int, date]] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)

    @property
    def last(self) -> int:
        """Return the highest number there has been."""
        return self.batches[-1][0] if self.batches else 0

    def append(self, size: int, ships_by: date) -> None:
        """Add a batch behind all others."""
        self.numbers |= set(range(self.last + 1, self.last + 1 + size))
        self.batches.append((self.last + size, ships_by))

    def resize(self, capacity: int, owned: Set[int]) -> str | None:
        """Set how many numbers there are; return the code of the refusal, if it is refused."""
        if capacity < len(owned):
            return "CAPACITY_BELOW_SOLD"
        spare = sorted(self.numbers - owned, reverse=True)
        self.numbers -= set(spare[: max(0, len(self.numbers) - capacity)])
        holes = sorted(set(range(1, self.last + 1)) - self.numbers)
        self.numbers |= set(holes[: capacity - len(self.numbers)])
        if missing := capacity - len(self.numbers):
            before = self.last
            self.batches[-1] = (before + missing, self.batches[-1][1])
            self.numbers |= set(range(before + 1, before + missing + 1))
        return None

    def promise_of(self, numbers: Sequence[int]) -> date:
        """Return by when these numbers ship: the latest of their batches."""
        return max(
            next(ships_by for last, ships_by in self.batches if number <= last)
            for number in numbers
        )
