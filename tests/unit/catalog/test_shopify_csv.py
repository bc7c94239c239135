"""Reading Shopify's product CSV: every kind of row, both spellings, any encoding."""

import io

import pytest

from headless_presale.catalog.shopify_csv import ProductCsv
from tests.unit.catalog.csv_text import BASIC, SIZED, errors, products, read, table


def test_a_product_row_with_everything() -> None:
    # Given: one product in the spelling of exports, its body with a line break in the cell
    content = table(
        (
            "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name",
            "Option1 Value", "Variant SKU", "Variant Grams", "Variant Weight Unit",
            "Variant Inventory Qty", "Variant Price", "Variant Compare At Price",
            "Variant Requires Shipping", "Variant Taxable", "Variant Barcode", "Image Src",
            "Image Position", "Image Alt Text", "SEO Title", "SEO Description", "Variant Image",
        ),
        (
            "crane", "Paper Crane", "<p>Folded\nby hand</p>", "Forge", "Statue", "a, b ,a,,c",
            "TRUE", "Edition", "Standard", "C-1", "453.592", "lb", "0", "749.00", "800", "true",
            "FALSE", "690", "https://example.com/1.jpg", "1", "Front", "Crane & co", "Short",
            "https://example.com/2.jpg",
        ),
    )  # fmt: skip

    # When
    (product,) = products(read(content))

    # Then
    assert (product.line, product.handle, product.title) == (2, "crane", "Paper Crane")
    assert product.description_html == "<p>Folded\nby hand</p>"
    assert (product.vendor, product.product_type) == ("Forge", "Statue")
    assert product.tags == ("a", "b", "c")
    assert product.is_published
    assert (product.seo_title, product.seo_description) == ("Crane & co", "Short")
    assert product.options == ("Edition",)
    (variant,) = product.variants
    assert (variant.line, variant.position, variant.sku) == (2, 1, "C-1")
    assert variant.option_values == ("Standard",)
    assert (variant.price_minor, variant.compare_at_minor) == (74_900, 80_000)
    assert (variant.weight_grams, variant.weight_unit) == (454, "lb")  # 453.592 rounds up
    assert (variant.is_shippable, variant.is_taxable) == (True, False)
    assert (variant.stock_on_hand, variant.barcode) == (0, "690")
    # The variant's own picture follows those of the product.
    assert [(image.url, image.alt) for image in product.images] == [
        ("https://example.com/1.jpg", "Front"),
        ("https://example.com/2.jpg", None),
    ]


def test_columns_of_the_newer_template_in_any_order_beside_unknown_ones() -> None:
    content = table(
        (
            "Price", "Price / International", "Included / International", "Option1 Linked To",
            "Unit price total measure", "Color (product.metafields.shopify.color-pattern)",
            "Status", "Weight value (grams)", "Charge tax", "Inventory quantity", "SKU",
            "Option1 value", "Option1 name", "Description", "title", "URL handle",
            "Product image URL", "Compare-at price", "Published on online store",
        ),
        (
            "12.5", "999", "TRUE", "product.metafields.x", "1", "red", "Active", "30", "FALSE",
            "7", "K", "Red", "Colour", "<b>x</b>", "Kite", "kite", "https://example.com/k.png", "",
            "true",
        ),
    )  # fmt: skip

    (product,) = products(read(content))

    assert (product.handle, product.title, product.description_html) == ("kite", "Kite", "<b>x</b>")
    assert (product.is_published, product.options) == (True, ("Colour",))
    (variant,) = product.variants
    assert (variant.sku, variant.price_minor, variant.compare_at_minor) == ("K", 1_250, None)
    assert (variant.weight_grams, variant.is_taxable, variant.stock_on_hand) == (30, False, 7)
    assert [image.url for image in product.images] == ["https://example.com/k.png"]


def test_rows_of_a_product_bring_variants_pictures_or_both() -> None:
    columns = (*SIZED, "Image Src", "Image Position")
    content = table(
        columns,
        ("cup", "Cup", "Size", "S", "A", "2", "https://example.com/s.jpg", "2"),
        ("cup", "", "", "L", "B", "3", "", ""),
        ("cup", "", "", "", "", "", "https://example.com/first.jpg", "1"),
        ("pen", "Pen", "Title", "Default Title", "", "1", "", ""),
    )

    cup, pen = products(read(content))

    assert [(v.line, v.option_values, v.sku) for v in cup.variants] == [
        (2, ("S",), "A"),
        (3, ("L",), "B"),
    ]
    assert [image.url for image in cup.images] == [
        "https://example.com/first.jpg",
        "https://example.com/s.jpg",
    ]
    assert (pen.line, pen.options) == (5, ())
    assert [(v.option_values, v.sku) for v in pen.variants] == [((), None)]


