"""Work of this context that time or a cancelled campaign asks for."""

from uuid import UUID

from procrastinate import Blueprint, RetryStrategy

from headless_presale.orders import service
from headless_presale.orders.sweeps import sweep_orders

jobs = Blueprint()


@jobs.task(name="cancel_campaign", retry=RetryStrategy(max_attempts=20, exponential_wait=2))
async def cancel_campaign(campaign_id: str, reason: str) -> None:
    """Cancel a campaign's orders until none is left. Killed half way, it goes on."""
    while await service.cancel_orders_of_campaign(UUID(campaign_id), reason=reason):
        continue


@jobs.periodic(cron="* * * * * */5")
@jobs.task(name="sweep", queueing_lock="orders:sweep")
async def sweep(timestamp: int) -> None:
    """Do what time has made due."""
    await sweep_orders()
