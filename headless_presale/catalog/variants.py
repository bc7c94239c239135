"""What a merchant does with variants: make, change, delete; and prices, one and many."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from headless_presale.catalog.editing import (
    begin_edit,
    product_edit,
    product_of,
    record_product_change,
    save_all,
)
from headless_presale.catalog.errors import LastVariant, SkuTaken, VariantExists, VariantNotFound
from headless_presale.catalog.inputs import (
    VARIANT_READERS,
    Field,
    at_field,
    check_count,
    read_fields,
    read_option_values,
)
from headless_presale.catalog.models import Product, ProductVariant
from headless_presale.catalog.product_plan import ProductPlan, StoredProduct
from headless_presale.catalog.product_rows import lock_catalog, lock_products
from headless_presale.catalog.rules import MAX_VARIANTS
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput, NotFound
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version

NOT_PLAIN = ("option_values", "media_id")
"""What the product has to be known for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVariant:
    """A variant to add; ``fields`` by the names of ``VARIANT_READERS`` and ``NOT_PLAIN``."""

    shop_ids: Collection[UUID]
    product_id: UUID
    version: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVariant:
    """What to change of a variant; what ``changes`` does not name stays.

    ``version`` is the product's: it covers its variants.
    """

    shop_ids: Collection[UUID]
    variant_id: UUID
    version: int
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantPrice:
    """A price to set, in minor units of the shop's currency.

    Attributes:
        changes: ``price_minor``, ``compare_at_minor``; what is not named stays.
        version: of the product, as it was read.
    """

    variant_id: UUID
    version: int
    changes: Mapping[str, int | None]


@shielded
async def create_variant(command: CreateVariant) -> tuple[Product, ProductVariant]:
    """Add a variant behind the others.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        InvalidInput, ProductMediaNotFound: a field cannot be used; ``field`` names it.
        SkuTaken, VariantExists: it would not be the only one.
    """
    async with product_edit(command.shop_ids, command.product_id) as edit:
        edit.check(command.version, yours={}, stored={})
        stored = edit.stored
        if (media_id := command.fields.get("media_id")) is not None:
            edit.medium(media_id, ("mediaId",))
        plan_new_variants(
            edit.plan,
            stored,
            [command.fields],
            currency=await currency_of(edit.work, edit.shop_id),
            count=len(stored.options),
            now=edit.now,
            at=None,
        )
        (row,) = edit.plan.variants.inserts
        product = await edit.save(
            "variant.create",
            before={},
            after=_told(row),
            subject=("ProductVariant", row["id"], _label(row)),
        )
        return product, await ProductVariant.get(id=row["id"])


@shielded
async def update_variant(command: UpdateVariant) -> tuple[Product, ProductVariant]:
    """Change a variant. Campaigns and orders keep their own prices.

    Raises:
        VariantNotFound, VersionConflict: not there, or its product is not as it was read.
        InvalidInput, ProductMediaNotFound, SkuTaken, VariantExists: see :func:`create_variant`.
    """
    wanted = read_fields(command.changes, VARIANT_READERS, but=NOT_PLAIN)
    async with unit_of_work() as work:
        product_id = await _product_of(work, command.variant_id, command.shop_ids)
        edit = await begin_edit(work, command.shop_ids, product_id)
        row = edit.variant(command.variant_id)
        wanted |= {name: command.changes[name] for name in NOT_PLAIN if name in command.changes}
        before = {name: row.values[name] for name in wanted}
        edit.check(command.version, yours=wanted, stored=before)
        if "option_values" in wanted:
            wanted["option_values"] = read_option_values(
                wanted["option_values"], len(edit.stored.options), ("optionValues",)
            )
        if wanted.get("media_id") is not None:
            edit.medium(wanted["media_id"], ("mediaId",))
        others = [other.values for other in edit.stored.variants if other.id != row.id]
        _refuse_twins({**row.values, **wanted}, others, ())
        edit.plan.variants.patch(row, wanted, updated_at=edit.now)
        product = await edit.save(
            "variant.update",
            before=before,
            after=wanted,
            subject=("ProductVariant", row.id, _label({**row.values, **wanted})),
        )
        return product, await ProductVariant.get(id=row.id)


@shielded
async def delete_variant(shop_ids: Collection[UUID], variant_id: UUID, *, version: int) -> Product:
    """Delete a variant that no campaign has ever presold.

    Raises:
        VariantNotFound, VersionConflict: not there, or its product is not as it was read.
        LastVariant: the product has no other.
        VariantInUse: a campaign has it.
    """
    async with unit_of_work() as work:
        edit = await begin_edit(work, shop_ids, await _product_of(work, variant_id, shop_ids))
        row = edit.variant(variant_id)
        edit.check(version, yours={}, stored={})
        if len(edit.stored.variants) == 1:
            raise LastVariant(field=("variantId",))
        edit.plan.stale_variants.append(row.id)
        return await edit.save(
            "variant.delete",
            before=_told(row.values),
            after={},
            subject=("ProductVariant", row.id, _label(row.values)),
        )


