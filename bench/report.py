"""What a case found: rows of one table, as text, as JSON, and as Markdown for the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from bench.turns import Spread, Turn, ratios, summary

HEADINGS = ("case", "ours", "floor", "p50 / p99 ms", "cpu us", "ratio (quartiles)", "target", "met")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound: at least or at most so much."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Tell whether the value is within."""
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g} to {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        ours, floor: in ``unit``; None where there is nothing to measure or to compare with.
        ratio: ours to the floor, within rounds.
        target: of the ratio; of ``ours`` itself where there is none, or where ``is_of_ours``.
        figures: whatever else was seen, for the file.
    """

    case: str
    unit: str = "/s"
    ours: float
    floor: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_us: float | None = None
    floor_cpu_us: float | None = None
    ratio: Spread | None = None
    target: Target | None = None
    is_of_ours: bool = False
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is; None without one."""
        if self.target is None:
            return None
        value = self.ours if self._is_of_ours or self.ratio is None else self.ratio.median
        return self.target.is_met_by(value)

    def cells(self) -> tuple[str, ...]:
        """Return what stands under ``HEADINGS``."""
        waits = "" if self.p50_ms is None else f"{self.p50_ms:.1f} / {self.p99_ms:.1f}"
        spent = "" if self.cpu_us is None else f"{self.cpu_us:,.0f}"
        if self.floor_cpu_us is not None:
            spent += f" ({self.floor_cpu_us:,.0f})"
        return (
            self.case,
            f"{_figure(self.ours)} {self.unit}",
            "" if self.floor is None else f"{_figure(self.floor)} {self.unit}",
            waits,
            spent,
            "" if self.ratio is None else str(self.ratio),
            self._target,
            {True: "yes", False: "no", None: ""}[self.is_met],
        )

    @property
    def _is_of_ours(self) -> bool:
        return self.is_of_ours or self.ratio is None

    @property
    def _target(self) -> str:
        if self.target is None:
            return ""
        return f"{self.target} {self.unit}" if self._is_of_ours else str(self.target)

    def to_json(self) -> dict[str, Any]:
        """Return everything."""
        return {
            "case": self.case,
            "unit": self.unit,
            "ours": self.ours,
            "floor": self.floor,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "cpu_us": self.cpu_us,
            "floor_cpu_us": self.floor_cpu_us,
            "ratio": None
            if self.ratio is None
            else {"median": self.ratio.median, "low": self.ratio.low, "high": self.ratio.high},
            "target": self._target or None,
            "met": self.is_met,
            **self.figures,
        }


def compare(
    case: str,
    ours: Sequence[Turn],
    floor: Sequence[Turn],
    *,
    target: Target | None = None,
    **figures: Any,
) -> Row:
    """Return the row of turns that alternated: how much a second, and the ratio of that."""
    mine, theirs = summary(ours), summary(floor)
    return Row(
        case=case,
        ours=mine.per_second,
        floor=theirs.per_second,
        p50_ms=mine.p50_ms,
        p99_ms=mine.p99_ms,
        cpu_us=mine.cpu_us,
        floor_cpu_us=theirs.cpu_us,
        ratio=ratios([t.per_second for t in ours], [t.per_second for t in floor]),
        target=target,
        figures={
            "floor_p50_ms": theirs.p50_ms,
            "floor_p99_ms": theirs.p99_ms,
            "rounds": [
                {"ours": mine.per_second, "floor": theirs.per_second}
                for mine, theirs in zip(ours, floor, strict=True)
            ],
            **figures,
        },
    )


def as_table(rows: Sequence[Row]) -> Table:
    """Return the rows for a terminal."""
    table = Table(*HEADINGS)
    for row in rows:
        table.add_row(*row.cells())
    return table


def as_markdown(rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """Return the rows for docs/performance.md, with what they were measured on."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    versions = ", ".join(f"{name} {value}" for name, value in machine["versions"].items())
    on = (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['system']}, load "
        f"{machine['load_before']:.1f} before and {machine['load_after']:.1f} after; {versions}."
    )
    return "\n".join((on, "", *lines))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
