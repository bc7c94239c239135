"""All or nothing, crashes, two imports at once, size, progress, and real files."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from headless_presale.catalog import ImportProducts, ImportReport, import_products
from headless_presale.catalog import importer as importer_module
from headless_presale.catalog.product_plan import StoredProduct
from headless_presale.catalog.product_rows import load_products
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.shops import Shop
from tests.integration.catalog.files import Import, row, row_versions, write_products
from tests.support.statements import counted_statements

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("PRESALE_SHARED_DATA", ROOT.parent / "shared" / "data"))
DEMO = ROOT / "headless_presale" / "demo" / "products.csv"
EMPTY: dict[str, list[object]] = {
    table: []
    for table in ("product", "product_option", "product_variant", "product_media", "event")
}


def command(shop: Shop, path: Path, *, is_atomic: bool = False) -> ImportProducts:
    return ImportProducts(path=path, shop_id=shop.id, currency=shop.currency, is_atomic=is_atomic)


def many(path: Path, count: int, *, price: str = "19.99") -> Path:
    """Write ``count`` products of three variants with three pictures."""
    return write_products(
        path,
        (
            row(
                f"p{number}",
                f"Product {number}" if size == "S" else "",
                price,
                size=size,
                sku=f"{number}-{size}",
                **{
                    "Body (HTML)": "<p>One <b>of</b> many</p>" * 20 if size == "S" else "",
                    "Image Src": f"https://example.com/{number}-{size}.jpg",
                },
            )
            for number in range(count)
            for size in "SML"
        ),
    )


async def test_an_atomic_import_with_a_failed_row_writes_nothing(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    report = await import_rows(
        row("cup", "Cup", "2"), row("pen", "Pen", "free"), row("ink", "Ink", "?"), is_atomic=True
    )

    # Every error is reported, not only the first.
    assert [(error.line, error.column) for error in report.failed_rows] == [
        (3, "Variant Price"),
        (4, "Variant Price"),
    ]
    assert (report.is_written, report.created, report.variants_created) == (False, 0, 0)
    assert report.skipped == 2
    assert await row_versions(database_admin) == EMPTY


async def test_an_atomic_import_without_errors_is_kept(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    report = await import_rows(row("cup", "Cup", "2"), row("pen", "Pen", "1"), is_atomic=True)

    assert (report.is_written, report.created) == (True, 2)
    assert await database_admin.fetchval("SELECT count(*) FROM product") == 2


async def test_an_atomic_import_that_conflicts_with_what_is_stored_writes_nothing(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(
        row("cup", "Cup", "2", size="S", sku="A"), row("cup", "", "3", size="L", sku="B")
    )
    before = await row_versions(database_admin)

    report = await import_rows(
        row("pen", "Pen", "1"), row("cup", "Cup", "2", size="L", sku="A"), is_atomic=True
    )

    assert [(error.line, error.column) for error in report.failed_rows] == [(3, "Option1 Value")]
    assert report.is_written is False
    assert await row_versions(database_admin) == before


class Crash(Exception):
    """What ends an import half way."""


def crash_half_way(done: int, total: int) -> None:
    if done * 2 > total:
        raise Crash


async def test_an_atomic_import_that_crashes_half_way_writes_nothing(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    path = many(tmp_path / "many.csv", 300)

    with pytest.raises(Crash):
        await import_products(command(shop, path, is_atomic=True), crash_half_way)

    assert await row_versions(database_admin) == EMPTY


async def test_an_import_that_crashes_half_way_is_continued_by_the_same_import(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    path = many(tmp_path / "many.csv", 300)

    # When
    with pytest.raises(Crash):
        await import_products(command(shop, path), crash_half_way)

    # Then: whole batches of 100 are there
    stored = await database_admin.fetchval("SELECT count(*) FROM product")
    assert stored == 200
    report = await import_products(command(shop, path))
    assert (report.unchanged, report.created) == (200, 300 - 200)
    assert await database_admin.fetchval("SELECT count(*) FROM product_variant") == 300 * 3


@pytest.mark.parametrize("is_atomic", [False, True])
async def test_two_imports_of_one_file_at_once(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection, is_atomic: bool
) -> None:
    path = many(tmp_path / "many.csv", 250)

    # When
    reports = await asyncio.gather(
        *(import_products(command(shop, path, is_atomic=is_atomic)) for _ in range(2))
    )

    # Then: each product was created by one of the two and unchanged for the other
    assert [report.failed_rows for report in reports] == [[], []]
    assert sum(report.created for report in reports) == 250
    assert sum(report.unchanged for report in reports) == 250
    for table, rows in (("product", 250), ("product_variant", 750), ("product_media", 750)):
        assert await database_admin.fetchval(f"SELECT count(*) FROM {table}") == rows


async def test_control_two_atomic_imports_without_the_lock_collide(
    shop: Shop,
    tmp_path: Path,
    database_admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given: the lock is gone, and both have looked before either writes
    both_looked = asyncio.Barrier(2)

    async def no_lock(*_: object, **__: object) -> None:
        """Take nothing."""

    async def load_together(
        work: UnitOfWork, shop_id: object, handles: list[str], *, is_locked: bool
    ) -> dict[str, StoredProduct]:
        stored = await load_products(work, shop.id, handles)
        await both_looked.wait()
        return stored

    monkeypatch.setattr(importer_module, "lock_catalog", no_lock)
    monkeypatch.setattr(importer_module, "load_products", load_together)
    path = many(tmp_path / "many.csv", 10)

    # When
    results = await asyncio.gather(
        *(import_products(command(shop, path, is_atomic=True)) for _ in range(2)),
        return_exceptions=True,
    )

    # Then
    assert {type(result) for result in results} == {ImportReport, asyncpg.UniqueViolationError}
    assert await database_admin.fetchval("SELECT count(*) FROM product") == 10


async def test_an_import_waits_for_another_one_of_its_shop(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    # Given: somebody holds this shop's catalogue
    path = many(tmp_path / "many.csv", 1)
    key = "hashtextextended('catalog-import:' || $1::text, 0)"
    await database_admin.execute(f"SELECT pg_advisory_lock({key})", str(shop.id))

    # When
    running = asyncio.create_task(import_products(command(shop, path)))
    try:
        done, _ = await asyncio.wait({running}, timeout=0.3)
        stored = await database_admin.fetchval("SELECT count(*) FROM product")
    finally:
        await database_admin.execute(f"SELECT pg_advisory_unlock({key})", str(shop.id))

    # Then
    assert (done, stored) == (set(), 0)
    assert (await running).created == 1


async def test_progress_rises_to_the_size_of_the_file(shop: Shop, tmp_path: Path) -> None:
    path = many(tmp_path / "many.csv", 450)
    seen: list[tuple[int, int]] = []

    await import_products(command(shop, path), lambda done, total: seen.append((done, total)))

    size = path.stat().st_size
    assert {total for _, total in seen} == {size}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) == 5 + 1  # four batches of 100, one of 50, and the end
    assert seen[-1] == (size, size)


async def test_progress_of_a_file_of_nothing_but_errors(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    path = write_products(
        tmp_path / "errors.csv", (row(f"p{number}", "", "1") for number in range(2_500))
    )
    seen: list[int] = []

    report = await import_products(command(shop, path), lambda done, _total: seen.append(done))

    assert len(report.failed_rows) == 2_500
    assert report.failed_rows[-1].line == 2_501
    assert len(seen) == 3 + 1  # 1,000 errors, 1,000, 500, and the end
    assert await database_admin.fetchval("SELECT count(*) FROM product") == 0


@pytest.mark.parametrize("count", [1, 100])
async def test_statements_do_not_grow_with_the_products(
    shop: Shop, tmp_path: Path, count: int
) -> None:
    path = many(tmp_path / "many.csv", count)

    async with counted_statements() as sent:
        await import_products(command(shop, path))
        first = len(sent)
        # On first sight of an array asyncpg asks what it is made of; once per connection.
        await import_products(command(shop, path))
        sent.clear()
        await import_products(command(shop, path))
        again = len(sent)

    # BEGIN, time-out, lock, look for products; insert four kinds of rows and an event; COMMIT.
    assert first == 4 + 4 + 1 + 1
    # BEGIN, time-out, lock, look for products and their three kinds of children; COMMIT.
    assert again == 4 + 3 + 1


async def test_five_thousand_products_in_reasonable_time(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    path = many(tmp_path / "many.csv", 5_000)

    async with asyncio.timeout(30):
        report = await import_products(command(shop, path))

    assert (report.created, report.variants_created, report.failed_rows) == (5_000, 15_000, [])
    assert await database_admin.fetchval("SELECT count(*) FROM product_media") == 15_000


@pytest.mark.parametrize(
    ("name", "products", "variants", "pictures", "with_options", "prices"),
    [
        ("apparel.csv", 20, 22, 20, 1, 129_500),
        ("jewelery.csv", 20, 23, 41, 3, 98_074),
    ],
)
async def test_product_files_from_outside(
    shop: Shop,
    database_admin: asyncpg.Connection,
    name: str,
    products: int,
    variants: int,
    pictures: int,
    with_options: int,
    prices: int,
) -> None:
    path = SHARED / "shopify" / name
    if not path.exists():
        pytest.skip(f"{path} is not here; set PRESALE_SHARED_DATA to where shopify/{name} is")

    # When
    report = await import_products(command(shop, path, is_atomic=True))
    again = await import_products(command(shop, path))

    # Then
    assert report.failed_rows == []
    assert (report.created, report.variants_created, report.media_created) == (
        products, variants, pictures,
    )  # fmt: skip
    assert (again.unchanged, again.variants_unchanged) == (products, variants)
    counts = await database_admin.fetchrow(
        "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM product_variant), "
        "(SELECT count(*) FROM product_media), (SELECT count(*) FROM product_option), "
        "(SELECT sum(price_minor) FROM product_variant)::bigint"
    )
    assert tuple(counts or ()) == (products, variants, pictures, with_options, prices)
    # No SKUs in either file, and a stock of 0 is a stock.
    assert await database_admin.fetchval("SELECT count(sku) FROM product_variant") == 0
    assert await database_admin.fetchval("SELECT min(stock_on_hand) FROM product_variant") == (
        1 if name == "apparel.csv" else 0
    )


async def test_pictures_of_variants_in_a_file_from_outside(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    path = SHARED / "shopify" / "jewelery.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here; set PRESALE_SHARED_DATA to where shopify/ is")

    await import_products(command(shop, path))

    # The first row shows the picture that only the second row brings.
    shown = await database_admin.fetch(
        "SELECT v.option_values, m.url, m.position, v.compare_at_minor FROM product_variant v "
        "JOIN product p ON p.id = v.product_id JOIN product_media m ON m.id = v.media_id "
        "WHERE p.handle = 'chain-bracelet' ORDER BY v.position"
    )
    photos = "https://burst.shopifycdn.com/photos"
    assert [tuple(found) for found in shown] == [
        (["Blue"], f"{photos}/navy-blue-chakra-bracelet_925x.jpg", 2, 4_499),
        (["Black"], f"{photos}/7-chakra-bracelet_925x.jpg", 1, 4_499),
    ]
    heavy = await database_admin.fetch(
        "SELECT weight_grams, weight_unit FROM product_variant WHERE weight_grams > 0"
    )
    assert [tuple(found) for found in heavy] == [(28, "oz")]


async def test_the_demo_catalogue(shop: Shop, database_admin: asyncpg.Connection) -> None:
    report = await import_products(command(shop, DEMO, is_atomic=True))

    assert (report.created, report.variants_created, report.failed_rows) == (12, 18, [])
    prices = await database_admin.fetchrow(
        "SELECT min(price_minor), max(price_minor), count(DISTINCT sku) FROM product_variant"
    )
    assert tuple(prices or ()) == (39_900, 189_900, 18)
    # A demo that showed pictures would depend on somebody's server.
    assert await database_admin.fetchval("SELECT count(*) FROM product_media") == 0
