"""What is to be written of a product: its rows as they are, and the changes of each table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from headless_presale.kernel.ids import new_id

PRODUCT_FIELDS = (
    "title",
    "description_html",
    "vendor",
    "product_type",
    "tags",
    "is_published",
    "seo_title",
    "seo_description",
)
VARIANT_FIELDS = (
    "position",
    "sku",
    "option_values",
    "price_minor",
    "compare_at_minor",
    "currency",
    "barcode",
    "weight_grams",
    "weight_unit",
    "is_shippable",
    "is_taxable",
    "stock_on_hand",
    "media_id",
)
MEDIA_FIELDS = ("alt", "position")
OPTION_FIELDS = ("position", "name", "translations")
TEXT_FIELDS = ("handle", *PRODUCT_FIELDS, "translations", "version")
"""All of a product's own row that changes; an import leaves handle and translations alone."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is: its key within the product and its fields."""

    id: UUID
    values: Values


@dataclass(slots=True)
class StoredProduct:
    """A product as it is. Options by position, media by address."""

    id: UUID
    values: Values
    options: dict[int, StoredRow] = field(default_factory=dict)
    variants: list[StoredRow] = field(default_factory=list)
    media: dict[str, StoredRow] = field(default_factory=dict)


@dataclass(slots=True)
class TableChanges:
    """Rows to insert whole, and rows to change: an id with only the fields that differ."""

    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[tuple[UUID, dict[str, Any]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates)

    def patch(self, stored: StoredRow | StoredProduct, wanted: Values, **stamp: object) -> None:
        """Plan an update of the fields that differ, if any does."""
        changed = {name: value for name, value in wanted.items() if stored.values[name] != value}
        if changed:
            self.updates.append((stored.id, {**changed, **stamp}))


@dataclass(slots=True, kw_only=True)
class ProductPlan:
    """Everything to write for one product.

    Attributes:
        parked_options, parked_variants: rows that must let go of their position or their option
            values before others can take them.
        stale_options, stale_variants, stale_media: rows to delete.
    """

    product_id: UUID
    is_new: bool
    products: TableChanges = field(default_factory=TableChanges)
    options: TableChanges = field(default_factory=TableChanges)
    media: TableChanges = field(default_factory=TableChanges)
    variants: TableChanges = field(default_factory=TableChanges)
    stale_options: list[UUID] = field(default_factory=list)
    stale_variants: list[UUID] = field(default_factory=list)
    stale_media: list[UUID] = field(default_factory=list)
    parked_options: list[UUID] = field(default_factory=list)
    parked_variants: list[UUID] = field(default_factory=list)

    def add_option(self, position: int, name: str) -> None:
        """Plan a new option, in the shop's own language."""
        self.options.inserts.append(
            {
                "id": new_id(),
                "product_id": self.product_id,
                "position": position,
                "name": name,
                "translations": {},
            }
        )

    @property
    def is_change(self) -> bool:
        """Whether there is anything to write."""
        return any(self._parts())

    def _parts(self) -> Iterator[object]:
        yield from (self.products, self.options, self.media, self.variants)
        yield from (self.stale_options, self.stale_variants, self.stale_media)

    def raise_version(self, stored: StoredProduct, now: datetime) -> None:
        """Let a change of anything in a product that is stored be a change of the product."""
        if self.is_new or not self.is_change:
            return
        stamp = {"version": stored.values["version"] + 1, "updated_at": now}
        if self.products.updates:
            ((_, patch),) = self.products.updates
            patch.update(stamp)
        else:
            self.products.updates.append((stored.id, stamp))
