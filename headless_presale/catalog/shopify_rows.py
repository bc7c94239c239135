"""The rows of one product, put together."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from headless_presale.catalog import cells as cell
from headless_presale.catalog.drafts import (
    ImageDraft,
    ProductDraft,
    RowError,
    SkippedProduct,
    VariantDraft,
)
from headless_presale.catalog.reasons import Reason
from headless_presale.catalog.rules import (
    MAX_ALT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_OPTION_VALUES_BYTES,
    sanitise_html,
)
from headless_presale.catalog.shopify_columns import OPTION_NUMBERS, SAYS_VARIANT, Layout

T = TypeVar("T")

NO_OPTION_NAME = "title"
NO_OPTION_VALUE = "default title"
"""An option "Title" with the value "Default Title" is how the format says: no options."""


class Row:
    """One row with the errors found in it."""

    def __init__(self, line: int, cells: Sequence[str], layout: Layout) -> None:
        self.line = line
        self.errors: list[RowError] = []
        self._cells = cells
        self._layout = layout

    def text(self, field: str) -> str:
        """Return a cell without outer space; empty when the file or the row does not have it."""
        index = self._layout.columns.get(field)
        return "" if index is None or index >= len(self._cells) else self._cells[index].strip()

    def fail(self, field: str, template: str, /, **params: object) -> None:
        """Note that a cell cannot be used."""
        self._note(field, Reason(template, **params))

    def _note(self, field: str, reason: Reason) -> None:
        self.errors.append(RowError(self.line, self._layout.name_of(field), reason))

    def read(self, field: str, reader: Callable[[str], T], blank: T) -> T:
        """Return a cell's value; ``blank`` when it is empty or, after noting why, unusable."""
        text = self.text(field)
        if not text:
            return blank
        try:
            return reader(cell.read_text(text, max_length=None))
        except cell.BadCell as error:
            self._note(field, error.reason)
            return blank

    def read_handle(self) -> str | None:
        """Return the handle, or None after noting why there is none."""
        try:
            return cell.read_handle(self.text("handle"))
        except cell.BadCell as error:
            self._note("handle", error.reason)
            return None

    def check_width(self) -> None:
        """Refuse a row with more cells than columns: an unquoted comma has shifted its values."""
        width = self._layout.width
        if any(text.strip() for text in self._cells[width:]):
            reason = Reason(
                "{count} cells where the header has {width} columns",
                count=len(self._cells),
                width=width,
            )
            self.errors.append(RowError(self.line, "", reason))

    @property
    def says_variant(self) -> bool:
        """Whether the row describes a variant."""
        return any(self.text(field) for field in SAYS_VARIANT)


