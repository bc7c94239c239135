"""What a merchant does with products: make one, change it, delete it, change many."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from headless_presale.catalog.editing import (
    product_edit,
    record_product_change,
    save_all,
    write_checked,
)
from headless_presale.catalog.errors import ProductInUse, ProductNotFound
from headless_presale.catalog.events import ProductsChanged
from headless_presale.catalog.inputs import (
    PRODUCT_READERS,
    at_field,
    check_count,
    read_fields,
    read_tags,
)
from headless_presale.catalog.models import Product
from headless_presale.catalog.option_plan import OptionChange, plan_new_options, plan_options
from headless_presale.catalog.product_media import NewMedia, keep_assets, plan_new_media
from headless_presale.catalog.product_plan import PRODUCT_FIELDS, ProductPlan, StoredProduct
from headless_presale.catalog.product_rows import lock_catalog, lock_products
from headless_presale.catalog.rules import MAX_TAGS, handle_of
from headless_presale.catalog.variants import currency_of, plan_new_variants
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import global_id, new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.versions import check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    """A product to make, with its variants.

    Attributes:
        fields: by the name of ``PRODUCT_READERS``; ``title`` has to be there. Without a
            ``handle`` it is made of the title.
        options: names, in order; at most three.
        variants: each by the names of ``VARIANT_READERS``, with ``option_values``; at least one.
    """

    shop_id: UUID
    fields: Mapping[str, Any]
    options: Sequence[str] = ()
    variants: Sequence[Mapping[str, Any]] = ()
    media: Sequence[NewMedia] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProduct:
    """What to change of a product.

    Attributes:
        changes: by the name of ``PRODUCT_READERS``; what is not named stays.
        options: the options as they are to be; None leaves them.
        version: the version that was read.
    """

    shop_ids: Collection[UUID]
    product_id: UUID
    version: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    options: Sequence[OptionChange] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProducts:
    """One change for many products of a shop: all of them, or none.

    Attributes:
        products: each with the version that was read.
        is_published: None leaves it.
    """

    shop_id: UUID
    products: Sequence[tuple[UUID, int]]
    is_published: bool | None = None
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()


@shielded
async def create_product(command: CreateProduct) -> Product:
    """Make a product. A repetition is told that the handle is taken.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
        ProductHandleTaken, SkuTaken, VariantExists: it would not be the only one.
    """
    texts = read_fields({"title": None, **command.fields}, PRODUCT_READERS, but=("handle",))
    handle = command.fields.get("handle") or handle_of(texts["title"])
    texts["handle"] = PRODUCT_READERS["handle"](handle, ("handle",))
    now = clock.now()
    plan = ProductPlan(product_id=new_id(), is_new=True)
    row = {**_UNSAID, **texts, "id": plan.product_id, "shop_id": command.shop_id, "version": 1}
    plan.products.inserts.append({**row, "translations": {}, "created_at": now, "updated_at": now})
    plan_new_options(plan, command.options)
    plan_new_media(plan, command.media, [])
    stored = StoredProduct(id=plan.product_id, values=row)
    async with unit_of_work() as work:
        currency = await currency_of(work, command.shop_id)
        await keep_assets(work, command.shop_id, command.media)
        plan_new_variants(
            plan, stored, command.variants, currency=currency, count=len(command.options), now=now
        )
        await write_checked(work, [plan])
        after = {
            **texts,
            "options": list(command.options),
            "variants": [variant["sku"] for variant in plan.variants.inserts],
        }
        await record_product_change(work, stored, "product.create", before={}, after=after)
        work.emit(ProductsChanged(shop_id=command.shop_id, product_ids=(plan.product_id,)))
        return await Product.get(id=plan.product_id)


_UNSAID: Mapping[str, Any] = {
    "description_html": "",
    "vendor": "",
    "product_type": "",
    "tags": [],
    "is_published": True,
    "seo_title": "",
    "seo_description": "",
}


@shielded
async def update_product(command: UpdateProduct) -> Product:
    """Change a product's texts, tags, options or whether it is shown; what is equal stays.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        InvalidInput: a field cannot be used; ``field`` names it.
        ProductHandleTaken: another product has the handle.
        ProductOptionNotFound, VariantExists: see ``plan_options``.
    """
    wanted = read_fields(command.changes, PRODUCT_READERS)
    async with product_edit(command.shop_ids, command.product_id) as edit:
        stored = edit.stored
        before = {name: stored.values[name] for name in wanted}
        after = dict(wanted)
        if command.options is not None:
            before["options"] = [row.values["name"] for row in stored.options.values()]
            after["options"] = [option.name.strip() for option in command.options]
        edit.check(command.version, yours=after, stored=before)
        edit.plan.products.patch(stored, wanted)
        if command.options is not None:
            plan_options(edit.plan, stored, command.options, edit.now)
        return await edit.save("product.update", before=before, after=after)


@shielded
async def delete_product(shop_ids: Collection[UUID], product_id: UUID, *, version: int) -> None:
    """Delete a product that no campaign has ever presold.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        ProductInUse: a campaign has it; do not publish it instead.
    """
    async with product_edit(shop_ids, product_id) as edit:
        edit.check(version, yours={}, stored={})
        stored = edit.stored
        try:
            await edit.work.execute("DELETE FROM product WHERE id = $1", stored.id)
            reach("catalog.product_deleted")
        except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError):
            # The campaigns' own foreign key says so: also of one that is made in this moment.
            raise ProductInUse(field=("productId",), product=str(stored.values["title"])) from None
        before = {name: stored.values[name] for name in ("handle", *PRODUCT_FIELDS)}
        before["variants"] = [row.values["sku"] for row in stored.variants]
        await record_product_change(edit.work, stored, "product.delete", before=before, after={})
        edit.work.emit(ProductsChanged(shop_id=edit.shop_id, product_ids=(stored.id,)))


@shielded
async def update_products(command: UpdateProducts) -> list[Product]:
    """Publish, hide or tag many products; in the order in which they were named.

    Raises:
        InvalidInput: too many, one twice, or a tag that cannot be used.
        ProductNotFound, VersionConflict: the first one for which it is so; ``field`` names it.
    """
    add = read_tags(command.add_tags, ("addTags",))
    remove = set(read_tags(command.remove_tags, ("removeTags",)))
    ids = [product_id for product_id, _ in command.products]
    check_count(ids, ("products",))
    async with unit_of_work() as work:
        await lock_catalog(work, command.shop_id)
        found = await lock_products(work, [command.shop_id], ids)
        plans = []
        for number, (product_id, version) in enumerate(command.products):
            at = ("products", str(number))
            stored = found.get(product_id)
            if stored is None:
                product = global_id("Product", product_id)
                raise ProductNotFound(field=(*at, "productId"), product=product)
            tags = [tag for tag in stored.values["tags"] if tag not in remove]
            tags += [tag for tag in add if tag not in tags]
            if len(tags) > MAX_TAGS:
                raise InvalidInput(reason="at most {most} tags", most=MAX_TAGS, field=at)
            wanted: dict[str, Any] = {"tags": tags}
            if command.is_published is not None:
                wanted["is_published"] = command.is_published
            before = {name: stored.values[name] for name in wanted}
            with at_field((*at, "version")):
                check_version(
                    expected=version,
                    current=stored.values["version"],
                    yours=wanted,
                    stored=before,
                )
            plan = ProductPlan(product_id=product_id, is_new=False)
            plan.products.patch(stored, wanted)
            plans.append(plan)
            if plan.is_change:
                await record_product_change(
                    work, stored, "product.update", before=before, after=wanted
                )
        products = await save_all(work, command.shop_id, found, plans, clock.now())
    return [products[product_id] for product_id in ids]
