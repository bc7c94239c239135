"""Carts: filled, claimed, ordered; an order and the emptied cart are there together, or neither."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from headless_presale.carts import (
    CartKey,
    accept_prices,
    claim_cart,
    create_cart,
    find_cart,
    find_cart_of,
    put_line,
    remove_line,
)
from headless_presale.checkout import PlaceOrder, place_order
from headless_presale.customers.models import Customer
from headless_presale.kernel import clock
from headless_presale.kernel.ids import customer_id_of
from tests.failpoints.world import Scenario, World
from tests.support.shop import order_for

EMAIL = "ann@example.com"


async def _customer(world: World) -> UUID:
    customer_id = customer_id_of(world.sale.shop.id, EMAIL)
    at = clock.now()
    await Customer.create(
        id=customer_id,
        shop_id=world.sale.shop.id,
        email=EMAIL,
        email_verified_at=at,
        locale="en",
        created_at=at,
    )
    return customer_id


@dataclass(frozen=True)
class _Shopping:
    """A customer who had a cart, and a guest's cart that is his as well."""

    shop_id: UUID
    customer_id: UUID
    guest: UUID
    items: tuple[UUID, UUID]


async def _shopping(world: World) -> _Shopping:
    customer_id = await _customer(world)
    shop = world.sale.shop
    guest = await create_cart(shop.id, shop.currency, customer_id=None)
    first, second = (item.id for item in world.sale.campaign.items)
    await put_line(CartKey(guest.id), first, 2, must_exist=False)
    # What he had before has ended.
    ended = await create_cart(shop.id, shop.currency, customer_id=customer_id)
    await world.admin.execute(
        "UPDATE cart SET expires_at = $2 WHERE id = $1", ended.id, clock.now()
    )
    return _Shopping(shop.id, customer_id, guest.id, (first, second))


async def _shop(wish: _Shopping) -> object:
    first, second = wish.items
    own = await create_cart(wish.shop_id, "CNY", customer_id=wish.customer_id)
    key = CartKey(own.id, wish.customer_id)
    await put_line(key, first, 3, must_exist=False)
    await put_line(key, second, 1, must_exist=False)
    await remove_line(key, second)
    await accept_prices(key, expected_total_minor=None)
    return await claim_cart(wish.guest, wish.customer_id, wish.shop_id)


async def _has_one_cart(world: World, wish: _Shopping) -> None:
    cart = await find_cart_of(wish.customer_id)
    assert cart is not None
    assert cart.id == wish.guest
    assert [(line.item_id, line.quantity) for line in cart.lines] == [(wish.items[0], 3)]
    assert await world.count("SELECT count(*) FROM cart") == 1


async def _filled(world: World) -> PlaceOrder:
    shop = world.sale.shop
    cart = await create_cart(shop.id, shop.currency, customer_id=None)
    for item in world.sale.campaign.items:
        await put_line(CartKey(cart.id), item.id, 1, must_exist=False)
    return order_for(world.sale, key="placed-once", lines=(), cart_id=cart.id)


async def _order(wish: PlaceOrder) -> object:
    assert wish.cart_id is not None
    cart = await find_cart(wish.cart_id, customer_id=None)
    assert cart is not None
    return await place_order(replace(wish, lines=cart.wishes))


async def _is_ordered_once(world: World, wish: PlaceOrder) -> None:
    # An emptied cart without an order would be lost to whoever asks again.
    order: Any = await _order(wish)
    assert await world.owned(order.id) == 2
    assert await world.count("SELECT count(*) FROM sales_order") == 1
    assert await world.count("SELECT count(*) FROM cart_line") == 0


SCENARIOS = [
    Scenario("shopping", _shopping, _shop, _has_one_cart),
    Scenario("ordering a cart", _filled, _order, _is_ordered_once),
]
