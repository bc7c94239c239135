"""Work of this context that time asks for."""

from procrastinate import Blueprint

from headless_presale.carts import forgetting

jobs = Blueprint()


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="forget_ended", queueing_lock="carts:forget_ended")
async def forget_ended(timestamp: int) -> None:
    """Delete carts that have ended."""
    await forgetting.forget_ended()
