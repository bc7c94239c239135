"""A cart becomes an order: once, whole, and it is empty then; or there is no order."""

import asyncio
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import snapshot
from headless_presale.carts import CartChanged, CartKey, find_cart, put_line
from headless_presale.checkout import drain, place, place_order
from headless_presale.kernel.errors import Unavailable
from tests.graphql.carts import Holder, create, quantities
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import PLACE, line, order_input
from tests.graphql.ordering import place as ask_to_place
from tests.support.shop import make_shop, make_variant, open_sale, order_for
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("clock")


def cart_input(cart: Holder, **changes: Any) -> dict[str, Any]:
    """Return a valid input for all that is in a cart."""
    body = order_input(cart.sale, cartId=cart.id, cartToken=cart.token, **changes)
    del body["lines"]
    return body


async def filled(api: Api, **options: Any) -> Holder:
    """Return a cart of two units of one item and one of another, at 100.00 each."""
    cart = await create(api, await open_sale(skus=("FOX-1", "FOX-2"), **options))
    await cart.put(2)
    await cart.put(1, item=1)
    return cart


async def test_a_cart_is_ordered_and_empty_then(api: Api) -> None:
    cart = await filled(api)

    placed = await ask_to_place(api, cart_input(cart, expectedTotalMinor=30_000))

    assert placed["userErrors"] == []
    assert placed["order"]["total"]["minor"] == 30_000
    assert [line["quantity"] for line in placed["order"]["lines"]] == [2, 1]
    assert (await cart.read())["lines"] == []


async def test_a_repeat_is_answered_the_same_and_takes_nothing(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    cart = await filled(api)
    first = await ask_to_place(api, cart_input(cart))
    again = await ask_to_place(api, cart_input(cart))
    # It goes on being a cart.
    await cart.put(1, item=1)
    later = await ask_to_place(api, cart_input(cart))

    assert again["order"] == first["order"] == later["order"]
    assert quantities(await cart.read()) == [1]
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 1
    next_one = await ask_to_place(api, cart_input(cart, idempotencyKey="another"))
    assert next_one["order"]["total"]["minor"] == 10_000


async def test_a_repeat_is_answered_though_the_cart_is_another_s_by_now(api: Api) -> None:
    cart = await filled(api)
    first = await ask_to_place(api, cart_input(cart))
    bearer = (await Storefront(api, cart.sale.shop).sign_in())["accessToken"]
    claim = "mutation ($i: CartClaimInput!) { cartClaim(input: $i) { userErrors { code } } }"
    claimed = await api.ask(claim, bearer=bearer, i={"cartId": cart.id, "token": cart.token})
    assert claimed.data["cartClaim"]["userErrors"] == []

    again = await ask_to_place(api, cart_input(cart))
    other = await ask_to_place(api, cart_input(cart, idempotencyKey="another"))

    assert again["order"] == first["order"]
    assert codes_of(other) == ["CART_NOT_FOUND"]


async def test_a_customer_orders_his_cart_without_a_token(api: Api) -> None:
    sale = await open_sale()
    bearer = (await Storefront(api, sale.shop).sign_in())["accessToken"]
    cart = await create(api, sale, bearer)
    await cart.put(2)

    buyer = {"email": "ann@example.com", "name": "Ann"}
    placed = await api.ask(PLACE, bearer=bearer, input=cart_input(cart, buyer=buyer))

    assert placed.data["orderPlace"]["userErrors"] == []
    assert (await cart.read())["lines"] == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"lines": "both"}, ["INVALID_INPUT"]),
        ({"cartId": None}, ["INVALID_INPUT"]),
        ({"cartToken": "A" * 32}, ["CART_NOT_FOUND"]),
        ({"cartToken": None}, ["CART_NOT_FOUND"]),
        ({"cartId": "nonsense"}, ["INVALID_INPUT"]),
        ({"shop": "other-shop"}, ["CAMPAIGN_ITEM_NOT_FOUND"]),
        ({"expectedTotalMinor": 29_999}, ["PRICE_CHANGED"]),
        ({"acceptedTermsVersion": 2}, ["TERMS_OUTDATED"]),
    ],
)
async def test_a_refusal_leaves_the_cart_as_it_is(
    api: Api, database_admin: asyncpg.Connection, changes: dict[str, Any], codes: list[str]
) -> None:
    await make_shop("other-shop")
    cart = await filled(api)
    if changes.get("lines") == "both":
        changes = {"lines": [line(cart.sale, 1)]}
    before = await footprint(database_admin)

    refused = await ask_to_place(api, cart_input(cart) | changes)

    assert codes_of(refused) == codes
    assert await footprint(database_admin) == before
    assert quantities(await cart.read()) == [2, 1]