def test_a_product_row_without_a_variant_of_its_own() -> None:
    # Given: the newer template puts names on a row of their own
    content = table(
        SIZED,
        ("cup", "Cup", "Size", "", "", ""),
        ("cup", "", "", "S", "A", "2"),
    )

    (cup,) = products(read(content))

    assert cup.options == ("Size",)
    assert [(v.line, v.position, v.option_values) for v in cup.variants] == [(3, 1, ("S",))]


def test_a_real_option_may_be_called_title() -> None:
    content = table(
        SIZED, ("cup", "Cup", "Title", "Small", "A", "2"), ("cup", "", "", "Big", "B", "3")
    )

    (cup,) = products(read(content))

    assert cup.options == ("Title",)
    assert [v.option_values for v in cup.variants] == [("Small",), ("Big",)]


def test_options_with_a_gap_close_up() -> None:
    columns = (
        "Handle", "Title", "Variant Price",
        "Option1 Name", "Option1 Value", "Option3 Name", "Option3 Value",
    )  # fmt: skip
    (cup,) = products(read(table(columns, ("cup", "Cup", "2", "Size", "S", "Glaze", "Blue"))))

    assert cup.options == ("Size", "Glaze")
    assert cup.variants[0].option_values == ("S", "Blue")


@pytest.mark.parametrize(
    ("published", "status", "expected"),
    [
        ("", "", True),
        ("TRUE", "active", True),
        ("false", "active", False),
        ("true", "Draft", False),
        ("true", "archived", False),
        ("true", "unlisted", False),
    ],
)
def test_published_needs_both_the_flag_and_the_status(
    published: str, status: str, expected: bool
) -> None:
    content = table((*BASIC, "Published", "Status"), ("cup", "Cup", "2", published, status))

    assert [p.is_published for p in products(read(content))] == [expected]


@pytest.mark.parametrize(
    ("encoding", "line_end"),
    [
        ("utf-8", "\n"),
        ("utf-8", "\r\n"),
        ("utf-8", "\r"),
        ("utf-8-sig", "\r\n"),
        ("utf-16", "\r\n"),
    ],
)
def test_encodings_and_line_ends(encoding: str, line_end: str) -> None:
    content = table(BASIC, ("月", "月铸工坊", "2"), ("b", "B", "x")).replace("\n", line_end)

    items = read(content.encode(encoding))

    assert [(p.handle, p.title) for p in products(items)] == [("月", "月铸工坊")]
    assert [(e.line, e.column) for e in errors(items)] == [(3, "Variant Price")]


def test_big_endian_utf_16() -> None:
    content = b"\xfe\xff" + table(BASIC, ("a", "Ä", "2")).encode("utf-16-be")

    assert [p.title for p in products(read(content))] == ["Ä"]


def test_lines_are_physical_lines() -> None:
    # Given: a body of three lines makes the next row start on line 5
    content = (
        "Handle,Title,Variant Price,Body (HTML)\n"
        'cup,Cup,2,"<p>\none\n</p>"\n'
        "\n"
        ",,,\n"
        'pen,Pen,x,"a\nb"\n'
    )

    items = read(content)

    assert [(p.handle, p.line) for p in products(items)] == [("cup", 2)]
    assert [(e.line, e.column) for e in errors(items)] == [(7, "Variant Price")]  # 2 + 3 + 2


def test_messages_name_columns_as_the_file_does() -> None:
    items = read(table(("url HANDLE", "TITLE", "price"), ("cup", "Cup", "x")))

    assert [e.column for e in errors(items)] == ["price"]


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [
        ("42.99", "CNY", 4_299),
        ("50", "CNY", 5_000),
        ("19.990", "CNY", 1_999),
        ("0", "CNY", 0),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1_234),
    ],
)
def test_prices_in_the_minor_units_of_the_currency(price: str, currency: str, minor: int) -> None:
    (product,) = products(read(table(BASIC, ("a", "A", price)), currency=currency))

    assert product.variants[0].price_minor == minor


def test_reading_is_a_stream() -> None:
    # Given: a file larger than the read buffer
    content = table(BASIC, *((f"p{n}", "x" * 200, "1") for n in range(1_000))).encode()
    source = ProductCsv(io.BytesIO(content), currency="CNY")

    # When: only the first product is asked for
    next(iter(source))

    # Then
    assert 0 < source.bytes_read <= 16_384 < len(content)
