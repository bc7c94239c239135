"""A client that goes away tears nothing: no connection is lost, no effect is half done."""

import asyncio

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from headless_presale.kernel.unit_of_work import _is_shielded, drain
from tests.integration.kernel.records import count_rows, ring, ring_shielded
from tests.support.pool import all_given_back, busy, open_transactions, pool
from tests.support.stepping import cancelled_at

pytestmark = pytest.mark.usefixtures("database", "redis")

MANY = 200
"""More awaits than a unit of work has: the loops below end when they run out of them."""


async def _ring_as_its_own_task(number: int) -> None:
    # What runs inside the shield, reached by a cancellation all the same: a loop that shuts down.
    _is_shielded.set(True)
    await ring(number)


async def test_cancelled_at_any_await_a_unit_of_work_gives_its_connection_back(
    database_admin: asyncpg.Connection,
) -> None:
    await _ring_as_its_own_task(0)
    size = pool().get_size()
    done = 1

    for step in range(1, MANY):
        is_cancelled = await cancelled_at(step, _ring_as_its_own_task(step))

        assert await all_given_back(), f"the connection was lost at await {step}"
        assert await open_transactions(database_admin) == 0
        events, jobs = await count_rows(database_admin)
        assert events == jobs, f"torn in half at await {step}"
        assert events in (done, done + 1)
        done = events
        if not is_cancelled:
            break

    # Acquire, BEGIN, the job, the event, COMMIT, release.
    assert 6 <= step < MANY
    assert done < step, "no cancellation came before the commit"
    assert pool().get_size() >= size


async def test_a_caller_cancelled_at_any_moment_leaves_the_command_to_finish(
    database_admin: asyncpg.Connection,
) -> None:
    await ring_shielded(0)
    done, is_cancelled = 1, True

    while is_cancelled:
        task = asyncio.create_task(ring_shielded(done))
        # One turn of the loop more each time, until the command is through before its caller goes.
        for _ in range(done):
            await asyncio.sleep(0)
        is_cancelled = task.cancel()
        await asyncio.wait([task])
        done += 1

        assert task.cancelled() is is_cancelled
        assert await drain(2) == 0
        assert await all_given_back()
        assert await open_transactions(database_admin) == 0
        assert await count_rows(database_admin) == (done, done)

    assert done > 10, "the caller was never cancelled while the command was under way"


async def test_a_caller_cancelled_before_its_first_step_has_done_nothing(
    database_admin: asyncpg.Connection,
) -> None:
    task = asyncio.create_task(ring_shielded(1))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert await drain(2) == 0
    assert await count_rows(database_admin) == (0, 0)


async def test_control_tortoises_own_transaction_loses_its_connection() -> None:
    async def own_transaction() -> None:
        async with in_transaction("default"):
            pass

    await own_transaction()
    assert busy() == 0
    lost_at = []
    try:
        for step in range(1, MANY):
            before = busy()
            is_cancelled = await cancelled_at(step, own_transaction())
            await asyncio.sleep(0.1)
            if busy() > before:
                lost_at.append(step)
            if not is_cancelled or lost_at:
                break

        assert lost_at, "Tortoise no longer leaks: the guard may go"
    finally:
        # Nothing gives such a connection back; the next command opens a new pool.
        client = get_connection("default")
        pool().terminate()
        client._pool = None
