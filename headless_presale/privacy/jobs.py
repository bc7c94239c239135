"""Work of this context that waits for somebody's orders to be read."""

from uuid import UUID

from procrastinate import Blueprint

from headless_presale.notifications.jobs import WaitLongerAndLonger
from headless_presale.privacy import exporting

jobs = Blueprint()


@jobs.task(name="write_export", retry=WaitLongerAndLonger())
async def write_export(export_id: str) -> None:
    """Write a copy of what is known of a customer, who asked for it."""
    await exporting.write_export(UUID(export_id))


@jobs.periodic(cron="37 * * * *")
@jobs.task(name="forget_exports", queueing_lock="privacy:forget_exports")
async def forget_exports(timestamp: int) -> None:
    """Delete copies that nobody can fetch any more."""
    await exporting.forget_exports()
