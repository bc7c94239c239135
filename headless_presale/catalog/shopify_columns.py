"""The columns of Shopify's product CSV, in both spellings that are about.

Exports say ``Variant Price`` and ``Image Src``; the newer template says ``Price`` and ``Product
image URL``. Case and order do not count. Columns that are not named here are left alone: cost,
tax codes, ``Option1 Linked To``, ``Unit Price ...``, ``Price / <market>``, ``Included / <market>``,
Google Shopping and metafields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headless_presale.catalog.reasons import Reason

NAMES: Mapping[str, tuple[str, ...]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "description_html": ("Body (HTML)", "Description"),
    "vendor": ("Vendor",),
    "product_type": ("Type", "Custom Product Type"),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    "seo_title": ("SEO Title",),
    "seo_description": ("SEO Description",),
    "option1_name": ("Option1 Name",),
    "option1_value": ("Option1 Value",),
    "option2_name": ("Option2 Name",),
    "option2_value": ("Option2 Value",),
    "option3_name": ("Option3 Name",),
    "option3_value": ("Option3 Value",),
    "sku": ("Variant SKU", "SKU"),
    "price": ("Variant Price", "Price"),
    "compare_at": ("Variant Compare At Price", "Compare-at price"),
    "barcode": ("Variant Barcode", "Barcode"),
    "grams": ("Variant Grams", "Weight value (grams)"),
    "weight_unit": ("Variant Weight Unit", "Weight unit for display"),
    "requires_shipping": ("Variant Requires Shipping", "Requires shipping"),
    "taxable": ("Variant Taxable", "Charge tax"),
    "quantity": ("Variant Inventory Qty", "Inventory quantity"),
    "variant_image": ("Variant Image", "Variant image URL"),
    "image_url": ("Image Src", "Product image URL"),
    "image_position": ("Image Position",),
    "image_alt": ("Image Alt Text",),
}
"""Our name of a column -> what files call it; the first is what messages call it."""

REQUIRED = ("handle", "title", "price")
OPTION_NUMBERS = (1, 2, 3)

SAYS_VARIANT = (
    "option1_value",
    "option2_value",
    "option3_value",
    "sku",
    "price",
    "compare_at",
    "barcode",
    "grams",
    "quantity",
    "variant_image",
)
"""Any of these filled makes a row a variant row. Weight units, policies and tax flags do not:
spreadsheets fill them down over image rows too."""

STORED_AS: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "description_html": ("description_html",),
    "vendor": ("vendor",),
    "product_type": ("product_type",),
    "tags": ("tags",),
    "is_published": ("published", "status"),
    "seo_title": ("seo_title",),
    "seo_description": ("seo_description",),
    "options": ("option1_name",),
    "sku": ("sku",),
    "option_values": ("option1_name",),
    "price_minor": ("price",),
    "compare_at_minor": ("compare_at",),
    "barcode": ("barcode",),
    "weight_grams": ("grams",),
    "weight_unit": ("weight_unit",),
    "is_shippable": ("requires_shipping",),
    "is_taxable": ("taxable",),
    "stock_on_hand": ("quantity",),
    "media_id": ("variant_image",),
    "media_alt": ("image_alt",),
    "media_position": ("image_url",),
}
"""What of a stored product, variant or picture is decided by which columns. A file that has none
of them leaves it as it is."""

_FIELDS = {name.casefold(): field for field, names in NAMES.items() for name in names}


class BadHeader(ValueError):
    """The header row cannot be used; ``reason`` says why."""

    def __init__(self, template: str, /, **params: object) -> None:
        self.reason = Reason(template, **params)
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a file keeps what.

    Attributes:
        columns: our name -> index in the row.
        spelled: our name -> the file's own name.
        width: number of columns.
    """

    columns: Mapping[str, int]
    spelled: Mapping[str, str]
    width: int

    def name_of(self, field: str) -> str:
        """Return the column's name for a message; Shopify's own where the file has none."""
        return self.spelled.get(field, NAMES[field][0])

    @property
    def decided(self) -> frozenset[str]:
        """What this file decides of the stored products: the keys of ``STORED_AS``."""
        return frozenset(
            stored
            for stored, fields in STORED_AS.items()
            if any(field in self.columns for field in fields)
        )


def read_layout(header: Sequence[str]) -> Layout:
    """Find the columns in a header row.

    Raises:
        BadHeader: required columns are missing, or two say the same.
    """
    columns: dict[str, int] = {}
    spelled: dict[str, str] = {}
    for index, cell in enumerate(header):
        name = cell.strip()
        field = _FIELDS.get(name.casefold())
        if field is None:
            continue
        if field in columns:
            raise BadHeader(
                "columns {one} and {other} say the same",
                one=repr(spelled[field]),
                other=repr(name),
            )
        columns[field] = index
        spelled[field] = name
    if missing := [NAMES[field][0] for field in REQUIRED if field not in columns]:
        columns_missing = ", ".join(missing)
        if len(header) == 1 and (found := next((s for s in ";\t|" if s in header[0]), None)):
            raise BadHeader(
                "the header lacks the columns {columns}; columns must be separated by commas, not "
                "by {found}",
                columns=columns_missing,
                found=repr(found),
            )
        raise BadHeader("the header lacks the columns {columns}", columns=columns_missing)
    return Layout(columns=columns, spelled=spelled, width=len(header))
