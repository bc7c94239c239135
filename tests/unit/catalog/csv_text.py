"""Product files as text, and what is read from them."""

import csv
import io
from collections.abc import Sequence

from headless_presale.catalog.drafts import ProductDraft, RowError, SkippedProduct
from headless_presale.catalog.shopify_csv import Item, ProductCsv

BASIC = ("Handle", "Title", "Variant Price")
SIZED = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price")


def read(content: str | bytes, *, currency: str = "CNY") -> list[Item]:
    data = content.encode() if isinstance(content, str) else content
    return list(ProductCsv(io.BytesIO(data), currency=currency))


def table(columns: Sequence[str], *rows: Sequence[str]) -> str:
    """Return a CSV file; short rows are filled up with empty cells."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([*row, *[""] * (len(columns) - len(row))] for row in rows)
    return out.getvalue()


def products(items: list[Item]) -> list[ProductDraft]:
    return [item for item in items if isinstance(item, ProductDraft)]


def errors(items: list[Item]) -> list[RowError]:
    return [item for item in items if isinstance(item, RowError)]


def skipped(items: list[Item]) -> list[str]:
    return [item.handle for item in items if isinstance(item, SkippedProduct)]
