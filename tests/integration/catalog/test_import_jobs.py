"""Imports that a worker does: asked for once, done, reported, given up."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from headless_presale.catalog import (
    ImportStatus,
    ImportUnderWay,
    Product,
    ProductFileNotFound,
    ProductImport,
    StartImport,
    cancel_import,
    import_job,
    start_import,
)
from headless_presale.catalog.errors import ImportNotFound
from headless_presale.catalog.import_job import run_import
from headless_presale.catalog.imports import claim_import
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import TransitionNotAllowed, Unavailable
from headless_presale.shops import Shop
from headless_presale.worker import create_job_app
from tests.integration.catalog.importing import ask, done, report_of
from tests.support.product_files import products_csv, put_file
from tests.support.state import stored_rows


async def test_an_import_is_done_by_a_worker_and_reported(
    shop: Shop, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    content = "Handle,Title,Variant Price\ncup,Cup,2.00\npen,Pen,free\n"
    asked = await ask(shop, content)
    assert (asked.status, asked.bytes_total, asked.requested_by) == (
        ImportStatus.QUEUED, len(content), "lin@example.com",
    )  # fmt: skip
    job = await database_admin.fetchrow("SELECT task_name, args::text FROM procrastinate_jobs")
    assert job is not None
    assert job["task_name"] == "catalog:import_products"
    assert str(asked.id) in job["args"]

    await run_import(asked.id)

    found = await done(asked)
    assert (found.status, found.runs, found.bytes_done) == (
        ImportStatus.SUCCEEDED, 1, len(content),
    )  # fmt: skip
    assert found.finished_at == clock.now()
    report = await report_of(asked)
    assert (report["created"], report["skipped"], report["failed_row_count"]) == (1, 1, 1)
    assert report["failed_rows"] == [
        {
            "line": 3,
            "column": "Variant Price",
            "template": "{cell} is not a plain decimal number such as 1234.50",
            "params": {"cell": "'free'"},
        }
    ]
    # Done again, as by a worker that was called twice, it changes nothing.
    before = await stored_rows(database_admin)
    await run_import(asked.id)
    assert await stored_rows(database_admin) == before


async def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    asked = await ask(shop, products_csv(3), is_dry_run=True)

    await run_import(asked.id)

    report = await report_of(asked)
    assert (report["is_written"], report["created"]) == (False, 3)
    assert await Product.all().count() == 0


async def test_an_atomic_import_is_whole_or_nothing(shop: Shop) -> None:
    broken = await ask(shop, products_csv(3) + "x,X,free\n", is_atomic=True)
    await run_import(broken.id)
    report = await report_of(broken)
    assert (report["is_written"], report["created"], report["failed_row_count"]) == (False, 0, 1)
    assert await Product.all().count() == 0

    whole = await ask(shop, products_csv(3), is_atomic=True)
    await run_import(whole.id)
    report = await report_of(whole)
    assert (report["is_written"], report["created"]) == (True, 3)
    assert await Product.all().count() == 3


async def test_a_shop_has_one_open_import_and_asking_again_is_that_one(
    shop: Shop, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    asked = await ask(shop, products_csv(1))
    before = await stored_rows(database_admin)

    again = await ask(shop, products_csv(1))
    assert again.id == asked.id
    for other in ({"is_atomic": True}, {"is_dry_run": True}):
        with pytest.raises(ImportUnderWay) as caught:
            await ask(shop, products_csv(1), **other)
        assert caught.value.params == {"file": "products.csv"}
    assert await stored_rows(database_admin) == before

    # Many at once: one import, one job.
    await cancel_import([shop.id], asked.id)
    results = await asyncio.gather(*(ask(shop, products_csv(1)) for _ in range(5)))
    assert len({result.id for result in results}) == 1
    assert await database_admin.fetchval("SELECT count(*) FROM procrastinate_jobs") == 2


async def test_a_file_of_another_shop_is_none(shop: Shop) -> None:
    file = await put_file(shop.id, products_csv(1))
    for shop_id, file_id in ((UUID(int=1), file.id), (shop.id, UUID(int=1))):
        with pytest.raises(ProductFileNotFound):
            await start_import(StartImport(shop_id=shop_id, file_id=file_id, requested_by="x"))
    assert await ProductImport.all().count() == 0


@pytest.mark.parametrize(
    ("content", "template"),
    [
        (b"", "it is empty"),
        (b"a,b\n1,2\n", "the header lacks the columns {columns}"),
        ("Handle".encode("utf-16-le"), "it is not UTF-8 text; save it as CSV in UTF-8"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_with_the_reason(
    shop: Shop, content: bytes, template: str
) -> None:
    asked = await ask(shop, content)

    await run_import(asked.id)

    found = await done(asked)
    assert (found.status, found.report) == (ImportStatus.FAILED, None)
    assert found.failure is not None
    assert found.failure["template"] == template


async def test_what_was_asked_for_and_cancelled_is_not_done(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    asked = await ask(shop, products_csv(1))

    cancelled = await cancel_import([shop.id], asked.id)
    await run_import(asked.id)

    assert cancelled.status is ImportStatus.CANCELLED
    assert await Product.all().count() == 0
    # Repeating changes nothing; what has ended otherwise is not cancelled.
    before = await stored_rows(database_admin)
    assert (await cancel_import([shop.id], asked.id)).version == cancelled.version
    with pytest.raises(ImportNotFound):
        await cancel_import([UUID(int=1)], asked.id)
    assert await stored_rows(database_admin) == before
    other = await ask(shop, products_csv(1))
    await run_import(other.id)
    with pytest.raises(TransitionNotAllowed):
        await cancel_import([shop.id], other.id)


async def test_a_shop_that_changed_its_currency_gets_no_prices_in_the_old_one(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    asked = await ask(shop, products_csv(1))
    await database_admin.execute("UPDATE shop SET currency = 'EUR'")

    await run_import(asked.id)

    found = await done(asked)
    assert found.status is ImportStatus.FAILED
    assert found.failure == {
        "template": "the shop prices in {currency} now; start the import again",
        "params": {"currency": "EUR"},
    }
    assert await Product.all().count() == 0


async def test_a_file_that_is_gone_is_asked_for_again(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    asked = await ask(shop, products_csv(1))
    await database_admin.execute("DELETE FROM product_file_piece")

    await run_import(asked.id)

    found = await done(asked)
    assert (found.failure or {})["template"] == "the file is no longer here; upload it again"


async def test_a_file_at_which_worker_after_worker_dies_is_given_up(shop: Shop) -> None:
    asked = await ask(shop, products_csv(1))
    for _ in range(import_job.MOST_RUNS):
        assert await claim_import(asked.id) is not None

    await run_import(asked.id)

    found = await done(asked)
    assert (found.status, await Product.all().count()) == (ImportStatus.FAILED, 0)


async def test_an_engine_that_is_away_is_waited_for_and_a_defect_ends_the_import(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(1))

    async def away(*_: object) -> None:
        raise Unavailable("database")

    async def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(import_job, "import_products", away)
    with pytest.raises(Unavailable):
        await run_import(asked.id)
    assert (await done(asked)).status is ImportStatus.RUNNING
    monkeypatch.setattr(import_job, "import_products", broken)
    await run_import(asked.id)

    found = await done(asked)
    assert found.status is ImportStatus.FAILED
    assert "our side" in (found.failure or {})["template"]


async def test_a_report_names_a_thousand_rows_and_counts_all(shop: Shop) -> None:
    asked = await ask(shop, products_csv(1_200, price="free"))

    await run_import(asked.id)

    report = await report_of(asked)
    assert (report["failed_row_count"], len(report["failed_rows"])) == (1_200, 1_000)
    assert report["failed_rows"][0]["line"] == 2


def test_the_job_is_called_as_the_worker_knows_it() -> None:
    app = create_job_app("postgresql://nobody@127.0.0.1:1/none")
    assert "catalog:import_products" in app.tasks
