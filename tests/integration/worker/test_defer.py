"""Deferring: a job exists exactly when its change does, and at most one waits per queueing lock."""

import asyncio

import asyncpg
import pytest

from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "clock")

LOCK = "payments:submit_refund:1"


class GivenUp(Exception):
    """The transaction is rolled back."""


@shielded
async def change_and_defer(
    slug: str, written: asyncio.Event, commit: asyncio.Event, *, is_given_up: bool = False
) -> None:
    """Write something, ask for a job under the lock, and commit when told."""
    async with unit_of_work():
        await make_shop(slug)
        written.set()
        await defer("payments:submit_refund", queueing_lock=LOCK, refund_id=slug)
        await commit.wait()
        if is_given_up:
            raise GivenUp


async def jobs_and_shops(connection: asyncpg.Connection) -> tuple[list[str], list[str]]:
    """Return whose jobs there are, and which changes."""
    jobs = await connection.fetch(
        "SELECT args->>'refund_id' AS refund_id FROM procrastinate_jobs ORDER BY id"
    )
    shops = await connection.fetch("SELECT slug FROM shop ORDER BY slug")
    return [row["refund_id"] for row in jobs], [row["slug"] for row in shops]


async def test_two_at_once_are_one_job_and_both_changes_stay(
    database_admin: asyncpg.Connection,
) -> None:
    events = [asyncio.Event() for _ in range(4)]
    first = asyncio.create_task(change_and_defer("first", events[0], events[1]))
    await events[0].wait()
    await asyncio.sleep(0.1)
    second = asyncio.create_task(change_and_defer("second", events[2], events[3]))
    await events[2].wait()
    events[3].set()
    await asyncio.sleep(0.1)
    assert not second.done()  # it waits to see whether the first job comes to be

    events[1].set()
    await asyncio.gather(first, second)

    assert await jobs_and_shops(database_admin) == (["first"], ["first", "second"])


async def test_where_the_first_is_rolled_back_the_second_has_its_job(
    database_admin: asyncpg.Connection,
) -> None:
    events = [asyncio.Event() for _ in range(4)]
    first = asyncio.create_task(change_and_defer("first", events[0], events[1], is_given_up=True))
    await events[0].wait()
    await asyncio.sleep(0.1)
    second = asyncio.create_task(change_and_defer("second", events[2], events[3]))
    events[3].set()
    await asyncio.sleep(0.1)
    events[1].set()

    with pytest.raises(GivenUp):
        await first
    await second

    assert await jobs_and_shops(database_admin) == (["second"], ["second"])


async def test_twenty_at_once_are_one_job(database_admin: asyncpg.Connection) -> None:
    open_door = asyncio.Event()
    open_door.set()

    await asyncio.gather(
        *(change_and_defer(f"shop-{n}", asyncio.Event(), open_door) for n in range(20))
    )

    jobs, shops = await jobs_and_shops(database_admin)
    assert (len(jobs), len(shops)) == (1, 20)


async def test_a_job_that_has_begun_does_not_count_as_waiting(
    database_admin: asyncpg.Connection,
) -> None:
    open_door = asyncio.Event()
    open_door.set()
    await change_and_defer("first", asyncio.Event(), open_door)
    await database_admin.execute("UPDATE procrastinate_jobs SET status = 'doing'")

    await change_and_defer("second", asyncio.Event(), open_door)

    assert (await jobs_and_shops(database_admin))[0] == ["first", "second"]
