"""Whose a cart is: its token opens a guest's, being him a customer's, and nothing else any."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.carts import claim_cart, create_cart
from headless_presale.customers import SessionEnded
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import sign_token
from resolvers import carts
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.graphql.carts import MINE, Holder, create, mutation, quantities
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.state import stored_rows

CHANGES = ("cartLineAdd", "cartLineUpdate", "cartLineRemove", "cartPricesAccept")


@pytest.fixture
async def sale(api: Api, clock: ManualClock) -> Sale:
    return await open_sale(skus=("FOX-1", "FOX-2"))


async def signed_in(api: Api, sale: Sale, email: str = "ann@example.com") -> str:
    """Return the access token of a customer."""
    token: str = (await Storefront(api, sale.shop).sign_in(email))["accessToken"]
    return token


async def claim(cart: Holder, bearer: str | None) -> Any:
    """Have a customer take over a guest's cart."""
    given = {"cartId": cart.id, "token": cart.token}
    return await cart.api.ask(mutation("cartClaim"), bearer=bearer, input=given)


async def mine(api: Api, bearer: str) -> Any:
    return (await api.ask(MINE, bearer=bearer)).data["me"]["cart"]


def asked(cart: Holder, name: str) -> dict[str, Any]:
    """Return the rest of a mutation's input."""
    if name == "cartPricesAccept":
        return {}
    return cart.item() if name == "cartLineRemove" else cart.line(9)


async def test_a_customer_has_one_cart_that_needs_no_token(api: Api, sale: Sale) -> None:
    bearer = await signed_in(api, sale)
    assert await mine(api, bearer) is None
    cart = await create(api, sale, bearer)
    assert cart.token is None
    await cart.put(2)

    again = await create(api, sale, await signed_in(api, sale))

    assert again.id == cart.id
    assert quantities(await again.read()) == [2]
    assert await mine(api, bearer) == await cart.read()


async def test_of_many_at_the_same_moment_one_is_made(api: Api, sale: Sale) -> None:
    bearer = await signed_in(api, sale)

    made = await asyncio.gather(*(create(api, sale, bearer) for _ in range(8)))

    assert len({cart.id for cart in made}) == 1


async def test_in_another_shop_he_is_a_guest(api: Api, sale: Sale) -> None:
    bearer = await signed_in(api, sale)
    elsewhere = await open_sale(shop=await make_shop("other-shop"))

    cart = await create(api, elsewhere, bearer)

    assert cart.token is not None
    assert await mine(api, bearer) is None


