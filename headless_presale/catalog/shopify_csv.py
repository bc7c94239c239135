"""Reads Shopify's product CSV as a stream: one product in memory at a time.

A product is a run of rows with one handle. The first, with a title, is the product row; it and the
others each bring a variant, a picture, or both. A row that cannot be used is reported and left
out; the product's other rows stand. Without a readable product row there is no product.
"""

import codecs
import csv
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from headless_presale.catalog.cells import UNDECODED
from headless_presale.catalog.drafts import ProductDraft, RowError, SkippedProduct
from headless_presale.catalog.reasons import Reason
from headless_presale.catalog.shopify_columns import BadHeader, Layout, read_layout
from headless_presale.catalog.shopify_rows import ProductRows, Row

Item = ProductDraft | SkippedProduct | RowError

MAX_CELL_LENGTH = 16 * 2**20
"""Characters. Descriptions with pictures inside are long; a quote that never closes is longer."""

_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _keep_undecoded(error: UnicodeError) -> tuple[str, int]:
    """Let the cell that holds a bad byte report it, instead of giving up the whole file."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return chr(UNDECODED + error.object[error.start]), error.end


codecs.register_error("headless_presale.keep_undecoded", _keep_undecoded)
# The limit is one per process and guards memory alone; every cell has its own below it.
csv.field_size_limit(MAX_CELL_LENGTH)


class ProductCsv:
    """A product file: iterate over it once, for products and errors in the file's order.

    Args:
        source: the open file, seekable. UTF-8, with or without a byte order mark, or UTF-16 with.
        currency: ISO 4217 code that the prices are in.

    Raises:
        BadHeader: there is no header, or one that cannot be used.
    """

    def __init__(self, source: BinaryIO, *, currency: str) -> None:
        self._source = source
        self._currency = currency
        start = source.read(4)
        source.seek(0)
        encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
        if encoding == "utf-8" and b"\0" in start:
            raise BadHeader("it is not UTF-8 text; save it as CSV in UTF-8")
        text = TextIOWrapper(
            source, encoding=encoding, errors="headless_presale.keep_undecoded", newline=""
        )
        self._text = text
        self._reader = csv.reader(text, strict=True)
        self.layout: Layout = self._read_header()

    @property
    def bytes_read(self) -> int:
        """How far reading has come; it runs ahead of what was returned by a buffer."""
        return self._source.tell()

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _read_header(self) -> Layout:
        try:
            header = next((row for row in self._reader if row), None)
        except csv.Error as error:
            raise BadHeader("its header is not CSV: {detail}", detail=error) from None
        if header is None:
            raise BadHeader("it is empty")
        return read_layout(header)

    def __iter__(self) -> Iterator[Item]:
        lines_seen: dict[str, int] = {}
        product: ProductRows | None = None
        for row in self._rows():
            if isinstance(row, RowError):
                yield row
                if product is not None:
                    product.has_failed_rows = True
                continue
            handle = row.read_handle()
            if handle is None:
                yield from row.errors
                if product is not None:
                    product.has_failed_rows = True
                continue
            if product is not None and handle == product.handle:
                yield from product.add(row)
                continue
            if product is not None:
                yield from product.finish()
                product = None
            if handle in lines_seen:
                row.fail(
                    "handle",
                    "{cell} already stands on line {line}; the rows of a product must follow one "
                    "another",
                    cell=repr(handle),
                    line=lines_seen[handle],
                )
                yield from row.errors
            elif not row.text("title"):
                row.fail(
                    "title",
                    "missing, and no row above is the product row of {cell}",
                    cell=repr(handle),
                )
                yield from row.errors
            else:
                lines_seen[handle] = row.line
                product = ProductRows(handle, row.line, self._currency, self.layout)
                yield from product.start(row)
        if product is not None:
            yield from product.finish()

    def _rows(self) -> Iterator[Row | RowError]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "field limit" in str(error):
                    # Where the runaway cell ends is unknown, so nothing below can be trusted.
                    reason = Reason(
                        "a cell is too long, perhaps for want of a closing quote; nothing below "
                        "this row was read"
                    )
                    yield RowError(line, "", reason)
                    return
                if "unexpected end" in str(error):
                    reason = Reason("not CSV: a quoted cell is not closed before the file ends")
                else:
                    reason = Reason("not CSV: {detail}", detail=error)
                yield RowError(line, "", reason)
                continue
            if any(cell.strip() for cell in cells):
                yield Row(line, cells, self.layout)
