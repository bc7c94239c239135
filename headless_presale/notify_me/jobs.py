"""Work of this context that time asks for."""

from procrastinate import Blueprint

from headless_presale.notify_me import forgetting

jobs = Blueprint()


@jobs.periodic(cron="53 * * * *")
@jobs.task(name="forget_old", queueing_lock="notify_me:forget_old")
async def forget_old(timestamp: int) -> None:
    """Delete the addresses of lists that are over, and who never confirmed."""
    await forgetting.forget_old()
