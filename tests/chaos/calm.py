"""After the storm: all is healed, what waits is worked off, time that has to pass has passed."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from uuid import UUID

import asyncpg
from procrastinate.exceptions import AlreadyEnqueued

from headless_presale.kernel import clock
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.payments import reconcile_payments, reconcile_refunds
from headless_presale.worker import create_job_app, recover_stalled_jobs
from tests.chaos.cluster import Cluster
from tests.chaos.journal import Journal
from tests.chaos.till import Till
from tests.support.invariants import reconcile_later

SOON_SECONDS = 8.0
QUIET_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.3
LOOKS_PER_HURRY = 8
"""A job that cannot be done yet has only so many attempts: they are not hurried all at once."""
LATER = timedelta(hours=2)
PERIODIC = (
    "campaigns:sweep",
    "orders:sweep",
    "slots:reconcile",
    "payments:reconcile",
    "maintenance:retry_stalled",
    "maintenance:forget_finished",
)
UNDER_WAY = """
    SELECT (SELECT count(*) FROM procrastinate_jobs
            WHERE status IN ('todo', 'doing') AND NOT task_name = ANY($1::text[]))
         + (SELECT count(*) FROM sales_order
            WHERE status IN ('AWAITING_PAYMENT', 'AWAITING_DEPOSIT') AND hold_expires_at < $2)
         + (SELECT count(*) FROM refund WHERE status <> 'SUCCEEDED')"""


async def settle(
    cluster: Cluster,
    connection: asyncpg.Connection,
    till: Till,
    journal: Journal,
    *,
    is_reconciled: bool = True,
) -> None:
    """Let everything that is owed be done; what is not in a minute is a violation.

    Time is made to pass where waiting for it would only take longer: a job's pause before its next
    attempt, a dead worker's claim on a mail, the minute after which a silent gateway is asked, a
    reservation's lifetime.

    Args:
        is_reconciled: whether the slots are reconciled, which a control leaves out.
    """
    await till.set_webhooks()
    if not await _is_quiet_within(SOON_SECONDS, cluster, connection, till):
        await _recover_jobs(cluster, connection)
        await _until_quiet(cluster, connection, till, journal)
    with use_clock(ManualClock(clock.now() + LATER)):
        await reconcile_payments()
        await reconcile_refunds()
    await _until_quiet(cluster, connection, till, journal)
    if is_reconciled:
        for pool_id in await open_pools(connection):
            await reconcile_later(pool_id)
    rows = await connection.fetch(
        "SELECT task_name || ' ' || args FROM procrastinate_jobs "
        "WHERE status = 'failed' AND NOT task_name = ANY($1::text[])",
        list(PERIODIC),
    )
    for row in rows:
        journal.violate("no job is given up", str(row[0]))


async def _recover_jobs(cluster: Cluster, connection: asyncpg.Connection) -> None:
    """Give back what dead workers had in hand, without waiting for their silence to be noticed."""
    workers = [name for name in cluster.members if name.startswith("worker")]
    for name in workers:
        cluster.hold(name)
    app = create_job_app(cluster.engines.database_url)
    async with app.open_async():
        # No worker lives, so whatever counts as being worked on is not.
        await recover_stalled_jobs(app.job_manager, after_seconds=0)
    await connection.execute("UPDATE message SET claimed_until = now() WHERE claimed_until > now()")
    for name in workers:
        cluster.release(name)


async def _until_quiet(
    cluster: Cluster, connection: asyncpg.Connection, till: Till, journal: Journal
) -> None:
    if not await _is_quiet_within(QUIET_SECONDS, cluster, connection, till):
        left = await connection.fetchval(UNDER_WAY, list(PERIODIC), clock.now())
        journal.violate("all is quiet within a minute", f"{left} things are under way")


async def _is_quiet_within(
    seconds: float, cluster: Cluster, connection: asyncpg.Connection, till: Till
) -> bool:
    deadline = time.monotonic() + seconds
    app = create_job_app(cluster.engines.database_url)
    async with app.open_async():
        for look in count():
            if look % LOOKS_PER_HURRY == 0:
                await connection.execute(
                    "UPDATE procrastinate_jobs SET scheduled_at = now() "
                    "WHERE status = 'todo' AND scheduled_at > now()"
                )
            for task in ("campaigns:sweep", "orders:sweep"):
                with contextlib.suppress(AlreadyEnqueued):
                    await app.configure_task(task).defer_async(timestamp=0)
            await till.flush()
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            left = await connection.fetchval(UNDER_WAY, list(PERIODIC), clock.now())
            if not left and not await till.pending_webhooks():
                return True
            if time.monotonic() > deadline:
                break
    return False


async def open_pools(connection: asyncpg.Connection) -> Sequence[UUID]:
    """Return the pools that give out slots."""
    rows = await connection.fetch("SELECT id FROM slot_pool WHERE is_open ORDER BY id")
    return [row["id"] for row in rows]
