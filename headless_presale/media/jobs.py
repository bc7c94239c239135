"""Work of this context that time asks for."""

from procrastinate import Blueprint

from headless_presale.media.service import sweep_orphans as sweep

jobs = Blueprint()


@jobs.periodic(cron="29 * * * *")
@jobs.task(name="sweep_orphans", queueing_lock="media:sweep_orphans")
async def sweep_orphans(timestamp: int) -> None:
    """Remove the files of pictures that no shop has."""
    await sweep()
