"""Whose an order is: whoever holds its token, or the customer who is signed in.

For everybody else it does not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.customers import Customer, CustomerClaims
from headless_presale.orders import (
    Asked,
    CustomerAccess,
    OrderAccess,
    OrderNotFound,
    OrderView,
    find_order,
    find_order_signed_in,
    order_token,
    read_order_token,
)
from resolvers.context import RequestContext, sign_in_ended
from resolvers.errors import reads
from resolvers.global_ids import find_uuid, read_input_id


def access_of(customer: Customer) -> CustomerAccess:
    """Return by what a customer gets at his orders."""
    return CustomerAccess(customer_id=customer.id, email=customer.email)


def token_of(context: RequestContext, order: OrderView) -> str:
    """Return the token that lets a guest read, pay, follow and cancel the order."""
    return order_token(context.secret, order.id, order.access_generation)


def actor_by(context: RequestContext, access: OrderAccess | None) -> str:
    """Return who is recorded as having done what an access let him do."""
    if isinstance(access, CustomerAccess):
        return f"customer:{access.customer_id}"
    return context.actor


async def find_access(
    context: RequestContext, order_id: UUID, token: str | None, *, anew: bool = False
) -> OrderAccess | None:
    """Return by what the caller may get at an order; None if by nothing.

    A token that is given decides alone. Whether the order opens to it, the order has to say.

    Args:
        anew: for a mutation; see ``RequestContext.find_customer``.

    Raises:
        Unauthenticated: no token is given, and the customer's sign-in has ended.
    """
    if token is not None:
        return read_order_token(context.secret, order_id, token)
    principal = await context.find_customer(anew=anew)
    return None if principal is None else access_of(principal.customer)


@dataclass(frozen=True, slots=True)
class OrderKey:
    """An order that a mutation names, and by what its caller gets at it."""

    order_id: UUID
    access: OrderAccess


async def require_access(context: RequestContext, order_id: str, token: str | None) -> OrderKey:
    """Return which order a mutation's ``orderId`` names, and by what the caller gets at it.

    Raises:
        InvalidInput: this is not the id of an order.
        OrderNotFound: the token is not its own, or nobody is signed in.
        Unauthenticated: as :func:`find_access`.
    """
    uuid = read_input_id(order_id, "Order", ("orderId",))
    access = await find_access(context, uuid, token, anew=True)
    if access is None:
        raise OrderNotFound(field=("orderId",))
    await _check_page(context, uuid, access)
    return OrderKey(uuid, access)


@reads
async def _check_page(context: RequestContext, order_id: UUID, access: OrderAccess) -> None:
    """Raise OriginNotAllowed or DocumentNotTrusted where the order's shop may not be used so."""
    if not await context.shops.are_guarded():
        return
    order = await find_order(order_id)
    if order is not None and access.opens(order):
        await context.shops.check_id(order.shop_id)


@reads
async def _ask_signed_in(claims: CustomerClaims, order_id: UUID) -> Asked:
    asked = await find_order_signed_in(claims, order_id)
    if asked is None:
        raise sign_in_ended()
    return asked


async def find_own_order(
    context: RequestContext, order_id: str, token: str | None
) -> OrderView | None:
    """Return the order; None if there is none or it is not the caller's: the two look alike."""
    context.forbid_reuse()
    uuid = find_uuid(order_id, "Order")
    if uuid is None:
        return None
    access: OrderAccess
    order: OrderView | None
    if token is None and isinstance(context.claims, CustomerClaims):
        asked = await _ask_signed_in(context.claims, uuid)
        await context.shops.check_id(context.claims.shop_id)
        access, order = asked.access, asked.order
    else:
        found = await find_access(context, uuid, token)
        if found is None:
            return None
        access, order = found, await context.loaders.orders.load(uuid)
    if order is None or not access.opens(order):
        return None
    await context.shops.check_id(order.shop_id)
    return order
