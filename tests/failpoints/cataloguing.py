"""Changing products, and dying at it."""

import contextlib
from uuid import UUID

from headless_presale.catalog import (
    CreateProduct,
    Product,
    UpdateProduct,
    create_product,
    delete_product,
    update_product,
)
from headless_presale.catalog.errors import ProductNotFound
from headless_presale.catalog.models import ProductVariant
from headless_presale.catalog.option_plan import OptionChange
from headless_presale.kernel.errors import VersionConflict
from tests.failpoints.world import Scenario, World

Named = tuple[UUID, UUID]
"""A shop and one of its products."""


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


SCENARIOS = [
    Scenario("changing a product", _a_product, _change, _is_changed_once),
    Scenario("deleting a product", _a_product, _delete, _is_deleted_once),
]
