"""One command, one transaction: what commits together, what fails together, what joins."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson
import pytest

from headless_presale.kernel import events
from headless_presale.kernel import unit_of_work as module
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.events import acting_as, set_event_handlers
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import (
    UnitOfWork,
    current_work,
    drain,
    set_publisher,
    shielded,
    unit_of_work,
)
from tests.integration.kernel.records import BellRang, count_rows, ring, ring_shielded
from tests.support.pool import all_given_back

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def news() -> Iterator[list[tuple[str, int]]]:
    """Collect what is told to followers."""
    told: list[tuple[str, int]] = []

    async def publish(pairs: Sequence[tuple[str, int]]) -> None:
        told.extend(pairs)

    set_publisher(publish)
    yield told
    set_publisher(None)


@asynccontextmanager
async def _work() -> AsyncIterator[UnitOfWork]:
    token = module._is_shielded.set(True)
    try:
        async with unit_of_work() as work:
            yield work
    finally:
        module._is_shielded.reset(token)


async def test_events_and_jobs_exist_exactly_when_the_transaction_commits(
    database_admin: asyncpg.Connection, news: list[tuple[str, int]], clock: ManualClock
) -> None:
    with acting_as("cli"):
        async with _work() as work:
            work.emit(BellRang(number=1))
            work.emit(BellRang(number=2))
            await defer(
                "bells:listen",
                queue="quiet",
                priority=3,
                lock="bell",
                scheduled_at=datetime(2026, 4, 1, tzinfo=UTC),
                number=1,
            )
            assert await count_rows(database_admin) == (0, 0)
            assert news == []

    rows = await database_admin.fetch("SELECT * FROM event ORDER BY id")
    assert [(r["topic"], r["type"], orjson.loads(r["payload"]), r["actor"]) for r in rows] == [
        ("bell:1", "bell.rang", {"number": 1}, "cli"),
        ("bell:2", "bell.rang", {"number": 2}, "cli"),
    ]
    assert {row["created_at"] for row in rows} == {clock.now()}
    assert news == [("bell:1", rows[0]["id"]), ("bell:2", rows[1]["id"])]
    job = await database_admin.fetchrow("SELECT * FROM procrastinate_jobs")
    assert job is not None
    assert (job["task_name"], job["queue_name"], job["priority"], job["lock"], job["status"]) == (
        "bells:listen",
        "quiet",
        3,
        "bell",
        "todo",
    )
    assert orjson.loads(job["args"]) == {"number": 1}
    assert job["scheduled_at"] == datetime(2026, 4, 1, tzinfo=UTC)


async def test_a_rollback_leaves_no_event_no_job_and_no_news(
    database_admin: asyncpg.Connection, news: list[tuple[str, int]]
) -> None:
    ran: list[str] = []

    async def note() -> None:
        ran.append("after commit")

    async def fail_late() -> None:
        async with _work() as work:
            work.emit(BellRang(number=1))
            work.wake("bell:1")
            work.after_commit(note)
            await defer("bells:listen", number=1)
            raise LookupError

    with pytest.raises(LookupError):
        await fail_late()

    assert await count_rows(database_admin) == (0, 0)
    assert news == []
    assert ran == []


async def test_handlers_work_in_the_same_transaction_and_may_emit(
    database_admin: asyncpg.Connection,
) -> None:
    async def answer(event: BellRang) -> None:
        if event.number < 3:
            current_work().emit(BellRang(number=event.number + 1))
        await defer("bells:listen", number=event.number)
        assert await count_rows(database_admin) == (0, 0)

    set_event_handlers({BellRang: (answer,)})

    async with _work() as work:
        work.emit(BellRang(number=1))

    assert await count_rows(database_admin) == (3, 3)


async def test_a_handler_that_fails_takes_everything_back(
    database_admin: asyncpg.Connection,
) -> None:
    async def keep(event: BellRang) -> None:
        await defer("bells:listen", number=event.number)

    async def fail(event: BellRang) -> None:
        raise ArithmeticError("the handler's own")

    set_event_handlers({BellRang: (keep, fail)})

    with pytest.raises(ArithmeticError, match="the handler's own"):
        await ring_shielded(1)

    assert await count_rows(database_admin) == (0, 0)
    assert await all_given_back()


async def test_a_unit_inside_another_is_part_of_it(database_admin: asyncpg.Connection) -> None:
    async def fail_outside() -> None:
        async with _work() as outer:
            async with unit_of_work() as inner:
                assert inner is outer is current_work()
                await ring(1)
            await ring_shielded(2)
            raise LookupError

    with pytest.raises(LookupError):
        await fail_outside()
    assert await count_rows(database_admin) == (0, 0)

    async with _work():
        await ring(1)
        await ring_shielded(2)

    assert await count_rows(database_admin) == (2, 2)


async def test_outside_a_shielded_command_there_is_no_unit_of_work(
    database_admin: asyncpg.Connection,
) -> None:
    with pytest.raises(RuntimeError, match="@shielded"):
        await ring(1)
    with pytest.raises(RuntimeError, match="no unit of work is open"):
        current_work()
    assert await count_rows(database_admin) == (0, 0)


async def test_what_follows_a_commit_may_fail_without_undoing_it(
    database_admin: asyncpg.Connection,
) -> None:
    ran: list[str] = []

    async def fail(*_: object) -> None:
        ran.append("failed")
        raise RuntimeError("Redis is not open")

    async def note() -> None:
        ran.append("noted")
        with pytest.raises(RuntimeError, match="no unit of work"):
            current_work()

    set_publisher(fail)
    try:
        async with _work() as work:
            work.emit(BellRang(number=1))
            work.after_commit(fail)
            work.after_commit(note)
    finally:
        set_publisher(None)

    assert ran == ["failed", "noted", "failed"]
    assert await count_rows(database_admin) == (1, 0)


async def test_asking_twice_for_a_job_that_waits_is_one_job(
    database_admin: asyncpg.Connection,
) -> None:
    async with _work() as work:
        await defer("bells:listen", queueing_lock="bell:1", number=1)
        await defer("bells:listen", queueing_lock="bell:1", number=2)
        await defer("bells:listen", queueing_lock="bell:2", number=3)
        work.emit(BellRang(number=1))

    jobs = await database_admin.fetch("SELECT args FROM procrastinate_jobs ORDER BY id")
    assert [orjson.loads(job["args"]) for job in jobs] == [{"number": 1}, {"number": 3}]
    assert await count_rows(database_admin) == (1, 2)


async def test_two_who_ask_at_once_for_one_job_both_commit(
    database_admin: asyncpg.Connection,
) -> None:
    both = asyncio.Barrier(2)

    @shielded
    async def ask(number: int) -> None:
        async with unit_of_work() as work:
            work.emit(BellRang(number=number))
            await both.wait()
            await defer("bells:listen", queueing_lock="bell", number=number)

    await asyncio.gather(ask(1), ask(2))

    assert await count_rows(database_admin) == (2, 1)


async def test_execute_counts_the_rows_it_touched(database_admin: asyncpg.Connection) -> None:
    async with _work() as work:
        for number in range(3):
            work.emit(BellRang(number=number))
    async with _work() as work:
        assert await work.execute("UPDATE event SET actor = 'test' WHERE id > $1", 1) == 2
        assert await work.execute("DELETE FROM event WHERE id = $1", 99) == 0
        assert await work.execute("SET LOCAL lock_timeout = '1s'") == 0
        row = await work.fetchrow("UPDATE event SET actor = 'x' WHERE id = 1 RETURNING actor")
        assert row is not None
        assert row["actor"] == "x"


async def test_a_lock_makes_others_wait_until_the_end() -> None:
    seen: list[str] = []
    subject = UUID(int=7)

    @shielded
    async def use(name: str, hold: asyncio.Event, locked: asyncio.Event) -> None:
        async with unit_of_work() as work:
            await work.lock("bell", subject)
            seen.append(f"{name} in")
            locked.set()
            await hold.wait()
            seen.append(f"{name} out")

    release, first_in, second_in = asyncio.Event(), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(use("first", release, first_in))
    await first_in.wait()
    free = asyncio.Event()
    free.set()
    second = asyncio.create_task(use("second", free, second_in))
    await asyncio.sleep(0.1)
    assert seen == ["first in"]

    release.set()
    await asyncio.gather(first, second)

    assert seen == ["first in", "first out", "second in", "second out"]


async def test_drain_waits_and_says_how_many_are_left() -> None:
    go = asyncio.Event()

    @shielded
    async def wait_for_it() -> str:
        await go.wait()
        return "done"

    callers = [asyncio.create_task(wait_for_it()) for _ in range(3)]
    await asyncio.sleep(0)
    assert await drain(0.05) == 3
    callers[0].cancel()
    go.set()

    assert await drain(1) == 0

    with pytest.raises(asyncio.CancelledError):
        await callers[0]
    assert [await caller for caller in callers[1:]] == ["done", "done"]
    assert await drain(0) == 0


async def test_an_event_without_a_topic_cannot_be_told() -> None:
    with pytest.raises(NotImplementedError, match="Event names no topic"):
        _ = events.Event().topic
