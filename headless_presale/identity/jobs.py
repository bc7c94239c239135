"""Work of this context that need not be waited for, or that time asks for."""

from procrastinate import Blueprint, RetryStrategy

from headless_presale.identity import resets, throttle
from headless_presale.identity.oauth import forgetting

jobs = Blueprint()


@jobs.task(name="open_reset", retry=RetryStrategy(max_attempts=10, exponential_wait=2))
async def open_reset(email: str, locale: str) -> None:
    """Have the link of a reset mailed, if the address has an account."""
    await resets.open_reset(email, locale=locale)


@jobs.periodic(cron="41 * * * *")
@jobs.task(name="forget_attempts", queueing_lock="identity:forget_attempts")
async def forget_attempts(timestamp: int) -> None:
    """Delete what no longer counts as an attempt."""
    await throttle.forget_old_attempts()


@jobs.periodic(cron="43 * * * *")
@jobs.task(name="forget_grants", queueing_lock="identity:forget_grants")
async def forget_grants(timestamp: int) -> None:
    """Delete grants and refresh tokens that ended long ago."""
    await forgetting.forget_ended()
