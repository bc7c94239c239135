"""What a product file says, read and checked, before it meets the database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class RowError:
    """Why a row could not be used.

    Attributes:
        line: physical line of the file the row starts on, counted from 1; the header is line 1,
            and a quoted cell with line breaks makes a row several lines long.
        column: the column's name as the file spells it; empty when the whole row is at fault.
        reason: what is wrong, in one English clause; see ``Reason``.
    """

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDraft:
    """One variant row. ``option_values`` follow the product's options; none means the default.

    ``position`` counts the product's variant rows from 1, those that failed included.
    """

    line: int
    position: int
    sku: str | None
    option_values: tuple[str, ...]
    price_minor: int
    compare_at_minor: int | None
    barcode: str
    weight_grams: int | None
    weight_unit: str
    is_shippable: bool
    is_taxable: bool
    stock_on_hand: int | None
    image_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDraft:
    """One picture; their order in the draft is their order on the page.

    ``alt`` is None where only a variant names the picture, which says nothing of its text.
    """

    url: str
    alt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """One product with everything its rows say. ``description_html`` is sanitised.

    ``has_failed_rows`` tells that some of its rows could not be used, so that what is not here
    may still be in the file.
    """

    line: int
    handle: str
    title: str
    description_html: str
    vendor: str
    product_type: str
    tags: tuple[str, ...]
    is_published: bool
    seo_title: str
    seo_description: str
    options: tuple[str, ...]
    variants: tuple[VariantDraft, ...]
    images: tuple[ImageDraft, ...]
    has_failed_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedProduct:
    """A product whose own row, or every variant row, could not be used; its errors precede it."""

    line: int
    handle: str
