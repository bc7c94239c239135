"""Carts: opened by their token, or by the customer whose they are."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale import carts
from headless_presale.analytics import FunnelStep, count_step
from headless_presale.carts import CartKey, CartLine, CartNotFound, QuotedCart, StoredCart
from headless_presale.customers import CustomerClaims
from headless_presale.kernel.ids import sign_token, token_matches
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import find_uuid, read_input_id
from resolvers.mutations import mutate

TOKEN_PURPOSE = "cart"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartRef:
    """A cart as a client names it: with its token, or without one as its customer."""

    cart_id: str
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWish:
    """So many of an item, as a client sent it."""

    cart: CartRef
    campaign_item_id: str
    quantity: int


def token_of(context: RequestContext, cart: StoredCart) -> str | None:
    """Return the token that opens a guest's cart; a customer's is opened by none."""
    if cart.customer_id is not None:
        return None
    return sign_token(context.secret, TOKEN_PURPOSE, cart.id)


def is_token(context: RequestContext, cart_id: UUID, token: str) -> bool:
    """Tell whether a token is a cart's own, in constant time."""
    return token_matches(context.secret, TOKEN_PURPOSE, cart_id, token)


async def _open(context: RequestContext, ref: CartRef, *, anew: bool = True) -> CartKey:
    """Return the key of a cart that the caller may touch, if it is there.

    Args:
        anew: whether who asks is looked up once more; see ``RequestContext.find_customer``.

    Raises:
        CartNotFound: he may not.
    """
    cart_id = read_input_id(ref.cart_id, "Cart", ("cartId",))
    if ref.token is not None:
        if not is_token(context, cart_id, ref.token):
            raise CartNotFound(field=("cartId",))
        await _check_shop(context, cart_id)
        return CartKey(cart_id)
    principal = await context.find_customer(anew=anew)
    if principal is None:
        raise CartNotFound(field=("cartId",))
    return CartKey(cart_id, principal.customer.id)


@reads
async def find_cart(context: RequestContext, cart_id: str, token: str | None) -> QuotedCart | None:
    """Return a cart; None if there is none or it is not the caller's: the two look alike."""
    context.forbid_reuse()
    uuid = find_uuid(cart_id, "Cart")
    if uuid is None:
        return None
    if token is None:
        principal = await context.find_customer()
        is_his = principal is not None
    else:
        principal, is_his = None, is_token(context, uuid, token)
    if not is_his:
        return None
    found = await carts.find_cart(
        uuid, customer_id=None if principal is None else principal.customer.id
    )
    if found is not None:
        await context.shops.check_id(found.shop_id)
    return await _quoted(context, found)


@reads
async def _check_shop(context: RequestContext, cart_id: UUID) -> None:
    """Raise OriginNotAllowed or DocumentNotTrusted where a guest's cart may not be used so."""
    if not await context.shops.are_guarded():
        return
    found = await carts.find_cart(cart_id, customer_id=None)
    if found is not None:
        await context.shops.check_id(found.shop_id)


@reads
async def find_cart_of(context: RequestContext, customer_id: UUID) -> QuotedCart | None:
    """Return the cart of a customer, for himself."""
    return await _quoted(context, await carts.find_cart_of(customer_id))


async def _quoted(context: RequestContext, cart: StoredCart | None) -> QuotedCart | None:
    return None if cart is None else await carts.quote_cart(cart, at=context.at)


async def create(context: RequestContext, shop: str) -> Answer[QuotedCart]:
    """Make a cart; a customer of this shop is given the one he has."""
    return await _change(context, _create(context, shop))


async def _create(context: RequestContext, slug: str) -> StoredCart:
    shop = await context.shops.get(slug)
    claims = context.claims
    is_here = isinstance(claims, CustomerClaims) and claims.shop_id == shop.id
    principal = await context.find_customer(anew=True) if is_here else None
    return await carts.create_cart(
        shop.id,
        shop.currency,
        customer_id=None if principal is None else principal.customer.id,
    )


async def add_line(context: RequestContext, wish: LineWish) -> Answer[QuotedCart]:
    """Let a cart have so many of an item."""
    changed = await _change(context, _put_line(context, wish, must_exist=False))
    if changed.value is not None:
        _count_addition(changed.value)
    return changed


def _count_addition(cart: QuotedCart) -> None:
    """Count an item that was not in the cart before: to add it again is to say the same."""
    for line in cart.lines:
        if line.stored.item_id == cart.stored.added and line.campaign is not None:
            count_step(line.campaign.id, FunnelStep.ADD_TO_CART)


async def update_line(context: RequestContext, wish: LineWish) -> Answer[QuotedCart]:
    """Change how many of an item there are."""
    return await _change(context, _put_line(context, wish, must_exist=True))


async def _put_line(context: RequestContext, wish: LineWish, *, must_exist: bool) -> StoredCart:
    key = await _open(context, wish.cart)
    item_id = read_input_id(wish.campaign_item_id, "CampaignItem", ("campaignItemId",))
    return await carts.put_line(key, item_id, wish.quantity, must_exist=must_exist)


async def remove_line(
    context: RequestContext, cart: CartRef, campaign_item_id: str
) -> Answer[QuotedCart]:
    """Take an item out of a cart."""

    async def remove() -> StoredCart:
        key = await _open(context, cart)
        item_id = read_input_id(campaign_item_id, "CampaignItem", ("campaignItemId",))
        return await carts.remove_line(key, item_id)

    return await _change(context, remove())


async def accept_prices(
    context: RequestContext, cart: CartRef, expected_total_minor: int | None
) -> Answer[QuotedCart]:
    """Take note that the buyer has seen the prices of now."""

    async def accept() -> StoredCart:
        key = await _open(context, cart)
        return await carts.accept_prices(key, expected_total_minor=expected_total_minor)

    return await _change(context, accept())


async def claim(context: RequestContext, cart_id: str, token: str) -> Answer[QuotedCart]:
    """Give a guest's cart to the customer who asks."""

    async def take() -> StoredCart:
        uuid = read_input_id(cart_id, "Cart", ("cartId",))
        if not is_token(context, uuid, token):
            raise CartNotFound(field=("cartId",))
        customer = context.customer.customer
        return await carts.claim_cart(uuid, customer.id, customer.shop_id)

    return await _change(context, take())


async def _change(
    context: RequestContext, command: Coroutine[Any, Any, StoredCart]
) -> Answer[QuotedCart]:
    return await mutate(context, _quote_after(context, command))


async def _quote_after(
    context: RequestContext, command: Coroutine[Any, Any, StoredCart]
) -> QuotedCart:
    return await carts.quote_cart(await command, at=context.at)


@dataclass(frozen=True, slots=True)
class CartToOrder:
    """What an order is placed of."""

    id: UUID
    lines: list[CartLine]
    is_there: bool


@reads
async def read_for_order(context: RequestContext, ref: CartRef) -> CartToOrder:
    """Return the lines of a cart that the caller, who was looked up for this, may order.

    A cart that is gone has none: its order may have been placed before, under the same key.

    Raises:
        InvalidInput, CartNotFound: this names no cart of the caller's.
    """
    key = await _open(context, ref, anew=False)
    found = await carts.find_cart(key.cart_id, customer_id=key.customer_id)
    return CartToOrder(key.cart_id, found.wishes if found else [], found is not None)