async def test_an_empty_cart_is_no_order(api: Api, database_admin: asyncpg.Connection) -> None:
    cart = await create(api, await open_sale())

    assert codes_of(await ask_to_place(api, cart_input(cart))) == ["CART_EMPTY"]
    assert (await footprint(database_admin)).orders == 0


async def test_what_is_sold_out_stays_in_the_cart(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    cart = await filled(api, capacity=2)
    await place_order(order_for(cart.sale))
    before = await footprint(database_admin)

    refused = await ask_to_place(api, cart_input(cart))

    assert codes_of(refused) == ["SLOTS_SOLD_OUT"]
    assert refused["userErrors"][0]["field"] == ["cartId"]
    assert await footprint(database_admin) == before
    assert quantities(await cart.read()) == [2, 1]


async def test_of_two_orders_of_one_cart_one_is_placed(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    cart = await filled(api)

    payloads = await asyncio.gather(
        *(ask_to_place(api, cart_input(cart, idempotencyKey=f"tab-{n}")) for n in range(4))
    )

    placed = [payload["order"] for payload in payloads if payload["order"]]
    refused = [code for payload in payloads for code in codes_of(payload)]
    assert len(placed) == 1
    assert len(refused) == 3
    assert set(refused) <= {"CART_CHANGED", "CART_EMPTY"}
    await drain()
    assert (await footprint(database_admin)).owned_slots == 3


async def test_control_who_does_not_count_what_is_taken_out_orders_twice(
    api: Api, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
) -> None:
    cart = await filled(api)
    stored = await find_cart(cart.uuid, customer_id=None)
    assert stored is not None
    monkeypatch.setattr(place, "emptying", lambda *_: None)

    for key in ("one", "two"):
        # Both read the cart before the other emptied it.
        await place_order(order_for(cart.sale, key=key, lines=stored.wishes, cart_id=stored.id))

    assert (await footprint(database_admin)).orders == 2


@pytest.mark.parametrize("has_redis", [True, False])
async def test_a_cart_that_is_changed_while_it_is_ordered_is_not(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    database_admin: asyncpg.Connection,
    has_redis: bool,
) -> None:
    cart = await filled(api)
    stored = await find_cart(cart.uuid, customer_id=None)
    assert stored is not None
    await put_line(CartKey(cart.uuid), cart.sale.item_id, 5, must_exist=True)

    async def away(*args: Any) -> None:
        raise Unavailable("redis")

    if not has_redis:
        monkeypatch.setattr(place, "reserve", away)
    before = await footprint(database_admin)
    with pytest.raises(CartChanged):
        await place_order(order_for(cart.sale, lines=stored.wishes, cart_id=stored.id))

    await drain()
    assert await footprint(database_admin) == before
    assert quantities(await cart.read()) == [5, 1]


async def test_a_cart_s_order_costs_one_statement_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 3_600)
    sale = await open_sale()
    async with counted_statements() as sent:
        await place_order(order_for(sale, email="first@example.com"))
        cart = await create(api, sale)
        await cart.put(2)
        del sent[:]
        stored = await find_cart(cart.uuid, customer_id=None)
        assert stored is not None
        await place_order(order_for(sale, lines=stored.wishes, cart_id=stored.id))
        firsts = [statement.split()[0].rstrip(";") for statement in sent]

    assert firsts == ["SELECT", "BEGIN", "WITH", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert len(sent) == 6 + 1


async def test_one_order_is_of_one_campaign(api: Api, database_admin: asyncpg.Connection) -> None:
    shop = await make_shop()
    first = await open_sale(shop=shop)
    await make_variant(shop, "OWL-1")
    second = await open_sale(shop=shop, has_variants=True, skus=("OWL-1",), handle="owl")
    cart = await create(api, first)
    await cart.put()
    await Holder(api, second, cart.id, cart.token).put()

    refused = await ask_to_place(api, cart_input(cart))

    assert codes_of(refused) == ["CAMPAIGN_MISMATCH"]
    assert refused["userErrors"][0]["field"] == ["cartId"]
    assert quantities(await cart.read()) == [1, 1]