@shielded
async def set_prices(shop_id: UUID, prices: Sequence[VariantPrice]) -> list[Product]:
    """Set the prices of many variants of a shop: all of them, or none.

    Campaigns and orders keep their own prices.

    Returns:
        The variants' products, each once.

    Raises:
        InvalidInput: too many, one twice, or a price that cannot be used.
        VariantNotFound, VersionConflict: the first one for which it is so; ``field`` names it.
    """
    check_count([price.variant_id for price in prices], ("prices",))
    wanted = [
        read_fields(price.changes, VARIANT_READERS, ("prices", str(number)))
        for number, price in enumerate(prices)
    ]
    async with unit_of_work() as work:
        await lock_catalog(work, shop_id)
        found = await lock_products(work, [shop_id], await _products_of(work, prices))
        owners = {row.id: (stored, row) for stored in found.values() for row in stored.variants}
        plans = {id_: ProductPlan(product_id=id_, is_new=False) for id_ in found}
        now = clock.now()
        for number, (price, changes) in enumerate(zip(prices, wanted, strict=True)):
            at = ("prices", str(number))
            if price.variant_id not in owners:
                raise VariantNotFound(field=(*at, "variantId"))
            stored, row = owners[price.variant_id]
            before = {name: row.values[name] for name in changes}
            with at_field((*at, "version")):
                check_version(
                    expected=price.version,
                    current=stored.values["version"],
                    yours=changes,
                    stored=before,
                )
            if before == changes:
                continue
            plans[stored.id].variants.patch(row, changes, updated_at=now)
            await record_product_change(
                work,
                stored,
                "variant.update",
                before=before,
                after=changes,
                subject=("ProductVariant", row.id, _label(row.values)),
            )
        products = await save_all(work, shop_id, found, plans.values(), now)
    named = dict.fromkeys(owners[price.variant_id][0].id for price in prices)
    return [products[product_id] for product_id in named]


async def _products_of(work: UnitOfWork, prices: Sequence[VariantPrice]) -> list[UUID]:
    rows = await work.fetch(
        "SELECT DISTINCT product_id FROM product_variant WHERE id = ANY($1::uuid[])",
        [price.variant_id for price in prices],
    )
    return [row["product_id"] for row in rows]


async def currency_of(work: UnitOfWork, shop_id: UUID) -> str:
    """Return what a shop prices in; it stays so until this transaction ends."""
    row = await work.fetchrow("SELECT currency FROM shop WHERE id = $1 FOR KEY SHARE", shop_id)
    if row is None:
        raise NotFound(what="the shop", field=("shopId",))
    currency: str = row["currency"]
    return currency


def plan_new_variants(
    plan: ProductPlan,
    stored: StoredProduct,
    drafts: Sequence[Mapping[str, Any]],
    *,
    currency: str,
    count: int,
    now: datetime,
    at: str | None = "variants",
) -> None:
    """Plan to add variants behind those that are stored.

    Args:
        count: how many options the product has.
        at: the input's list they come from; None where it is the input itself.

    Raises:
        InvalidInput: none or too many, or a field that cannot be used.
        SkuTaken, VariantExists: two would be alike.
    """
    where: Field = () if at is None else (at,)
    if not drafts:
        raise InvalidInput(reason="a product has at least one variant", field=where)
    if len(stored.variants) + len(drafts) > MAX_VARIANTS:
        raise InvalidInput(
            reason="a product has at most {most} variants", most=MAX_VARIANTS, field=where
        )
    known: list[Mapping[str, Any]] = [row.values for row in stored.variants]
    position = max((row["position"] for row in known), default=0)
    for number, draft in enumerate(drafts):
        field_ = () if at is None else (at, str(number))
        position += 1
        row = {
            **_UNSAID,
            **read_fields({"price_minor": None, **draft}, VARIANT_READERS, field_, but=NOT_PLAIN),
            "option_values": read_option_values(
                draft.get("option_values"), count, (*field_, "optionValues")
            ),
            "media_id": draft.get("media_id"),
            "position": position,
            "currency": currency,
            "id": new_id(),
            "product_id": plan.product_id,
            "created_at": now,
            "updated_at": now,
        }
        _refuse_twins(row, known, field_)
        known.append(row)
        plan.variants.inserts.append(row)


_UNSAID: Mapping[str, Any] = {
    "sku": None,
    "compare_at_minor": None,
    "barcode": "",
    "weight_grams": None,
    "weight_unit": "",
    "is_shippable": True,
    "is_taxable": True,
    "stock_on_hand": None,
}


def _refuse_twins(row: Mapping[str, Any], others: Sequence[Mapping[str, Any]], at: Field) -> None:
    for other in others:
        if row["sku"] is not None and row["sku"] == other["sku"]:
            raise SkuTaken(field=(*at, "sku"), sku=row["sku"])
        if list(row["option_values"]) == list(other["option_values"]):
            shown = " / ".join(row["option_values"]) or "-"
            raise VariantExists(field=(*at, "optionValues"), values=shown)


async def _product_of(work: UnitOfWork, variant_id: UUID, shop_ids: Collection[UUID]) -> UUID:
    found = await product_of(work, "product_variant", variant_id, shop_ids)
    if found is None:
        raise VariantNotFound(field=("variantId",))
    return found


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("option_values", *VARIANT_READERS)}


def _label(row: Mapping[str, Any]) -> str:
    return row["sku"] or " / ".join(row["option_values"])
