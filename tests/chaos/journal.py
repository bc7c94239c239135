"""What buyers were told, on disk and in memory: the side of the story that must hold."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from headless_presale.audits import Acknowledged


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish that a buyer was told no to.

    Attributes:
        sent_at: when the request was sent whose answer it was; seconds since 1970.
    """

    key: str
    email: str
    code: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Violation:
    """A sentence that does not hold, and of what."""

    sentence: str
    subject: str
    at_seconds: float


@dataclass(slots=True)
class Journal:
    """The record of one run; every entry is a line of the file before anybody acts on it."""

    path: Path
    requests: int = 0
    acknowledged: dict[UUID, Acknowledged] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    captured: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _file: IO[str] | None = None

    def open(self) -> None:
        """Begin to write."""
        self._file = self.path.open("a", encoding="utf-8")

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()

    @property
    def seconds(self) -> float:
        """Seconds since the journal was begun."""
        return round(time.monotonic() - self._began, 2)

    def begin(self) -> None:
        """Count seconds from now."""
        self._began = time.monotonic()

    def note(self, event: str, **facts: Any) -> None:
        """Write something down that is no promise."""
        self.counts[event] += 1
        if self._file is not None:
            line = {"at": self.seconds, "event": event, **facts}
            self._file.write(json.dumps(line, default=str) + "\n")
            self._file.flush()

    def acknowledge(self, entry: Acknowledged) -> None:
        """Write down an order that a buyer was told of; a repeat must tell the same."""
        before = self.acknowledged.setdefault(entry.order_id, entry)
        self.note("acknowledged" if before is entry else "repeated", **_plain(entry))
        if before != entry:
            self.violate(
                "a repeated request tells of the same order and numbers", entry.idempotency_key
            )

    def refuse(self, entry: Refused) -> None:
        """Write down a definite no."""
        self.refused.append(entry)
        self.note("refused", **asdict(entry))

    def capture(self, intent_id: str) -> None:
        """Write down that the gateway said it has the money."""
        self.captured.add(intent_id)
        self.note("captured", intent_id=intent_id)

    def fault(self, kind: str, **facts: Any) -> None:
        """Count a fault that took place."""
        self.faults[kind] += 1
        self.note("fault", kind=kind, **facts)

    def violate(self, sentence: str, subject: str) -> None:
        """Write down what does not hold, each subject of a sentence once."""
        if any(v.sentence == sentence and v.subject == subject for v in self.violations):
            return
        self.violations.append(Violation(sentence, subject, self.seconds))
        self.note("violation", sentence=sentence, subject=subject)


def _plain(entry: Acknowledged) -> dict[str, Any]:
    return {
        "key": entry.idempotency_key,
        "email": entry.email,
        "order_id": str(entry.order_id),
        "numbers": {str(item): sorted(numbers) for item, numbers in entry.numbers.items()},
        "total_minor": entry.total_minor,
    }