async def test_a_cart_of_somebody_else_is_none(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    # given: a guest's cart and a customer's, each with a line
    guest = await create(api, sale)
    ann, bob = await signed_in(api, sale), await signed_in(api, sale, "bob@example.com")
    customer = await create(api, sale, ann)
    for cart in (guest, customer):
        assert codes_of(await cart.put(2)) == []
    forged = sign_token(SECRET_KEY, carts.TOKEN_PURPOSE, customer.uuid)
    order_token = sign_token(SECRET_KEY, "order", guest.uuid)
    before = await stored_rows(database_admin)

    strangers = {
        "a guest without its token": (guest.id, None, None),
        "a guest's with a token of another cart": (guest.id, forged, None),
        "a guest's with a token that is of an order": (guest.id, order_token, None),
        "a guest's by a customer": (guest.id, None, ann),
        "a customer's by nobody": (customer.id, None, None),
        "a customer's by another": (customer.id, None, bob),
        "a customer's with a token": (customer.id, forged, None),
        "his own with a token": (customer.id, forged, ann),
        "nobody's": (seal("Cart", sale.shop.id), None, ann),
    }
    for who, (cart_id, token, bearer) in strangers.items():
        stranger = Holder(api, sale, cart_id, token, bearer)
        assert await stranger.read() is None, who
        for name in CHANGES:
            payload = await stranger.do(name, **asked(stranger, name))
            assert (codes_of(payload), payload["cart"]) == (["CART_NOT_FOUND"], None), (who, name)
    assert await stored_rows(database_admin) == before


async def test_control_with_any_token_it_would_be_opened(
    api: Api, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await create(api, sale)
    monkeypatch.setattr(carts, "token_matches", lambda *_: True)

    assert await Holder(api, sale, guest.id, "guessed").read() is not None


async def test_a_guest_s_cart_is_taken_over(api: Api, sale: Sale) -> None:
    guest = await create(api, sale)
    await guest.put(2)
    bearer = await signed_in(api, sale)

    claimed = (await claim(guest, bearer)).data["cartClaim"]

    assert claimed["userErrors"] == []
    assert await mine(api, bearer) == claimed["cart"]
    assert quantities(claimed["cart"]) == [2]
    # Its token opens it no longer.
    assert await guest.read() is None
    assert codes_of(await guest.put(5)) == ["CART_NOT_FOUND"]


async def test_what_he_had_is_moved_in_the_larger_quantity_counts(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    bearer = await signed_in(api, sale)
    own, guest = await create(api, sale, bearer), await create(api, sale)
    await own.put(3)
    await own.put(1, item=1)
    await guest.put(2)
    await guest.put(4, item=1)

    for _ in range(2):
        # Repeated, it is the same.
        claimed = (await claim(guest, bearer)).data["cartClaim"]
        assert claimed["userErrors"] == []
        assert quantities(claimed["cart"]) == [3, 4]
        assert claimed["cart"]["id"] == guest.id

    assert await own.read() is None
    assert await database_admin.fetchval("SELECT count(*) FROM cart") == 1


async def test_nobody_takes_over_what_he_may_not(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    guest = await create(api, sale)
    await guest.put(2)
    ann, bob = await signed_in(api, sale), await signed_in(api, sale, "bob@example.com")
    elsewhere = await open_sale(shop=await make_shop("other-shop"))
    foreign = await create(api, elsewhere)
    before = await stored_rows(database_admin)

    for cart in (Holder(api, sale, guest.id, "A" * 32), foreign):
        refused = (await claim(cart, ann)).data["cartClaim"]
        assert codes_of(refused) == ["CART_NOT_FOUND"]
    assert (await claim(guest, None)).error_codes == ["UNAUTHENTICATED"]
    assert await stored_rows(database_admin) == before

    await claim(guest, ann)
    assert codes_of((await claim(guest, bob)).data["cartClaim"]) == ["CART_NOT_FOUND"]
    assert quantities(await mine(api, ann)) == [2]


async def test_more_lines_than_a_cart_may_have_are_not_lost(api: Api, clock: ManualClock) -> None:
    many = await open_sale(skus=tuple(f"FOX-{number}" for number in range(21)), capacity=1)
    bearer = await signed_in(api, many)
    own, guest = await create(api, many, bearer), await create(api, many)
    for item in range(11):
        await own.put(1, item=item)
        await guest.put(1, item=item + 10)

    refused = (await claim(guest, bearer)).data["cartClaim"]

    assert codes_of(refused) == ["INVALID_INPUT"]
    assert len((await own.read())["lines"]) == len((await guest.read())["lines"]) == 11
    await guest.do("cartLineRemove", **guest.item(20))
    claimed = (await claim(guest, bearer)).data["cartClaim"]
    assert len(claimed["cart"]["lines"]) == 20


async def test_who_is_signed_out_has_no_cart_to_show(api: Api, sale: Sale) -> None:
    storefront = Storefront(api, sale.shop)
    bearer = await signed_in(api, sale)
    cart = await create(api, sale, bearer)
    await storefront.sign_out(bearer)

    reply = await cart.ask_to_read()

    assert reply.error_codes == ["UNAUTHENTICATED"]


async def test_of_two_who_take_it_over_at_once_one_has_it(api: Api, sale: Sale) -> None:
    guest = await create(api, sale)
    await guest.put(2)
    bearers = [await signed_in(api, sale, f"{name}@example.com") for name in ("ann", "bob")]

    replies = await asyncio.gather(*(claim(guest, bearer) for bearer in bearers))

    refusals = sorted(codes_of(reply.data["cartClaim"]) for reply in replies)
    assert refusals == [[], ["CART_NOT_FOUND"]]
    assert sorted([await mine(api, bearer) is None for bearer in bearers]) == [False, True]


async def test_who_is_forgotten_meanwhile_is_given_no_cart(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    guest = await create(api, sale)
    before = await stored_rows(database_admin)
    shop, nobody = sale.shop, uuid4()

    with pytest.raises(SessionEnded):
        await create_cart(shop.id, shop.currency, customer_id=nobody)
    with pytest.raises(SessionEnded):
        await claim_cart(guest.uuid, nobody, shop.id)

    assert await stored_rows(database_admin) == before


async def test_a_cart_goes_with_its_customer(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    cart = await create(api, sale, await signed_in(api, sale))
    await cart.put()

    await database_admin.execute("DELETE FROM customer_refresh_token")
    await database_admin.execute("DELETE FROM customer_grant")
    await database_admin.execute("DELETE FROM customer")

    rows = await stored_rows(database_admin)
    assert rows.keys() & {"cart", "cart_line"} == set()
