"""The job worker: procrastinate over the same database, all contexts' tasks, stalled jobs back."""

import asyncio
import contextlib
import copy
import signal
from collections.abc import Mapping

import procrastinate
import structlog
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.rows import dict_row

from headless_presale.analytics.jobs import jobs as analytics_jobs
from headless_presale.campaigns.jobs import jobs as campaign_jobs
from headless_presale.carts.jobs import jobs as cart_jobs
from headless_presale.catalog.jobs import jobs as catalog_jobs
from headless_presale.customers.jobs import jobs as customer_jobs
from headless_presale.identity.jobs import jobs as identity_jobs
from headless_presale.kernel.jobs import KEEP_FINISHED_HOURS
from headless_presale.media.jobs import jobs as media_jobs
from headless_presale.notifications.jobs import jobs as notification_jobs
from headless_presale.notify_me.jobs import jobs as notify_me_jobs
from headless_presale.orders.jobs import jobs as order_jobs
from headless_presale.payments.jobs import jobs as payment_jobs
from headless_presale.privacy.jobs import jobs as privacy_jobs
from headless_presale.slots.jobs import jobs as slot_jobs
from headless_presale.webhooks.jobs import jobs as webhook_jobs

log = structlog.get_logger(__name__)

CONCURRENCY: Mapping[str, int] = {"default": 8, "webhooks": 32, "announcements": 4}
"""Jobs at once, by queue. Those of webhooks wait for systems of others, one job an endpoint, and
announcements are mails by the ten thousand: however many there are or however slow they are,
mails to buyers and refunds are not behind them."""
STALLED_AFTER_SECONDS = 30.0
GRACEFUL_STOP_SECONDS = 20.0
RESTART_AFTER_SECONDS = 1.0

maintenance = Blueprint()


# A sixth field of a cron text is its seconds.
@maintenance.periodic(cron="* * * * * */15")
@maintenance.task(
    name="retry_stalled", queueing_lock="maintenance:retry_stalled", pass_context=True
)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Give jobs of workers that died to those that live. Every task here may run twice."""
    await recover_stalled_jobs(context.app.job_manager)


async def recover_stalled_jobs(
    manager: JobManager, *, after_seconds: float = STALLED_AFTER_SECONDS
) -> int:
    """Requeue jobs whose worker has shown no sign of life; return how many."""
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=after_seconds))
    return sum([await _requeue(manager, job) for job in stalled])


async def _requeue(manager: JobManager, job: Job) -> bool:
    try:
        await manager.retry_job(job)
    except UniqueViolation:
        # The same is waiting already, under the same queueing lock: one of them is enough.
        with contextlib.suppress(ConnectorException):
            await manager.finish_job(job, status=Status.ABORTED, delete_job=False)
        return False
    except ConnectorException as error:
        # It ended after all, or another worker was faster.
        log.info("worker.job_not_recovered", job_id=job.id, error=repr(error.__cause__ or error))
        return False
    log.warning("worker.job_recovered", task=job.task_name, job_id=job.id)
    return True


@maintenance.periodic(cron="17 * * * *")
@maintenance.task(
    name="forget_finished", queueing_lock="maintenance:forget_finished", pass_context=True
)
async def forget_finished(context: JobContext, timestamp: int) -> None:
    """Delete jobs that succeeded days ago; failed ones stay for people to see."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_FINISHED_HOURS)


def create_job_app(database_url: str) -> procrastinate.App:
    """Return procrastinate's application with every context's tasks, named ``context:task``."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=database_url,
            min_size=1,
            max_size=CONCURRENCY["default"] + len(CONCURRENCY),
            kwargs={"row_factory": dict_row},
        )
    )
    for namespace, blueprint in (
        ("analytics", analytics_jobs),
        ("campaigns", campaign_jobs),
        ("carts", cart_jobs),
        ("catalog", catalog_jobs),
        ("customers", customer_jobs),
        ("identity", identity_jobs),
        ("media", media_jobs),
        ("orders", order_jobs),
        ("payments", payment_jobs),
        ("privacy", privacy_jobs),
        ("slots", slot_jobs),
        ("notifications", notification_jobs),
        ("notify_me", notify_me_jobs),
        ("webhooks", webhook_jobs),
        ("maintenance", maintenance),
    ):
        # A copy: taking a blueprint in changes it, and a second time would name its tasks twice.
        app.add_tasks_from(copy.deepcopy(blueprint), namespace=namespace)
    return app


async def run_worker(database_url: str, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set, then finish what has begun.

    What cannot finish within the grace is aborted: a task with a retry strategy runs again, a
    periodic one at its next time. The database may go away and come back meanwhile.
    """
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            working = asyncio.create_task(_work(create_job_app(database_url)))
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            working.cancel()
            (result,) = await asyncio.gather(working, return_exceptions=True)
            if stop.is_set():
                return
            log.warning("worker.restarting", error=repr(result))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RESTART_AFTER_SECONDS)
    finally:
        stopping.cancel()


async def _work(app: procrastinate.App) -> None:
    # Cancelling this stops fetching, then waits for what runs.
    async with app.open_async(), asyncio.TaskGroup() as group:
        for queue, concurrency in CONCURRENCY.items():
            group.create_task(
                app.run_worker_async(
                    queues=[queue],
                    name=queue,
                    concurrency=concurrency,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=1.0,
                    shutdown_graceful_timeout=GRACEFUL_STOP_SECONDS,
                )
            )


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
