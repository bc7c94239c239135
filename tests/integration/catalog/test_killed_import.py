"""A worker is killed in the middle of an import, and the next one brings it to its end."""

from pathlib import Path

import asyncpg
import pytest

from headless_presale.catalog import ImportStatus, ProductImport, StartImport, start_import
from headless_presale.shops import Shop
from headless_presale.worker import create_job_app, recover_stalled_jobs
from tests.support.processes import ProductProcess, work_until_killed
from tests.support.product_files import products_csv, put_file
from tests.support.servers import until

PRODUCTS = 250
BATCH = 100
# A batch of new products is two statements: the products, the variants.
IN_THE_SECOND_BATCH = "catalog.rows_written:3"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_atomic", [False, True])
async def test_a_killed_import_is_taken_up_and_written_once(
    shop: Shop,
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
    is_atomic: bool,
) -> None:
    # given: an import that is asked for
    file = await put_file(shop.id, products_csv(PRODUCTS))
    asked = await start_import(
        StartImport(shop_id=shop.id, file_id=file.id, requested_by="lin", is_atomic=is_atomic)
    )
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
    }

    # when: a worker dies between two statements of its second batch
    await work_until_killed(tmp_path, environment, IN_THE_SECOND_BATCH)

    # then: the first batch is there, or nothing, and the import is still open
    count = "SELECT count(*) FROM product"
    assert await database_admin.fetchval(count) == (0 if is_atomic else BATCH)
    assert (await ProductImport.get(id=asked.id)).status is ImportStatus.RUNNING
    entries = await database_admin.fetchval("SELECT count(*) FROM event")
    assert entries == (0 if is_atomic else 1)

    # and: the next worker comes to the end
    app = create_job_app(database)
    async with app.open_async():
        assert await recover_stalled_jobs(app.job_manager, after_seconds=0) >= 1
    with ProductProcess(["worker"], environment, tmp_path / "worker.log"):
        await until(lambda: _has_ended(asked), seconds=90)
    done = await ProductImport.get(id=asked.id)
    assert (done.status, done.runs) == (ImportStatus.SUCCEEDED, 2)
    assert done.report is not None
    created, unchanged = done.report["created"], done.report["unchanged"]
    assert (created, unchanged) == ((PRODUCTS, 0) if is_atomic else (PRODUCTS - BATCH, BATCH))
    # and: every product is there once, as new
    rows = await database_admin.fetchrow(
        "SELECT count(*), count(DISTINCT handle), max(version) FROM product"
    )
    assert tuple(rows or ()) == (PRODUCTS, PRODUCTS, 1)
    assert await database_admin.fetchval("SELECT count(*) FROM product_variant") == PRODUCTS


async def _has_ended(asked: ProductImport) -> bool:
    return (await ProductImport.get(id=asked.id)).finished_at is not None
