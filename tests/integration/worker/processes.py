"""Workers in this loop and in processes of their own, and jobs to keep them busy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from headless_presale.worker import create_job_app, recover_stalled_jobs, run_worker
from tests.support.servers import until


@asynccontextmanager
async def working(database_url: str) -> AsyncIterator[asyncio.Event]:
    """Run a worker in this loop; yield what stops it. It must end without an error."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(database_url, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def recover(database_url: str) -> None:
    """Give a dead worker's jobs to the next, without waiting until it counts as dead."""
    app = create_job_app(database_url)
    async with app.open_async():
        assert await recover_stalled_jobs(app.job_manager, after_seconds=0) >= 1


async def wait_for_job(
    connection: asyncpg.Connection, task: str, status: str, *, seconds: float = 20
) -> None:
    """Wait until a job of this task is in a state."""

    async def is_there() -> bool:
        found = await connection.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = $1 AND status = $2::text::"
            "procrastinate_job_status",
            task,
            status,
        )
        return bool(found)

    await until(is_there, seconds=seconds)


async def put_job(
    connection: asyncpg.Connection,
    task: str,
    args: str = "{}",
    *,
    status: str = "todo",
    queueing_lock: str | None = None,
) -> int:
    """Write a job; return its id."""
    job_id: int = await connection.fetchval(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock) "
        "VALUES ('default', $1, $2::jsonb, $3::text::procrastinate_job_status, $4) RETURNING id",
        task,
        args,
        status,
        queueing_lock,
    )
    return job_id


async def status_of(connection: asyncpg.Connection, job_id: int) -> str:
    """Return where a job stands."""
    status: str = await connection.fetchval(
        "SELECT status::text FROM procrastinate_jobs WHERE id = $1", job_id
    )
    return status
