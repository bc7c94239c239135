"""Jobs: procrastinate's queue in our database, deferred inside our own transaction.

A job exists exactly when its change does: the insert goes through the connection of the open unit
of work. The worker, with procrastinate's own psycopg connector, lives in ``worker.py``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.unit_of_work import current_work

KEEP_FINISHED_HOURS = 6
"""So long those stay that succeeded. Periodic jobs leave some 4,000 rows an hour."""

_DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW($1::varchar, $2::varchar, $3::int, $4::text, $5::text,
    $6::jsonb, $7::timestamptz)]::procrastinate_job_to_defer_v1[])
"""
_DEFER_MANY = """
SELECT procrastinate_defer_jobs_v1(array_agg(ROW($1::varchar, $2::varchar, $3::int, NULL::text,
    NULL::text, job.args::jsonb, NULL::timestamptz)::procrastinate_job_to_defer_v1))
FROM unnest($4::text[]) AS job(args)
"""
_ONE_WAITING = "procrastinate_jobs_queueing_lock_idx_v1"


async def defer(
    task: str,
    *,
    queue: str = "default",
    priority: int = 0,
    lock: str | None = None,
    queueing_lock: str | None = None,
    scheduled_at: datetime | None = None,
    **args: Any,
) -> None:
    """Ask for ``task`` to run after this transaction commits, or not at all if it rolls back.

    Args:
        task: full name, ``<context>:<function>``.
        lock: jobs with the same lock run one after the other.
        queueing_lock: at most one waiting job with this lock; asking twice is one job.
        scheduled_at: not before this moment.
        args: JSON-ready arguments of the task.
    """
    values = (queue, task, priority, lock, queueing_lock, to_jsonb(args), scheduled_at)
    work = current_work()
    if queueing_lock is None:
        await work.fetch(_DEFER, *values)
        reach("jobs.deferred")
        return
    if await work.fetchrow(
        "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = $1 AND status = 'todo'",
        queueing_lock,
    ):
        return
    try:
        # Somebody may ask for the same in this moment. A savepoint, because the refusal of the
        # second job must not undo what the caller's transaction has done.
        async with work.connection.transaction():
            await work.fetch(_DEFER, *values)
        reach("jobs.one_deferred")
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _ONE_WAITING:
            raise


async def defer_many(
    task: str, arguments: Sequence[Mapping[str, Any]], *, queue: str = "default", priority: int = 0
) -> None:
    """Ask for ``task`` to run once for each of these arguments, as :func:`defer` does for one."""
    if not arguments:
        return
    await current_work().fetch(
        _DEFER_MANY, queue, task, priority, [to_jsonb(dict(args)) for args in arguments]
    )
    reach("jobs.many_deferred")
