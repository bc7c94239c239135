"""Repeated work of this context."""

from procrastinate import Blueprint

from headless_presale.campaigns.service import sweep_openings_and_closings

jobs = Blueprint()


@jobs.periodic(cron="* * * * * */5")
@jobs.task(name="sweep", queueing_lock="campaigns:sweep")
async def sweep(timestamp: int) -> None:
    """Record openings and closes. The clock makes them; this writes them down."""
    await sweep_openings_and_closings()
