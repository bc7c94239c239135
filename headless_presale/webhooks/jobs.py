"""Work of this context: sending what is due, replaying, forgetting."""

from datetime import datetime
from uuid import UUID

import structlog
from procrastinate import Blueprint, RetryStrategy

from headless_presale.webhooks import delivering, replaying, sweeping

jobs = Blueprint()
log = structlog.get_logger(__name__)


@jobs.periodic(cron="* * * * * */2")
@jobs.task(name="sweep", queueing_lock="webhooks:sweep")
async def sweep(timestamp: int) -> None:
    """Ask for what is due to be sent, first attempts and later ones alike."""
    await sweeping.sweep_deliveries()


@jobs.task(name="deliver", retry=RetryStrategy(max_attempts=3, wait=2))
async def deliver(endpoint_id: str) -> None:
    """Send what is due for one endpoint."""
    try:
        await delivering.deliver_due(UUID(endpoint_id))
    except Exception:
        # The sweep asks again in a moment. Trying this job again could meet the one that the
        # sweep asked for, under the same lock.
        log.exception("webhooks.delivering_failed", endpoint_id=endpoint_id)


@jobs.task(name="replay", retry=RetryStrategy(max_attempts=10, exponential_wait=2))
async def replay(endpoint_id: str, since: str, until: str, include_delivered: bool) -> None:
    """Write the deliveries of a replay."""
    await replaying.replay(
        UUID(endpoint_id),
        since=datetime.fromisoformat(since),
        until=datetime.fromisoformat(until),
        include_delivered=include_delivered,
    )


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="forget", queueing_lock="webhooks:forget")
async def forget(timestamp: int) -> None:
    """Delete deliveries that are older than the retention."""
    await sweeping.forget_old_deliveries()
