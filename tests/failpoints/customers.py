"""Customers: a code is mailed or is not, and is good for one sign-in."""

from typing import Any
from uuid import UUID

from headless_presale.carts import create_cart
from headless_presale.customers.access_tokens import CustomerClaims
from headless_presale.customers.codes import code_of, make_code, use_code
from headless_presale.customers.errors import SessionEnded
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.merging import merge_into_address
from headless_presale.customers.models import (
    Customer,
    CustomerCode,
    CustomerGrant,
    SignInProvider,
)
from headless_presale.customers.oidc import AuthorizationResponse, begin_flow, use_flow
from headless_presale.customers.profile import UpdateProfile, update_profile
from headless_presale.customers.providers import ProviderWish, create_provider
from headless_presale.customers.sessions import (
    CustomerPrincipal,
    find_customer_principal,
    refresh_session,
    sign_out,
    sign_out_with,
)
from headless_presale.customers.states import ProviderKind
from headless_presale.identity.oauth.keys import forget_keys, signing_key
from headless_presale.kernel import clock
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.orders import Order
from tests.failpoints.world import Scenario, World

EMAIL = "ann@example.com"


async def _shop(world: World) -> UUID:
    # So that an older one ends.
    await make_code(world.sale.shop.id, EMAIL, locale="en")
    return world.sale.shop.id


async def _ask(shop_id: UUID) -> object:
    return await make_code(shop_id, EMAIL, locale="en")


async def _one_counts(world: World, _: object) -> None:
    codes = await CustomerCode.all()
    assert len([code for code in codes if code.ended_at is None]) == 1
    # Each that was written is mailed, for nobody knows which of them is read.
    mails = "SELECT count(*) FROM message WHERE kind = 'sign_in_code'"
    assert await world.count(mails) == len(codes)


async def _with_a_code(world: World) -> tuple[UUID, str]:
    forget_keys()
    await signing_key()
    shop_id = await _shop(world)
    return shop_id, code_of((await CustomerCode.get()).id)


async def _with_a_wrong_code(world: World) -> tuple[UUID, str]:
    shop_id, code = await _with_a_code(world)
    return shop_id, f"{(int(code) + 1) % 1_000_000:06d}"


async def _redeem(argument: tuple[UUID, str]) -> object:
    shop_id, code = argument
    return await use_code(shop_id, EMAIL, code, await signing_key())


async def _is_in_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM customer") == 1
    assert await world.count("SELECT count(*) FROM customer_grant") == 1
    assert await world.count("SELECT count(*) FROM customer_refresh_token") == 1


async def _is_counted(world: World, _: object) -> None:
    assert 1 <= (await CustomerCode.get()).attempts <= 2
    assert await world.count("SELECT count(*) FROM customer_grant") == 0


async def _signed_in(world: World) -> str:
    signed_in: Any = await _redeem(await _with_a_code(world))
    token: str = signed_in.refresh_token
    return token


async def _has_a_successor(world: World, _: object) -> None:
    live = "SELECT count(*) FROM customer_refresh_token WHERE used_at IS NULL"
    assert await world.count(live) >= 1
    assert (await CustomerGrant.get()).revoked_at is None


async def as_a_customer(world: World) -> CustomerPrincipal:
    signed_in: Any = await _redeem(await _with_a_code(world))
    claims = CustomerClaims(
        customer_id=signed_in.customer.id,
        shop_id=signed_in.customer.shop_id,
        grant_id=(await CustomerGrant.get()).id,
        expires_at=clock.now(),
    )
    found = await find_customer_principal(claims)
    assert found is not None
    return found


async def _leave(principal: CustomerPrincipal) -> object:
    return await sign_out(principal, is_everywhere=False)


async def _is_out(world: World, _: object) -> None:
    assert (await CustomerGrant.get()).revoked_reason == "signed_out"


async def _leave_with(token: str) -> object:
    return await sign_out_with(token, is_everywhere=False)


async def _change(principal: CustomerPrincipal) -> object:
    # Repeated by one who has read it anew.
    version = (await Customer.get()).version
    return await update_profile(principal, UpdateProfile(version=version, name="Ann"))


async def _is_changed_once(world: World, _: object) -> None:
    customer = await Customer.get()
    assert (customer.name, customer.version) == ("Ann", 2)


async def _with_a_mini_program(world: World) -> UUID:
    forget_keys()
    await signing_key()
    wish = ProviderWish(
        kind=ProviderKind.WECHAT, name="WeChat", client_id="wx-forge", secret="a secret"
    )
    return (await create_provider(world.sale.shop.id, wish)).id


