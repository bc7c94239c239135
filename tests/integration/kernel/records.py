"""An event and a command of the tests: one event row and one job, both or neither."""

from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from headless_presale.kernel.events import Event
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRang(Event):
    """Something that happened."""

    type: ClassVar[str] = "bell.rang"
    number: int

    @property
    def topic(self) -> str:
        return f"bell:{self.number}"


async def ring(number: int) -> None:
    """Write an event and a job in one unit of work; needs a shielded command around it."""
    async with unit_of_work() as work:
        work.emit(BellRang(number=number))
        await defer("bells:listen", number=number)


@shielded
async def ring_shielded(number: int) -> int:
    """Write both as a command."""
    await ring(number)
    return number


async def count_rows(admin: asyncpg.Connection) -> tuple[int, int]:
    """Return how many (events, jobs) there are."""
    row = await admin.fetchrow(
        "SELECT (SELECT count(*) FROM event) AS events, "
        "(SELECT count(*) FROM procrastinate_jobs) AS jobs"
    )
    assert row is not None
    return row["events"], row["jobs"]
