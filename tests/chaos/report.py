"""What a run came to: a table for people, a row for a page, a file for machines."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.journal import Journal, Violation

COLUMNS = (
    "seed",
    "minutes",
    "faults",
    "requests",
    "acknowledged",
    "captured",
    "refunds",
    "oversold",
    "lost",
    "double effects",
    "violations",
    "undersell",
)
LOST = frozenset({"every acknowledged order exists"})
DOUBLE = frozenset(
    {
        "an order is placed once",
        "a payment is captured once",
        "a refund succeeds once",
        "an order ends once",
        "a buyer's key stands for one order",
        "the gateway captures a payment once",
        "what the gateway gave back is what we refunded, once",
        "what the gateway captured counts as captured, once",
        "a leg that was paid more than once keeps one payment",
        "a repeated request tells of the same order and numbers",
    }
)
MOST_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run.

    Attributes:
        faults: how many took place, by kind.
        oversold: slot numbers that two living orders were promised.
        lost: orders that a buyer was told of and the database does not have.
        double_effects: what happened twice though it was asked for once.
        undersell: free slots that could not be bought when all was well again.
    """

    seed: int
    minutes: float
    requests: int
    acknowledged: int
    orders: int
    captured: int
    refunds: int
    oversold: int
    lost: int
    double_effects: int
    undersell: int
    faults: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether every sentence held and no figure tells of harm."""
        return not (
            self.violations or self.oversold or self.lost or self.double_effects or self.undersell
        )

    def row(self) -> str:
        """Return the run as a row of a Markdown table; see :func:`heading`."""
        return _row(
            (
                self.seed,
                f"{self.minutes:g}",
                sum(self.faults.values()),
                self.requests,
                self.acknowledged,
                self.captured,
                self.refunds,
                self.oversold,
                self.lost,
                self.double_effects,
                len(self.violations),
                self.undersell,
            )
        )

    def table(self) -> str:
        """Return the run for people."""
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        lines = [heading(), self.row(), "", f"Faults: {faults or 'none'}"]
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        lines.append(f"Noted: {counts}")
        for violation in self.violations[:MOST_SHOWN]:
            lines.append(f"! {violation.at_seconds} s: {violation.sentence}: {violation.subject}")
        if len(self.violations) > MOST_SHOWN:
            lines.append(f"! and {len(self.violations) - MOST_SHOWN} more")
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Write the run as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, default=str) + "\n", encoding="utf-8")


def report_of(
    journal: Journal, *, seed: int, minutes: float, undersell: int, figures: Mapping[str, Any]
) -> Report:
    """Return the report of a journal and of what the database says at the end."""
    sentences = [violation.sentence for violation in journal.violations]
    return Report(
        seed=seed,
        minutes=minutes,
        requests=journal.requests,
        acknowledged=len(journal.acknowledged),
        orders=figures["orders"],
        captured=figures["captured"],
        refunds=figures["refunds"],
        oversold=figures["oversold"],
        lost=sum(sentence in LOST for sentence in sentences),
        double_effects=sum(sentence in DOUBLE for sentence in sentences),
        undersell=undersell,
        faults=dict(journal.faults),
        counts=dict(journal.counts),
        violations=tuple(journal.violations),
    )


def heading() -> str:
    """Return the first two lines of a Markdown table of runs."""
    return "\n".join((_row(COLUMNS), _row("---" for _ in COLUMNS)))


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
