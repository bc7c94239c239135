"""Work of this context that a worker does."""

from uuid import UUID

from procrastinate import Blueprint, RetryStrategy

from headless_presale.catalog.import_job import run_import
from headless_presale.catalog.product_files import forget_old_files

jobs = Blueprint()


# Without an end: it is taken up again until it has come to its end or somebody has ended it.
@jobs.task(name="import_products", retry=RetryStrategy(wait=5))
async def import_products(import_id: str) -> None:
    """Import a product file."""
    await run_import(UUID(import_id))


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="forget_files", queueing_lock="catalog:forget_files")
async def forget_files(timestamp: int) -> None:
    """Delete product files that nobody needs any more."""
    await forget_old_files()
