"""What an audit returns, and how questions are asked of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

MOST_SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One audit's result: nothing is broken where ``broken`` is empty."""

    sentence: str
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.broken


async def ask(
    connection: asyncpg.Connection, audits: Mapping[str, str], at: datetime
) -> list[Finding]:
    """Ask all questions in one statement, so of one snapshot; ``moment.at`` in them is ``at``."""
    questions = " UNION ALL ".join(
        f"SELECT {number}, subject FROM ({query} LIMIT {MOST_SUBJECTS}) AS broken(subject)"
        for number, query in enumerate(audits.values())
    )
    answers = await connection.fetch(f"WITH moment(at) AS (SELECT $1::timestamptz) {questions}", at)
    return [
        Finding(sentence, tuple(subject for asked, subject in answers if asked == number))
        for number, sentence in enumerate(audits)
    ]


def finding_of(sentence: str, broken: Sequence[str]) -> Finding:
    """Return the finding of a sentence, with not too many of the subjects that break it."""
    return Finding(sentence, tuple(broken[:MOST_SUBJECTS]))