async def _vouch(provider_id: UUID) -> object:
    provider = await SignInProvider.get(id=provider_id)
    return await sign_in_asserted(
        provider, AssertedIdentity(subject="o-ann", locale="en"), await signing_key()
    )


async def _is_known_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM customer") == 1
    assert await world.count("SELECT count(*) FROM customer_identity") == 1
    # Whoever got no answer came again: that is another sign-in.
    assert await world.count("SELECT count(*) FROM customer_grant") in (1, 2)


async def _with_an_issuer(world: World) -> UUID:
    wish = ProviderWish(
        kind=ProviderKind.OIDC,
        name="Forge ID",
        client_id="presale",
        issuer="https://login.example.com",
        redirect_uris=["https://shop.example.com/back"],
    )
    return (await create_provider(world.sale.shop.id, wish)).id


async def _send_away(provider_id: UUID) -> object:
    provider = await SignInProvider.get(id=provider_id)
    return await begin_flow(
        provider, provider.redirect_uris[0], state=new_id().hex, browser_key="a key"
    )


async def _is_sent_away(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM customer_sign_in_flow") in (1, 2)


async def _sent_away(world: World) -> UUID:
    provider_id = await _with_an_issuer(world)
    provider = await SignInProvider.get(id=provider_id)
    await begin_flow(provider, provider.redirect_uris[0], state="a state", browser_key="a key")
    return provider_id


async def _take_back(provider_id: UUID) -> object:
    provider = await SignInProvider.get(id=provider_id)
    back = AuthorizationResponse(
        code="a code",
        state="a state",
        browser_key="a key",
        redirect_uri=provider.redirect_uris[0],
    )
    return await use_flow(provider, back)


async def _is_used_up(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM customer_sign_in_flow") == 0


async def _nameless_with_a_code(world: World) -> tuple[CustomerPrincipal, str]:
    """Somebody without an address, who has an order and a cart, and a code in his mailbox."""
    provider = await SignInProvider.get(id=await _with_a_mini_program(world))
    asserted = AssertedIdentity(subject="o-ann", locale="en")
    signed_in = await sign_in_asserted(provider, asserted, await signing_key())
    customer = signed_in.customer
    order = await world.order()
    await Order.filter(id=order.id).update(customer_id=customer.id)
    async with world.admin.transaction():
        await world.admin.execute("UPDATE customer_quota SET customer_id = $1", customer.id)
    await create_cart(customer.shop_id, "EUR", customer_id=customer.id)
    await make_code(customer.shop_id, EMAIL, locale="en")
    found = await find_customer_principal(
        CustomerClaims(
            customer_id=customer.id,
            shop_id=customer.shop_id,
            grant_id=(await CustomerGrant.get()).id,
            expires_at=clock.now(),
        )
    )
    assert found is not None
    return found, code_of((await CustomerCode.get()).id)


async def _prove(argument: tuple[CustomerPrincipal, str]) -> object:
    principal, code = argument
    try:
        return await merge_into_address(principal, EMAIL, code, await signing_key())
    except SessionEnded:
        # It was done, and the answer lost: one signs in with another code.
        return None


async def _is_one(world: World, argument: tuple[CustomerPrincipal, str]) -> None:
    old = argument[0].customer
    new = customer_id_of(old.shop_id, EMAIL)
    for table in ("customer_identity", "sales_order", "customer_quota", "cart"):
        owners = await world.admin.fetch(f"SELECT customer_id FROM {table}")
        assert [row["customer_id"] for row in owners] == [new], table
    live = "SELECT customer_id FROM customer_grant WHERE revoked_at IS NULL"
    assert [row["customer_id"] for row in await world.admin.fetch(live)] == [new]


SCENARIOS = [
    Scenario("asking for a code", _shop, _ask, _one_counts),
    Scenario("signing in with a code", _with_a_code, _redeem, _is_in_once),
    Scenario("a wrong code", _with_a_wrong_code, _redeem, _is_counted),
    Scenario("a customer's refreshing", _signed_in, refresh_session, _has_a_successor),
    Scenario("going to a provider", _with_an_issuer, _send_away, _is_sent_away),
    Scenario("coming back from a provider", _sent_away, _take_back, _is_used_up),
    Scenario("signing in from a mini-program", _with_a_mini_program, _vouch, _is_known_once),
    Scenario("proving an address", _nameless_with_a_code, _prove, _is_one),
    Scenario("a customer's signing out", as_a_customer, _leave, _is_out),
    Scenario("signing out by a refresh token", _signed_in, _leave_with, _is_out),
    Scenario("a customer's profile", as_a_customer, _change, _is_changed_once),
]
