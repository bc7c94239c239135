"""Importing product files: what is written, what is left alone, what is reported."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from headless_presale.catalog import (
    ImportProducts,
    MissingVariant,
    RowError,
    UnreadableProductFile,
    import_products,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import CreateShop, Shop, create_shop
from tests.integration.catalog.files import Import, row, row_versions, variants_of

FIRST = {"Image Src": "https://example.com/1.jpg", "Image Alt Text": "Front"}
CUP = [
    row("cup", "Cup", "20.00", size="S", sku="A", Tags="a, b", **FIRST),
    row("cup", "", "30.00", size="L", sku="B"),
]


async def test_an_import_writes_products_options_variants_and_pictures(
    import_rows: Import, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    # When
    report = await import_rows(
        *CUP, row("pen", "Pen", "1.5", **{"Variant Image": "https://example.com/p.jpg"})
    )

    # Then
    assert (report.is_written, report.created, report.variants_created) == (True, 2, 3)
    assert (report.media_created, report.products, report.failed_rows) == (2, 2, [])
    cup = await database_admin.fetchrow("SELECT * FROM product WHERE handle = 'cup'")
    assert cup is not None
    assert (cup["shop_id"], cup["title"], cup["tags"]) == (shop.id, "Cup", ["a", "b"])
    assert (cup["is_published"], cup["translations"]) == (True, "{}")
    options = await database_admin.fetch(
        "SELECT position, name FROM product_option WHERE product_id = $1", cup["id"]
    )
    assert [tuple(option) for option in options] == [(1, "Size")]
    assert await variants_of(database_admin, "cup") == [("A", ["S"], 2_000), ("B", ["L"], 3_000)]
    assert await variants_of(database_admin, "pen") == [(None, [], 150)]
    shown = await database_admin.fetchval(
        "SELECT m.url FROM product_variant v JOIN product_media m ON m.id = v.media_id"
    )
    assert shown == "https://example.com/p.jpg"
    currencies = await database_admin.fetch("SELECT DISTINCT currency FROM product_variant")
    assert [found["currency"] for found in currencies] == ["CNY"]


async def test_a_second_import_writes_nothing(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP, row("pen", "Pen", "1"))
    before = await row_versions(database_admin)

    report = await import_rows(*CUP, row("pen", "Pen", "1"))

    assert (report.created, report.updated, report.unchanged) == (0, 0, 2)
    assert (report.variants_created, report.variants_updated, report.variants_unchanged) == (
        0, 0, 3,
    )  # fmt: skip
    assert (report.media_created, report.media_updated) == (0, 0)
    assert await row_versions(database_admin) == before


async def test_an_import_updates_what_changed_and_nothing_else(
    import_rows: Import, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    # Given
    await import_rows(*CUP, row("pen", "Pen", "1"))
    before = await row_versions(database_admin)
    clock.advance(timedelta(hours=1))

    # When: one price differs
    dearer = row("cup", "", "31.00", size="L", sku="B")
    report = await import_rows(CUP[0], dearer, row("pen", "Pen", "1"))

    # Then: one row was written, and its time; and the version of its product, which covers it
    assert (report.updated, report.unchanged) == (1, 1)
    assert (report.variants_updated, report.variants_unchanged) == (1, 2)
    assert await variants_of(database_admin, "cup") == [("A", ["S"], 2_000), ("B", ["L"], 3_100)]
    after = await row_versions(database_admin)
    assert [after[t] for t in ("product_option", "product_media")] == [
        before[t] for t in ("product_option", "product_media")
    ]
    for table in ("product", "product_variant"):
        assert len(set(after[table]) - set(before[table])) == 1
    versions = await database_admin.fetch("SELECT handle, version FROM product ORDER BY handle")
    assert [tuple(found) for found in versions] == [("cup", 2), ("pen", 1)]
    times = await database_admin.fetch(
        "SELECT sku FROM product_variant WHERE updated_at = $1", clock.now()
    )
    assert [found["sku"] for found in times] == ["B"]


async def test_columns_that_the_file_lacks_leave_their_fields_alone(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)

    # When: a price list, without options, pictures, tags, stock
    report = await import_rows(
        {"Handle": "cup", "Title": "Cup", "Variant Price": "26.00", "Variant SKU": "B"},
        columns=("Handle", "Title", "Variant Price", "Variant SKU"),
    )

    # Then
    assert (report.updated, report.variants_updated, report.failed_rows) == (1, 1, [])
    assert [missing.sku for missing in report.missing_from_file] == ["A"]
    assert (await variants_of(database_admin, "cup"))[1] == ("B", ["L"], 2_600)
    assert await database_admin.fetchval("SELECT tags FROM product") == ["a", "b"]
    assert await database_admin.fetchval("SELECT alt FROM product_media") == "Front"
    assert await database_admin.fetchval("SELECT count(*) FROM product_option") == 1


async def test_pictures_that_only_variants_name_follow_the_stored_ones(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    first = {"Handle": "cup", "Title": "Cup", "Variant Price": "20.00", "Variant SKU": "A"}

    # When: a file that has the column for a variant's picture and none for the product's
    for url in ("https://example.com/1.jpg", "https://example.com/2.jpg"):
        report = await import_rows(
            first | {"Variant Image": url}, columns=(*first, "Variant Image")
        )
        assert report.failed_rows == []

    # Then: the known picture keeps its place and text
    stored = await database_admin.fetch("SELECT url, alt, position FROM product_media ORDER BY 3")
    assert [tuple(found) for found in stored] == [
        ("https://example.com/1.jpg", "Front", 1),
        ("https://example.com/2.jpg", "", 2),
    ]
    shown = await database_admin.fetchval(
        "SELECT m.url FROM product_variant v JOIN product_media m ON m.id = v.media_id"
    )
    assert shown == "https://example.com/2.jpg"


async def test_a_new_sku_in_a_file_without_option_columns(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    before = await row_versions(database_admin)

    report = await import_rows(
        {"Handle": "cup", "Title": "Cup", "Variant Price": "26.00", "Variant SKU": "NEW"},
        columns=("Handle", "Title", "Variant Price", "Variant SKU"),
    )

    reason = "the variant is new, and the file has no columns for its options"
    assert report.failed_rows == [RowError(2, "Option1 Value", reason)]
    assert report.skipped == 1
    assert await row_versions(database_admin) == before


async def test_variants_that_vanished_from_the_file_are_kept_and_reported(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)

    report = await import_rows(CUP[0])

    assert report.missing_from_file == [MissingVariant(handle="cup", sku="B", option_values=("L",))]
    assert report.unchanged == 1
    assert await variants_of(database_admin, "cup") == [("A", ["S"], 2_000), ("B", ["L"], 3_000)]


async def test_a_variant_whose_row_failed_is_not_called_missing(import_rows: Import) -> None:
    await import_rows(*CUP)

    report = await import_rows(CUP[0], row("cup", "", "free", size="L", sku="B"))

    assert [(error.line, error.column) for error in report.failed_rows] == [(3, "Variant Price")]
    assert report.missing_from_file == []


async def test_variants_are_found_by_sku_and_otherwise_by_option_values(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    # Given: ids by SKU
    await import_rows(*CUP)
    sql = "SELECT sku, id FROM product_variant ORDER BY sku"
    before = {found["sku"]: found["id"] for found in await database_admin.fetch(sql)}

    # When: A is called XS now, and what was B has another SKU
    report = await import_rows(
        row("cup", "Cup", "20.00", size="XS", sku="A"), row("cup", "", "30.00", size="L", sku="B2")
    )

    # Then
    assert (report.variants_created, report.variants_updated) == (0, 2)
    after = {found["sku"]: found["id"] for found in await database_admin.fetch(sql)}
    assert after == {"A": before["A"], "B2": before["B"]}
    assert await variants_of(database_admin, "cup") == [("A", ["XS"], 2_000), ("B2", ["L"], 3_000)]


async def test_variants_that_swap_their_option_values_stay_themselves(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    sql = "SELECT id, sku FROM product_variant ORDER BY id"
    before = [tuple(found) for found in await database_admin.fetch(sql)]

    report = await import_rows(
        row("cup", "Cup", "20.00", size="L", sku="A"), row("cup", "", "30.00", size="S", sku="B")
    )

    assert (report.variants_updated, report.failed_rows) == (2, [])
    assert await variants_of(database_admin, "cup") == [("A", ["L"], 2_000), ("B", ["S"], 3_000)]
    assert [tuple(found) for found in await database_admin.fetch(sql)] == before


async def test_option_values_that_belong_to_a_variant_outside_the_file(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    before = await row_versions(database_admin)

    report = await import_rows(row("cup", "Cup", "20.00", size="L", sku="A"))

    reason = "'L' belongs to the stored variant B, which is not in the file"
    assert report.failed_rows == [RowError(2, "Option1 Value", reason)]
    assert (report.skipped, report.updated) == (1, 0)
    assert await row_versions(database_admin) == before


async def test_options_that_are_renamed_added_and_dropped(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    columns = (
        "Handle", "Title", "Variant Price", "Variant SKU", "Option1 Name", "Option1 Value",
        "Option2 Name", "Option2 Value",
    )  # fmt: skip
    sql = "SELECT position, name FROM product_option ORDER BY position"
    two = {"Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Glaze"}
    await import_rows(row("cup", "Cup", "2", sku="A", size="") | two | {"Option2 Value": "Blue"},
                      columns=columns)  # fmt: skip
    assert [tuple(o) for o in await database_admin.fetch(sql)] == [(1, "Size"), (2, "Glaze")]

    report = await import_rows(row("cup", "Cup", "2", sku="A", size="S") | {
        "Option1 Name": "Height"}, columns=columns)  # fmt: skip

    assert (report.updated, report.variants_updated) == (1, 1)
    assert [tuple(o) for o in await database_admin.fetch(sql)] == [(1, "Height")]
    assert await variants_of(database_admin, "cup") == [("A", ["S"], 200)]


async def test_rows_that_fail_leave_the_rest(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    report = await import_rows(
        row("cup", "Cup", "20.00", size="S", sku="A"),
        row("cup", "", "1.234,50", size="L", sku="B"),
        row("bad handle", "Bad", "1"),
        row("pen", "Pen", "-1"),
        row("ink", "Ink", "3"),
    )

    assert [(error.line, error.column) for error in report.failed_rows] == [
        (3, "Variant Price"),
        (4, "Handle"),
        (5, "Variant Price"),
    ]
    assert (report.created, report.skipped) == (2, 1)
    assert await variants_of(database_admin, "cup") == [("A", ["S"], 2_000)]
    handles = await database_admin.fetch("SELECT handle FROM product ORDER BY handle")
    assert [found["handle"] for found in handles] == ["cup", "ink"]


async def test_a_product_the_database_refuses_leaves_the_others_of_its_batch(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    # Given: a rule that only the database knows
    await database_admin.execute(
        "ALTER TABLE product ADD CONSTRAINT uncursed CHECK (title <> 'Cursed')"
    )
    try:
        # When
        report = await import_rows(
            row("cup", "Cup", "2"), row("idol", "Cursed", "3"), row("pen", "Pen", "1")
        )
    finally:
        await database_admin.execute("ALTER TABLE product DROP CONSTRAINT uncursed")

    # Then
    assert (report.created, report.skipped, report.variants_created) == (2, 1, 2)
    (error,) = report.failed_rows
    assert (error.line, error.column) == (3, "")
    assert error.reason.startswith("the database refused the product: new row for relation")
    handles = await database_admin.fetch("SELECT handle FROM product ORDER BY handle")
    assert [found["handle"] for found in handles] == ["cup", "pen"]


async def test_a_dry_run_reports_and_writes_nothing(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    before = await row_versions(database_admin)

    report = await import_rows(
        CUP[0], row("cup", "", "31", size="L", sku="B"), row("pen", "Pen", "1"), is_dry_run=True
    )

    assert (report.is_written, report.created, report.updated) == (False, 1, 1)
    assert (report.variants_created, report.variants_updated) == (1, 1)
    assert await row_versions(database_admin) == before


async def test_hostile_html_is_not_stored(
    import_rows: Import, database_admin: asyncpg.Connection
) -> None:
    body = '<p onclick="x()">Cup</p><script>x()</script><a href="javascript:x()">y</a>'

    await import_rows(row("cup", "<b>Cup</b>", "1", **{"Body (HTML)": body}))

    stored = await database_admin.fetchrow("SELECT title, description_html FROM product")
    assert stored is not None
    # A title is text, shown as text: nothing is taken out of it.
    assert tuple(stored) == ("<b>Cup</b>", '<p>Cup</p><a rel="noopener noreferrer">y</a>')


async def test_shops_do_not_share_products(
    import_rows: Import, shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    await import_rows(*CUP)
    other = await create_shop(CreateShop(slug="other", name="Other", currency="JPY"))
    path = tmp_path / "products.csv"

    # When: the same file goes into a shop that prices in yen, where 20.00 is 20
    report = await import_products(
        ImportProducts(path=path, shop_id=other.id, currency=other.currency)
    )

    assert (report.created, report.unchanged) == (1, 0)
    rows = await database_admin.fetch(
        "SELECT p.shop_id, v.price_minor, v.currency FROM product p "
        "JOIN product_variant v ON v.product_id = p.id WHERE v.sku = 'A' ORDER BY v.price_minor"
    )
    assert [tuple(found) for found in rows] == [(other.id, 20, "JPY"), (shop.id, 2_000, "CNY")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "it is empty"),
        (b"Handle,Title\n", "the header lacks the columns Variant Price"),
    ],
)
@pytest.mark.parametrize("is_atomic", [False, True])
async def test_a_file_that_cannot_be_read(
    shop: Shop,
    tmp_path: Path,
    database_admin: asyncpg.Connection,
    content: bytes | None,
    reason: str,
    is_atomic: bool,
) -> None:
    path = tmp_path / "products.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableProductFile) as caught:
        await import_products(
            ImportProducts(path=path, shop_id=shop.id, currency=shop.currency, is_atomic=is_atomic)
        )

    assert str(caught.value) == f"products.csv cannot be imported: {reason}"
    assert caught.value.code == "UNREADABLE_PRODUCT_FILE"
    assert await database_admin.fetchval("SELECT count(*) FROM product") == 0
