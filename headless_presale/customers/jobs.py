"""Work of this context that time asks for."""

from procrastinate import Blueprint

from headless_presale.customers import forgetting

jobs = Blueprint()


@jobs.periodic(cron="47 * * * *")
@jobs.task(name="forget_ended", queueing_lock="customers:forget_ended")
async def forget_ended(timestamp: int) -> None:
    """Delete codes, refresh tokens and sign-ins that have ended."""
    await forgetting.forget_ended()