class ProductRows:
    """Collects the rows of one product: ``start``, any number of ``add``, ``finish``."""

    def __init__(self, handle: str, line: int, currency: str, layout: Layout) -> None:
        self.handle = handle
        self.has_failed_rows = False
        self._line = line
        self._currency = currency
        self._layout = layout
        self._is_readable = True
        self._title = ""
        self._tags: tuple[str, ...] = ()
        self._options: dict[int, str] = {}
        self._variants: list[VariantDraft] = []
        self._variant_rows = 0
        self._line_of_values: dict[tuple[str, ...], int] = {}
        self._line_of_sku: dict[str, int] = {}
        self._images: list[tuple[int, ImageDraft]] = []

    def start(self, row: Row) -> Iterator[RowError]:
        """Take the product row."""
        row.check_width()
        self._title = row.read("title", cell.read_text, "")
        self._description_html = row.read("description_html", _read_description, "")
        self._vendor = row.read("vendor", cell.read_text, "")
        self._product_type = row.read("product_type", cell.read_text, "")
        self._tags = row.read("tags", cell.read_tags, self._tags)
        self._is_published = row.read("published", cell.read_flag, True) & (
            row.read("status", _read_status, "active") == "active"
        )
        self._seo_title = row.read("seo_title", cell.read_text, "")
        self._seo_description = row.read("seo_description", _read_long_text, "")
        self._read_options(row)
        self._is_readable = not row.errors
        yield from self._take(row)

    def add(self, row: Row) -> Iterator[RowError]:
        """Take one more row."""
        row.check_width()
        title = row.text("title")
        if title and title != self._title and self._title:
            row.fail("title", "the product row on line {line} has another title", line=self._line)
        for number in OPTION_NUMBERS:
            field = f"option{number}_name"
            name = row.text(field)
            known = self._options.get(number, "")
            if name and name != known and (known or name.casefold() != NO_OPTION_NAME):
                if known:
                    row.fail(
                        field,
                        "option {number} is called {name} on line {line}",
                        number=number,
                        name=repr(known),
                        line=self._line,
                    )
                else:
                    row.fail(
                        field,
                        "the product row on line {line} has no option {number}",
                        number=number,
                        line=self._line,
                    )
        if not row.says_variant and not row.text("image_url"):
            row.fail("price", "missing, and the row has no picture either")
        yield from self._take(row)

    def finish(self) -> Iterator[ProductDraft | SkippedProduct | RowError]:
        """Give the product, if there is one."""
        if self._is_readable and not self._variant_rows:
            column = self._layout.name_of("price")
            reason = Reason("missing: no row of the product is a variant")
            yield RowError(self._line, column, reason)
        if not self._is_readable or not self._variants:
            yield SkippedProduct(line=self._line, handle=self.handle)
            return
        yield ProductDraft(
            line=self._line,
            handle=self.handle,
            title=self._title,
            description_html=self._description_html,
            vendor=self._vendor,
            product_type=self._product_type,
            tags=self._tags,
            is_published=self._is_published,
            seo_title=self._seo_title,
            seo_description=self._seo_description,
            options=tuple(self._options.values()),
            variants=tuple(self._variants),
            images=self._all_images(),
            has_failed_rows=self.has_failed_rows,
        )

    def _take(self, row: Row) -> Iterator[RowError]:
        variant = self._read_variant(row) if row.says_variant else None
        image = self._read_image(row)
        if row.errors:
            self.has_failed_rows = True
            yield from row.errors
            return
        if variant is not None:
            self._variants.append(variant)
            self._line_of_values[variant.option_values] = row.line
            if variant.sku is not None:
                self._line_of_sku[variant.sku] = row.line
        if image is not None:
            self._images.append(image)

    def _read_options(self, row: Row) -> None:
        for number in OPTION_NUMBERS:
            field = f"option{number}_name"
            text = row.text(field)
            if not text:
                continue
            # A name that cannot be read keeps its place, so that the values below are still read.
            name = row.read(field, cell.read_text, "")
            if name and name in self._options.values():
                row.fail(field, "{name} is the name of two options", name=repr(name))
            self._options[number] = name
        values = {row.text(f"option{number}_value").casefold() for number in self._options}
        names = [name.casefold() for name in self._options.values()]
        if names == [NO_OPTION_NAME] and values <= {NO_OPTION_VALUE, ""}:
            self._options.clear()

    def _read_variant(self, row: Row) -> VariantDraft | None:
        self._variant_rows += 1
        if not row.text("price"):
            row.fail("price", "missing")
        price_minor = row.read("price", self._read_price, 0)
        draft = VariantDraft(
            line=row.line,
            position=self._variant_rows,
            sku=row.read("sku", cell.read_text, "") or None,
            option_values=self._read_option_values(row),
            price_minor=price_minor,
            # The format writes 0 where there is no former price.
            compare_at_minor=row.read("compare_at", self._read_price, 0) or None,
            barcode=row.read("barcode", cell.read_text, ""),
            weight_grams=row.read("grams", cell.read_grams, None),
            weight_unit=row.read("weight_unit", _read_weight_unit, ""),
            is_shippable=row.read("requires_shipping", cell.read_flag, True),
            is_taxable=row.read("taxable", cell.read_flag, True),
            stock_on_hand=row.read("quantity", cell.read_integer, None),
            image_url=row.read("variant_image", cell.read_url, None),
        )
        if row.errors:
            return None
        self._refuse_duplicates(row, draft)
        return draft

    def _read_price(self, text: str) -> int:
        return cell.read_price(text, self._currency)

    def _read_option_values(self, row: Row) -> tuple[str, ...]:
        values = []
        for number in OPTION_NUMBERS:
            field = f"option{number}_value"
            text = row.text(field)
            if number in self._options:
                if not text:
                    name = repr(self._options[number])
                    row.fail(field, "missing for option {name}", name=name)
                values.append(row.read(field, cell.read_text, ""))
            elif text and not (not self._options and text.casefold() == NO_OPTION_VALUE):
                row.fail(
                    field,
                    "the product row on line {line} names no option {number}",
                    number=number,
                    line=self._line,
                )
        size = len("".join(values).encode())
        if size > MAX_OPTION_VALUES_BYTES:
            row.fail(
                "option1_value",
                "{count} bytes of option values where at most {most} are allowed",
                count=size,
                most=MAX_OPTION_VALUES_BYTES,
            )
        return tuple(values)

    def _refuse_duplicates(self, row: Row, draft: VariantDraft) -> None:
        before = self._line_of_values.get(draft.option_values)
        if before is not None and draft.option_values:
            shown = repr(" / ".join(draft.option_values))
            row.fail("option1_value", "{cell} is already on line {line}", cell=shown, line=before)
        elif before is not None:
            row.fail(
                "option1_value",
                "a product without options has one variant, and it is on line {line}",
                line=before,
            )
        if draft.sku is not None and (line := self._line_of_sku.get(draft.sku)) is not None:
            row.fail("sku", "{cell} is already on line {line}", cell=repr(draft.sku), line=line)

    def _read_image(self, row: Row) -> tuple[int, ImageDraft] | None:
        url = row.read("image_url", cell.read_url, None)
        alt = row.read("image_alt", _read_alt, "")
        position = row.read("image_position", _read_position, len(self._images) + 1)
        return None if url is None else (position, ImageDraft(url=url, alt=alt))

    def _all_images(self) -> tuple[ImageDraft, ...]:
        """Order the pictures by position, then by row; variant pictures not among them follow."""
        images: dict[str, ImageDraft] = {}
        for _, image in sorted(self._images, key=lambda pair: pair[0]):
            images.setdefault(image.url, image)
        for variant in self._variants:
            if variant.image_url is not None:
                images.setdefault(variant.image_url, ImageDraft(url=variant.image_url, alt=None))
        return tuple(images.values())


def _read_long_text(text: str) -> str:
    return cell.read_text(text, max_length=MAX_DESCRIPTION_LENGTH)


def _read_description(text: str) -> str:
    return sanitise_html(_read_long_text(text))


def _read_alt(text: str) -> str:
    return cell.read_text(text, max_length=MAX_ALT_LENGTH)


def _read_status(text: str) -> str:
    return cell.read_choice(text, cell.STATUSES)


def _read_weight_unit(text: str) -> str:
    return cell.read_choice(text, cell.WEIGHT_UNITS)


def _read_position(text: str) -> int:
    return cell.read_integer(text, minimum=1)
