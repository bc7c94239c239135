"""A product that somebody changes: locked, compared with what was read, written, recorded.

``Product.version`` covers the product with its options, variants and media, so one lock and one
comparison serve for a change of any of them.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from headless_presale.catalog.errors import (
    MediaExists,
    ProductHandleTaken,
    ProductMediaNotFound,
    ProductNotFound,
    SkuTaken,
    VariantExists,
    VariantInUse,
    VariantNotFound,
)
from headless_presale.catalog.events import ProductsChanged
from headless_presale.catalog.models import Product
from headless_presale.catalog.product_plan import ProductPlan, StoredProduct, StoredRow
from headless_presale.catalog.product_rows import lock_products, write_plans
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.ids import global_id
from headless_presale.kernel.unit_of_work import UnitOfWork, unit_of_work
from headless_presale.kernel.versions import check_version

Values = Mapping[str, Any]


@dataclass(slots=True)
class ProductEdit:
    """A locked product and what is to become of it.

    Attributes:
        stored: the product as it is.
        plan: what ``save`` writes.
    """

    work: UnitOfWork
    stored: StoredProduct
    plan: ProductPlan
    now: datetime

    @property
    def shop_id(self) -> UUID:
        shop_id: UUID = self.stored.values["shop_id"]
        return shop_id

    def check(self, version: int, *, yours: Values, stored: Values) -> None:
        """Go on only if nobody has changed the product since it was read.

        Raises:
            VersionConflict: with both values of every field that would change.
        """
        check_version(
            expected=version,
            current=self.stored.values["version"],
            yours=yours,
            stored=stored,
        )

    def variant(self, variant_id: UUID) -> StoredRow:
        """Return one of the variants.

        Raises:
            VariantNotFound: the product has no such variant.
        """
        for row in self.stored.variants:
            if row.id == variant_id:
                return row
        raise VariantNotFound(field=("variantId",))

    def medium(self, media_id: UUID, field: tuple[str, ...]) -> StoredRow:
        """Return one of the pictures.

        Raises:
            ProductMediaNotFound: the product has no such picture.
        """
        for row in self.stored.media.values():
            if row.id == media_id:
                return row
        raise ProductMediaNotFound(field=field)

    async def save(
        self,
        action: str,
        *,
        before: Values,
        after: Values,
        subject: tuple[str, UUID, str] | None = None,
    ) -> Product:
        """Write the plan, raise the version, record the change; what is equal changes nothing.

        Args:
            subject: type, id and label of what was changed, where that is not the product.

        Raises:
            ProductHandleTaken, VariantInUse: as the database knows it.
        """
        if self.plan.is_change:
            self.plan.raise_version(self.stored, self.now)
            await write_checked(self.work, [self.plan])
            await record_product_change(
                self.work, self.stored, action, before=before, after=after, subject=subject
            )
            self.work.emit(ProductsChanged(shop_id=self.shop_id, product_ids=(self.stored.id,)))
        return await Product.get(id=self.stored.id)


@asynccontextmanager
async def product_edit(
    shop_ids: Collection[UUID], product_id: UUID, *, field: tuple[str, ...] = ("productId",)
) -> AsyncIterator[ProductEdit]:
    """Open a transaction in which a product of these shops may be changed by nobody else.

    Raises:
        ProductNotFound: none of the shops has it.
    """
    async with unit_of_work() as work:
        yield await begin_edit(work, shop_ids, product_id, field=field)


async def begin_edit(
    work: UnitOfWork,
    shop_ids: Collection[UUID],
    product_id: UUID,
    *,
    field: tuple[str, ...] = ("productId",),
) -> ProductEdit:
    """Lock a product, in a transaction that is open."""
    stored = (await lock_products(work, shop_ids, [product_id])).get(product_id)
    if stored is None:
        raise ProductNotFound(field=field, product=global_id("Product", product_id))
    plan = ProductPlan(product_id=stored.id, is_new=False)
    return ProductEdit(work, stored, plan, clock.now())


async def product_of(
    work: UnitOfWork, kind: str, row_id: UUID, shop_ids: Collection[UUID]
) -> UUID | None:
    """Return the product that a row of ``product_variant`` or ``product_media`` is part of.

    None where it is of no product of these shops.
    """
    found = await work.fetchrow(
        f"SELECT p.id FROM {kind} c JOIN product p ON p.id = c.product_id "
        "WHERE c.id = $1 AND p.shop_id = ANY($2::uuid[])",
        row_id,
        list(shop_ids),
    )
    return None if found is None else found["id"]


async def save_all(
    work: UnitOfWork,
    shop_id: UUID,
    locked: Mapping[UUID, StoredProduct],
    plans: Iterable[ProductPlan],
    now: datetime,
) -> dict[UUID, Product]:
    """Write plans for many products of a shop; return all that were locked for it, by id.

    A plan that changes nothing raises no version. What is changed is recorded by whoever plans it.

    Raises:
        As :func:`write_checked`.
    """
    changed = [plan for plan in plans if plan.is_change]
    for plan in changed:
        plan.raise_version(locked[plan.product_id], now)
    await write_checked(work, changed)
    if changed:
        ids = tuple(plan.product_id for plan in changed)
        work.emit(ProductsChanged(shop_id=shop_id, product_ids=ids))
    return {product.id: product for product in await Product.filter(id__in=list(locked))}


async def write_checked(work: UnitOfWork, plans: list[ProductPlan]) -> None:
    """Write plans; what the database refuses is said in our words.

    Raises:
        ProductHandleTaken, SkuTaken, VariantExists, MediaExists: as the other one was faster.
        VariantInUse: a campaign has it.
    """
    try:
        await write_plans(work, plans)
    except asyncpg.UniqueViolationError as error:
        patches = [row for plan in plans for row in plan.products.inserts]
        patches += [patch for plan in plans for _, patch in plan.products.updates]
        handle = next((row["handle"] for row in patches if "handle" in row), "")
        match error.table_name:
            case "product":
                raise ProductHandleTaken(field=("handle",), handle=handle) from None
            case "product_variant" if error.constraint_name == "product_variant_sku_unique":
                raise SkuTaken(field=("sku",), sku="") from None
            case "product_variant":
                raise VariantExists(field=("optionValues",), values="") from None
            case "product_media":
                raise MediaExists(field=("media",), url="") from None
        raise
    except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError) as error:
        if not any(plan.stale_variants for plan in plans):
            raise
        raise VariantInUse() from error


async def record_product_change(
    work: UnitOfWork,
    stored: StoredProduct,
    action: str,
    *,
    before: Values,
    after: Values,
    subject: tuple[str, UUID, str] | None = None,
) -> None:
    """Write a change of a product, or of a part of it, into its shop's log."""
    kind, subject_id, label = subject or ("Product", stored.id, stored.values["handle"])
    await record_change(
        work,
        action=action,
        owner_id=stored.values["shop_id"],
        subject_type=kind,
        subject_id=subject_id,
        subject_label=label,
        before=before,
        after=after,
    )
