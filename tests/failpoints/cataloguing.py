"""Changing and importing products, and dying at it."""

import contextlib
from uuid import UUID

from headless_presale.catalog import (
    CreateProduct,
    ImportStatus,
    Product,
    ProductImport,
    StartImport,
    UpdateProduct,
    cancel_import,
    create_product,
    delete_product,
    start_import,
    update_product,
)
from headless_presale.catalog.errors import ProductNotFound
from headless_presale.catalog.import_job import run_import
from headless_presale.catalog.models import ProductVariant
from headless_presale.catalog.option_plan import OptionChange
from headless_presale.kernel.errors import VersionConflict
from tests.failpoints.world import Scenario, World
from tests.support.product_files import products_csv, put_file

Named = tuple[UUID, UUID]
"""A shop and what it has: a product, a file, an import."""


async def _a_product(world: World) -> Named:
    product = await create_product(
        CreateProduct(
            shop_id=world.sale.shop.id,
            fields={"title": "Cup"},
            options=["Size"],
            variants=[{"price_minor": 1, "option_values": ["S"]}],
        )
    )
    return product.shop_id, product.id


async def _change(named: Named) -> None:
    shop_id, product_id = named
    command = UpdateProduct(
        shop_ids=[shop_id],
        product_id=product_id,
        version=1,
        changes={"title": "Mug"},
        options=[OptionChange(name="Lid", value="None")],
    )
    # Whoever has no answer and asks again reads the product first.
    with contextlib.suppress(VersionConflict):
        await update_product(command)


async def _is_changed_once(world: World, named: Named) -> None:
    product = await Product.get(id=named[1])
    assert (product.title, product.version) == ("Mug", 2)
    assert (await ProductVariant.get(product_id=product.id)).option_values == ["None"]
    count = "SELECT count(*) FROM audit_entry WHERE action = 'product.update'"
    assert await world.count(count) == 1


async def _delete(named: Named) -> None:
    with contextlib.suppress(ProductNotFound):
        await delete_product([named[0]], named[1], version=1)


async def _is_deleted_once(world: World, named: Named) -> None:
    assert await world.count("SELECT count(*) FROM product WHERE id = $1", named[1]) == 0
    count = "SELECT count(*) FROM audit_entry WHERE action = 'product.delete'"
    assert await world.count(count) == 1


# Imports


async def _a_file_to_upload(world: World) -> UUID:
    return world.sale.shop.id


async def _upload(shop_id: UUID) -> object:
    return await put_file(shop_id, products_csv(2))


async def _is_uploaded_once(world: World, shop_id: UUID) -> None:
    assert await world.count("SELECT count(*) FROM product_file WHERE shop_id = $1", shop_id) == 1
    assert await world.count("SELECT count(*) FROM product_file_piece") == 1


async def _an_uploaded_file(world: World) -> Named:
    return world.sale.shop.id, (await put_file(world.sale.shop.id, products_csv(2))).id


async def _start(named: Named) -> object:
    shop_id, file_id = named
    return await start_import(StartImport(shop_id=shop_id, file_id=file_id, requested_by="lin"))


async def _is_asked_for_once(world: World, _: Named) -> None:
    assert await world.count("SELECT count(*) FROM product_import WHERE status = 'QUEUED'") == 1
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'catalog:import_products'"
    assert await world.count(jobs) == 1


async def _an_import(world: World, *, is_atomic: bool = False) -> Named:
    shop_id, file_id = await _an_uploaded_file(world)
    command = StartImport(shop_id=shop_id, file_id=file_id, requested_by="lin", is_atomic=is_atomic)
    return shop_id, (await start_import(command)).id


async def _an_atomic_import(world: World) -> Named:
    return await _an_import(world, is_atomic=True)


async def _import(named: Named) -> None:
    await run_import(named[1])


async def _is_imported_once(world: World, named: Named) -> None:
    assert (await ProductImport.get(id=named[1])).status is ImportStatus.SUCCEEDED
    products = "SELECT count(*) FROM product WHERE handle IN ('p0', 'p1') AND version = 1"
    assert await world.count(products) == 2


async def _cancel(named: Named) -> object:
    return await cancel_import([named[0]], named[1])


async def _is_cancelled_once(world: World, named: Named) -> None:
    await run_import(named[1])
    assert await world.count("SELECT count(*) FROM product WHERE handle = 'p0'") == 0
    count = "SELECT count(*) FROM audit_entry WHERE action = 'product_import.cancel'"
    assert await world.count(count) == 1


SCENARIOS = [
    Scenario("uploading a product file", _a_file_to_upload, _upload, _is_uploaded_once),
    Scenario("asking for an import", _an_uploaded_file, _start, _is_asked_for_once),
    Scenario("importing", _an_import, _import, _is_imported_once),
    Scenario("importing all or nothing", _an_atomic_import, _import, _is_imported_once),
    Scenario("cancelling an import", _an_import, _cancel, _is_cancelled_once),
    Scenario("changing a product", _a_product, _change, _is_changed_once),
    Scenario("deleting a product", _a_product, _delete, _is_deleted_once),
]
