"""Reading Shopify's product CSV: every kind of error, its place, and what stands in spite of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.catalog.drafts import ProductDraft, RowError, SkippedProduct
from headless_presale.catalog.shopify_columns import BadHeader
from tests.unit.catalog.csv_text import BASIC, SIZED, errors, products, read, skipped, table


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\r\n", "it is empty"),
        (b"Handle,Title\n", "the header lacks the columns Variant Price"),
        (b"a,b\n1,2\n", "the header lacks the columns Handle, Title, Variant Price"),
        (
            b"Handle;Title;Variant Price\n",
            "the header lacks the columns Handle, Title, Variant Price; columns must be separated "
            "by commas, not by ';'",
        ),
        (b"Handle,Title,Price,Variant Price\n", "columns 'Price' and 'Variant Price' say the same"),
        ("Handle,Title".encode("utf-16-le"), "it is not UTF-8 text; save it as CSV in UTF-8"),
        (b'"Handle', "its header is not CSV: unexpected end of data"),
        (b"PK\x03\x04\x00\x00", "the header lacks the columns Handle, Title, Variant Price"),
    ],
)
def test_a_file_without_a_usable_header(content: bytes, reason: str) -> None:
    with pytest.raises(BadHeader) as caught:
        read(content)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Variant Price", "", "missing"),
        ("Variant Price", "1.234,50", "'1.234,50' is not a plain decimal number such as 1234.50"),
        ("Variant Price", "¥12", "'¥12' is not a plain decimal number such as 1234.50"),
        ("Variant Price", "1e3", "'1e3' is not a plain decimal number such as 1234.50"),
        ("Variant Price", "NaN", "'NaN' is not a plain decimal number such as 1234.50"),
        ("Variant Price", "１２", "'１２' is not a plain decimal number such as 1234.50"),
        ("Variant Price", "-1.00", "'-1.00' is negative"),
        ("Variant Price", "1.005", "1.005 has more decimals than CNY allows"),
        ("Variant Price", "99999999999999.99", "99999999999999.99 is too large"),
        ("Variant Compare At Price", "-2", "'-2' is negative"),
        ("Variant Grams", "heavy", "'heavy' is not a number of grams"),
        ("Variant Grams", "-5", "-5 is not within 0 and 2147483647"),
        ("Variant Inventory Qty", "1.5", "'1.5' is not a whole number"),
        ("Variant Inventory Qty", "2147483648", "2147483648 is not within -2147483647 and "
         "2147483647"),
        ("Variant Weight Unit", "stone", "'stone' is none of g, kg, lb, oz"),
        ("Variant Requires Shipping", "ja", "'ja' is neither TRUE nor FALSE"),
        ("Variant Taxable", "1", "'1' is neither TRUE nor FALSE"),
        ("Variant Barcode", "9" * 256, "256 characters where at most 255 are allowed"),
        ("Variant Barcode", "a\0b", "a NUL character cannot be stored"),
        ("Variant SKU", "S" * 256, "256 characters where at most 255 are allowed"),
        ("Option1 Value", "", "missing for option 'Size'"),
        ("Option1 Value", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Option2 Value", "Red", "the product row on line 2 names no option 2"),
        ("Option1 Name", "Colour", "option 1 is called 'Size' on line 2"),
        ("Option2 Name", "Colour", "the product row on line 2 has no option 2"),
        ("Title", "Mug", "the product row on line 2 has another title"),
        ("Image Src", "ftp://example.com/a.jpg", "'ftp://example.com/a.jpg' is not an http or "
         "https address"),
        ("Image Src", "javascript:alert(1)", "'javascript:alert(1)' is not an http or https "
         "address"),
        ("Image Src", "/a.jpg", "'/a.jpg' is not an http or https address"),
        ("Image Src", "https://", "'https://' is not an http or https address"),
        ("Image Src", "http://[x", "'http://[x' is not an address: Invalid IPv6 URL"),
        ("Image Src", "https://e.com/a b", "'https://e.com/a b' has a space or control character "
         "in it"),
        ("Image Src", "https://e.com/" + "月" * 700, "an address of more than 2048 bytes"),
        ("Variant Image", "data:image/png;base64,AA", "'data:image/png;base64,AA' is not an http "
         "or https address"),
        ("Image Position", "first", "'first' is not a whole number"),
        ("Image Position", "0", "0 is not within 1 and 2147483647"),
        ("Image Alt Text", "x" * 513, "513 characters where at most 512 are allowed"),
    ],
)  # fmt: skip
def test_a_bad_cell_costs_its_row_alone(column: str, value: str, reason: str) -> None:
    # Given: a product whose second row, on line 3, has one bad cell, and a third that has none
    columns = list(dict.fromkeys([*SIZED, column]))
    rows: list[dict[str, str]] = [
        {"Title": "Cup", "Option1 Name": "Size", "Option1 Value": "S", "Variant SKU": "A"},
        {"Option1 Value": "L", "Variant SKU": "B", column: value},
        {"Option1 Value": "XL", "Variant SKU": "C"},
    ]
    content = table(
        columns,
        *(
            [({"Handle": "cup", "Variant Price": "2.00"} | row).get(name, "") for name in columns]
            for row in rows
        ),
    )

    # When
    items = read(content)

    # Then
    assert errors(items) == [RowError(3, column, reason)]
    (cup,) = products(items)
    assert cup.has_failed_rows
    assert [(v.line, v.position, v.sku) for v in cup.variants] == [(2, 1, "A"), (4, 3, "C")]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Title", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Vendor", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Type", "x" * 256, "256 characters where at most 255 are allowed"),
        ("SEO Title", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Body (HTML)", "x" * 131_073, "131073 characters where at most 131072 are allowed"),
        ("Tags", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Tags", ",".join(map(str, range(251))), "251 tags where at most 250 are allowed"),
        ("Published", "yes", "'yes' is neither TRUE nor FALSE"),
        ("Status", "sold", "'sold' is none of active, draft, archived, unlisted"),
        ("Option1 Name", "x" * 256, "256 characters where at most 255 are allowed"),
        ("Option2 Name", "Size", "'Size' is the name of two options"),
    ],
)
def test_a_bad_product_cell_costs_the_product(column: str, value: str, reason: str) -> None:
    # Given: a product whose own row is unreadable, with a good variant row, and another product
    columns = [*dict.fromkeys([*SIZED, "Option2 Value", column])]
    first = {"Handle": "cup", "Title": "Cup", "Option1 Name": "Size", "Option1 Value": "S"}
    first |= {"Variant Price": "2"} | ({"Option2 Value": "Red"} if column == "Option2 Name" else {})
    second = {"Handle": "cup", "Option1 Value": "L", "Variant Price": "2"}
    second |= {"Option2 Value": "Red"} if column == "Option2 Name" else {}
    other = {"Handle": "pen", "Title": "Pen", "Variant Price": "1"}
    content = table(
        columns,
        *([row.get(name, "") for name in columns] for row in (first | {column: value}, second,
                                                              other)),
    )  # fmt: skip

    # When
    items = read(content)

    # Then
    assert errors(items) == [RowError(2, column, reason)]
    assert skipped(items) == ["cup"]
    assert [p.handle for p in products(items)] == ["pen"]


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        ("", "missing"),
        ("two words", "'two words' cannot be part of an address"),
        ("a/b", "'a/b' cannot be part of an address"),
        ("h" * 256, "256 characters where at most 255 are allowed"),
    ],
)
def test_a_row_without_a_usable_handle(handle: str, reason: str) -> None:
    items = read(table(BASIC, (handle, "Cup", "2"), ("pen", "Pen", "1")))

    assert errors(items) == [RowError(2, "Handle", reason)]
    assert [p.handle for p in products(items)] == ["pen"]


def test_the_only_variant_fails_and_the_product_with_it() -> None:
    items = read(table(BASIC, ("cup", "Cup", "free"), ("pen", "Pen", "1")))

    assert [(e.line, e.column) for e in errors(items)] == [(2, "Variant Price")]
    assert skipped(items) == ["cup"]
    assert [p.handle for p in products(items)] == ["pen"]


def test_a_product_without_any_variant_row() -> None:
    items = read(table((*BASIC, "Image Src"), ("cup", "Cup", "", "https://example.com/a.jpg")))

    assert errors(items) == [
        RowError(2, "Variant Price", "missing: no row of the product is a variant")
    ]
    assert skipped(items) == ["cup"]
    assert products(items) == []


def test_a_variant_row_before_its_product_row() -> None:
    content = table(SIZED, ("cup", "", "", "S", "A", "2"), ("cup", "Cup", "Size", "L", "B", "3"))

    items = read(content)

    assert errors(items) == [
        RowError(2, "Title", "missing, and no row above is the product row of 'cup'")
    ]
    assert [[v.sku for v in p.variants] for p in products(items)] == [["B"]]


def test_rows_of_a_product_that_are_torn_apart() -> None:
    content = table(BASIC, ("cup", "Cup", "2"), ("pen", "Pen", "1"), ("cup", "Cup", "3"))

    items = read(content)

    reason = "'cup' already stands on line 2; the rows of a product must follow one another"
    assert errors(items) == [RowError(4, "Handle", reason)]
    assert [(p.handle, p.variants[0].price_minor) for p in products(items)] == [
        ("cup", 200),
        ("pen", 100),
    ]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (("cup", "", "", "S", "B", "2"), RowError(3, "Option1 Value", "'S' is already on line 2")),
        (("cup", "", "", "L", "A", "2"), RowError(3, "Variant SKU", "'A' is already on line 2")),
        (
            ("cup", "", "", "", "", ""),
            RowError(3, "Variant Price", "missing, and the row has no picture either"),
        ),
    ],
)
def test_rows_that_repeat_or_say_nothing(second: tuple[str, ...], expected: RowError) -> None:
    items = read(table(SIZED, ("cup", "Cup", "Size", "S", "A", "2"), second))

    assert errors(items) == [expected]
    assert [[v.sku for v in p.variants] for p in products(items)] == [["A"]]


@pytest.mark.parametrize("value", ["", "Default Title"])
def test_more_than_one_default_variant(value: str) -> None:
    content = table(
        SIZED,
        ("cup", "Cup", "Title", "Default Title", "A", "2"),
        ("cup", "", "", value, "B", "3"),
    )

    items = read(content)

    reason = "a product without options has one variant, and it is on line 2"
    assert errors(items) == [RowError(3, "Option1 Value", reason)]
    assert [[v.sku for v in p.variants] for p in products(items)] == [["A"]]


def test_option_values_too_long_to_be_indexed_together() -> None:
    columns = (*BASIC, *(f"Option{n} {part}" for n in (1, 2, 3) for part in ("Name", "Value")))
    value = "月" * 223  # 3 x 223 x 3 bytes of UTF-8

    items = read(table(columns, ("a", "A", "2", "O1", value, "O2", value, "O3", value)))

    reason = "2007 bytes of option values where at most 2000 are allowed"
    assert errors(items) == [RowError(2, "Option1 Value", reason)]
    assert products(items) == []


def test_several_errors_of_one_row_are_all_reported() -> None:
    items = read(table((*BASIC, "Variant Grams"), ("cup", "Cup", "-1", "x")))

    assert [(e.line, e.column) for e in errors(items)] == [
        (2, "Variant Price"),
        (2, "Variant Grams"),
    ]


def test_bytes_that_are_not_text() -> None:
    # Given: Latin-1 in a UTF-8 file, once in a column that counts and once in one that does not
    content = b"Handle,Title,Variant Price,Vendor,Notes\ncup,Cup,2,Caf\xe9,ok\npen,Pen,1,V,\xe9\n"

    items = read(content)

    reason = "byte 0xE9 is not text in the file's encoding"
    assert errors(items) == [RowError(2, "Vendor", reason)]
    assert skipped(items) == ["cup"]
    assert [p.handle for p in products(items)] == ["pen"]


def test_a_utf_16_file_that_is_cut_in_the_middle_of_a_character() -> None:
    content = table(BASIC, ("a", "A", "2"), ("b", "B", "3")).rstrip("\n").encode("utf-16")

    items = read(content[:-1])

    assert [p.handle for p in products(items)] == ["a"]
    assert [(e.line, e.column) for e in errors(items)] == [(3, "Variant Price")]


def test_a_row_that_is_not_csv() -> None:
    content = 'Handle,Title,Variant Price\ncup,"Cup"s,2\npen,Pen,1\n'

    items = read(content)

    assert errors(items) == [RowError(2, "", "not CSV: ',' expected after '\"'")]
    assert [p.handle for p in products(items)] == ["pen"]


def test_a_quote_that_never_closes() -> None:
    content = 'Handle,Title,Variant Price\npen,Pen,1\ncup,"Cup,2\nx,X,1\n'

    items = read(content)

    reason = "not CSV: a quoted cell is not closed before the file ends"
    assert errors(items) == [RowError(3, "", reason)]
    assert [p.handle for p in products(items)] == ["pen"]


def test_a_runaway_cell_ends_the_reading() -> None:
    # Given: more than the 16 MiB a cell may have
    content = f'Handle,Title,Variant Price\npen,Pen,1\ncup,"{"x" * (16 * 2**20 + 1)}",2\nz,Z,1\n'

    items = read(content)

    reason = (
        "a cell is too long, perhaps for want of a closing quote; nothing below this row was read"
    )
    assert errors(items) == [RowError(3, "", reason)]
    assert [p.handle for p in products(items)] == ["pen"]


def test_more_cells_than_columns() -> None:
    content = "Handle,Title,Variant Price\ncup,Cup,1,234.50\npen,Pen,1,,\n"

    items = read(content)

    assert errors(items) == [RowError(2, "", "4 cells where the header has 3 columns")]
    assert skipped(items) == ["cup"]
    assert [p.handle for p in products(items)] == ["pen"]


def test_a_yen_has_no_decimals() -> None:
    items = read(table(BASIC, ("a", "A", "1.5")), currency="JPY")

    assert errors(items) == [RowError(2, "Variant Price", "1.5 has more decimals than JPY allows")]


@given(st.binary(max_size=400) | st.text('Aa1,"\n\r\0é', max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    header = b"Handle,Title,Variant Price,Image Src\ncup,Cup,2,\n"

    items = read(header + body)

    lines = 2 + len(body.splitlines()) + body.count(b"\r") + body.count(b"\n")
    for item in items:
        assert isinstance(item, ProductDraft | SkippedProduct | RowError)
        assert 2 <= item.line <= lines + 1
