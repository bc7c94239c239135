"""Repeated work of this context."""

from procrastinate import Blueprint

from headless_presale.analytics.sales import sum_up

jobs = Blueprint()


@jobs.periodic(cron="* * * * * */10")
@jobs.task(name="sum_up", queueing_lock="analytics:sum_up")
async def sum_up_sales(timestamp: int) -> None:
    """Keep short what charts have to read besides the sums."""
    await sum_up()
