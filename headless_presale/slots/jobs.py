"""Repeated work of this context."""

from procrastinate import Blueprint

from headless_presale.slots.reconciler import reconcile_open_pools

jobs = Blueprint()


@jobs.periodic(cron="* * * * * */10")
@jobs.task(name="reconcile", queueing_lock="slots:reconcile", pass_context=False)
async def reconcile(timestamp: int) -> None:
    """Compare Redis with the database, every ten seconds."""
    await reconcile_open_pools()
