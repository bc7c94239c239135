"""What the catalogue tells the contexts above it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsChanged(Event):
    """Products, their variants, media or texts were created or changed: drop copies of them."""

    type: ClassVar[str] = "catalog.products_changed"

    shop_id: UUID
    product_ids: tuple[UUID, ...]

    @property
    def topic(self) -> str:
        return f"catalog:{self.shop_id}"
