"""Campaigns that open while people wait for them."""

from datetime import timedelta

import asyncpg

from headless_presale.campaigns import sweep_openings_and_closings
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import ListMailKind
from headless_presale.notify_me import unsubscribe, unsubscribe_token
from tests.support.waiting import EMAIL, OPENS_IN, watcher_of

OPENED = ListMailKind.CAMPAIGN_OPENED
LIN = "lin@example.com"


async def jobs_waiting(admin: asyncpg.Connection) -> list[str]:
    """Return the names of the jobs that wait, each with how many there are."""
    rows = await admin.fetch(
        "SELECT task_name, count(*) AS n FROM procrastinate_jobs WHERE status = 'todo' "
        "GROUP BY 1 ORDER BY 1"
    )
    return [f"{row['task_name'].partition(':')[2]} {row['n']}" for row in rows]


async def opened(clock: ManualClock, by: timedelta = OPENS_IN) -> None:
    """Let the campaign open, and the sweep see it."""
    clock.advance(by)
    await sweep_openings_and_closings()


async def leave(email: str = EMAIL) -> None:
    """Unsubscribe by the link of a mail."""
    assert await unsubscribe(unsubscribe_token((await watcher_of(email)).person))
