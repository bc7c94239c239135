"""Turns: contenders measured in alternation, and ratios taken where the machine was the same.

A machine's speed changes from minute to minute, by its clock and by whatever else it does. Two
figures say something of each other only where they were taken side by side: all contenders run
once in every round, a ratio is taken within a round, and what is told is the median over rounds
with its quartiles.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

PAUSE_SECONDS = 0.15
"""Between two turns: what a client left unanswered at the end of one is done by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one contender did in one turn.

    Attributes:
        cpu_us: processor time of its server's process for one request; None if not asked for.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return that of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


def ratios(ours: Sequence[float], floor: Sequence[float]) -> Spread:
    """Return ours to the floor's, each within its round.

    Raises:
        ValueError: they are not of the same rounds.
    """
    return Spread.of([mine / theirs for mine, theirs in zip(ours, floor, strict=True)])


def summary(turns: Sequence[Turn]) -> Turn:
    """Return the medians over the rounds."""
    processor = [turn.cpu_us for turn in turns if turn.cpu_us is not None]
    return Turn(
        per_second=median(turn.per_second for turn in turns),
        p50_ms=median(turn.p50_ms for turn in turns),
        p99_ms=median(turn.p99_ms for turn in turns),
        cpu_us=median(processor) if processor else None,
    )


async def alternate(
    contenders: Mapping[str, Callable[[], Awaitable[Turn]]], *, rounds: int
) -> dict[str, list[Turn]]:
    """Let each have its turn in every round; one round before is thrown away.

    In it caches fill, connections are made, statements are prepared. Whoever was the last of a
    round is the first of the next one: what a turn leaves behind (pages to be written, a warm
    cache) falls to all alike.
    """
    taken: dict[str, list[Turn]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, take in list(contenders.items())[:: -1 if number % 2 else 1]:
            turn = await take()
            if number > 0:
                taken[name].append(turn)
            await asyncio.sleep(PAUSE_SECONDS)
    return taken
