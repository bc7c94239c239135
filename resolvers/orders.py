"""Orders: placed, cancelled, and what is shown of them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from headless_presale.campaigns import CampaignNotOpen, CancelPolicy, find_snapshots_of_items
from headless_presale.carts import CartEmpty, CartNotFound
from headless_presale.checkout import (
    Account,
    Address,
    Buyer,
    CartLine,
    PlaceOrder,
    find_sold_out,
    is_any_sold_out,
    place_order,
)
from headless_presale.customers import CustomerPrincipal
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import EventRecord, acting_as
from headless_presale.kernel.locales import read_locale
from headless_presale.kernel.money import Money
from headless_presale.orders import (
    HOLDING,
    Due,
    OrderNotFound,
    OrderStatus,
    OrderTokenEnded,
    OrderView,
    cancel_order,
    cancel_rule,
    is_balance_in_time,
    split_cancellation,
)
from headless_presale.payments import Payment, PaymentLeg, held_of
from resolvers.carts import CartRef, read_for_order
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate
from resolvers.order_access import access_of, actor_by, require_access
from resolvers.paging import Page, PageRequest, page_by_id, serial_cursors

MAX_REASON_LENGTH = 200

EVENT_CURSORS = serial_cursors("events")


@dataclass(frozen=True, slots=True)
class LineWish:
    """A line as a client sent it."""

    campaign_item_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWish:
    """An order as a client sent it."""

    shop: str
    lines: Sequence[LineWish] | None
    cart: CartRef | None
    buyer: Buyer
    shipping_address: Address
    accepted_terms_version: int
    idempotency_key: str
    expected_total_minor: int | None
    locale: str | None


async def place(context: RequestContext, wish: OrderWish) -> Answer[OrderView]:
    """Place an order; repeating a request under its key returns the same order."""
    placed = await mutate(context, _place(context, wish))
    if placed.value is not None:
        context.loaders.orders.prime(placed.value.id, placed.value)
    return placed


async def foresee_refusal(
    context: RequestContext, read_wish: Callable[[], OrderWish]
) -> Hashable | None:
    """Tell what an order's refusal depends on, where it is known to be sold out; else None.

    Then the context knows the refusal too, and placing the order does nothing but raise it.

    Args:
        read_wish: makes the order of what was sent, if that is asked for.
    """
    if context.claims is not None or not is_any_sold_out():
        return None
    try:
        wish = read_wish()
        if wish.lines is None or wish.cart is not None:
            return None
        shop = await context.shops.get(wish.shop)
        refusal = await find_sold_out(_command_of(context, wish, shop.id))
    except Exception:
        # Whatever it is, it is met again, and told, where the order is placed.
        return None
    if refusal is None:
        return None
    context.foretold = refusal
    return context.locale, refusal.field, *refusal.params.values()


async def _place(context: RequestContext, wish: OrderWish) -> OrderView:
    if context.foretold is not None:
        raise context.foretold
    shop = await context.shops.get(wish.shop)
    if (wish.lines is None) == (wish.cart is None):
        raise InvalidInput(reason="name either lines or a cart", field=("lines",))
    principal = await context.find_customer(anew=True)
    customer = None if principal is None else principal.customer
    cart = await read_for_order(context, wish.cart) if wish.cart is not None else None
    command = _command_of(context, wish, shop.id)
    if cart is not None:
        command = replace(command, lines=cart.lines, cart_id=cart.id)
    if principal is not None:
        command = replace(command, account=_account_of(principal))
    with acting_as(actor_by(context, None if customer is None else access_of(customer))):
        try:
            order = await place_order(command)
        except CampaignNotOpen as refused:
            refused.params["opens_at"] = await _opening_of(command)
            raise
        except CartEmpty as refused:
            if cart is not None and not cart.is_there:
                raise CartNotFound(field=refused.field) from None
            raise
    if customer is None and order.access_generation > 0:
        raise OrderTokenEnded()
    context.loaders.shops.prime(shop.id, shop)
    return order


def _command_of(context: RequestContext, wish: OrderWish, shop_id: UUID) -> PlaceOrder:
    """Return the command of a guest who names lines."""
    return PlaceOrder(
        shop_id=shop_id,
        lines=_lines_of(wish.lines or ()),
        buyer=wish.buyer,
        shipping_address=wish.shipping_address,
        accepted_terms_version=wish.accepted_terms_version,
        idempotency_key=wish.idempotency_key,
        locale=_checked_locale(wish.locale) or context.locale,
        expected_total_minor=wish.expected_total_minor,
    )


def _lines_of(wishes: Sequence[LineWish]) -> list[CartLine]:
    return [
        CartLine(
            read_input_id(
                wish.campaign_item_id, "CampaignItem", ("lines", str(i), "campaignItemId")
            ),
            wish.quantity,
        )
        for i, wish in enumerate(wishes)
    ]


def _account_of(principal: CustomerPrincipal) -> Account:
    customer = principal.customer
    return Account(
        customer_id=customer.id,
        shop_id=customer.shop_id,
        email=customer.email,
        sign_in_id=principal.grant_id,
    )


def _checked_locale(tag: str | None) -> str | None:
    return None if tag is None else read_locale(tag, ("locale",))


async def _opening_of(command: PlaceOrder) -> object:
    """Return when the campaign asked for opens: what a client that came too early waits for."""
    found = await find_snapshots_of_items([line.item_id for line in command.lines])
    return next((campaign.opens_at for campaign in found.values()), None)


async def cancel(
    context: RequestContext, *, order_id: str, token: str | None, reason: str | None
) -> Answer[OrderView]:
    """Cancel an order as far as its policy allows; repeating changes nothing."""
    return await mutate(context, _cancel(context, order_id=order_id, token=token, reason=reason))


async def _cancel(
    context: RequestContext, *, order_id: str, token: str | None, reason: str | None
) -> OrderView:
    key = await require_access(context, order_id, token)
    if reason is not None and (len(reason) > MAX_REASON_LENGTH or "\x00" in reason):
        raise InvalidInput(
            reason="must not be longer than {longest} characters, none of them NUL",
            longest=MAX_REASON_LENGTH,
            field=("reason",),
        )
    with acting_as(actor_by(context, key.access)):
        await cancel_order(
            key.order_id, reason=reason or "cancelled by the buyer", access=key.access
        )
    order = await context.loaders.orders.load(key.order_id)
    if order is None:
        raise OrderNotFound(field=("orderId",))
    return order


@dataclass(frozen=True, slots=True)
class Dues:
    """What can be paid at this moment, and what falls due later."""

    now: tuple[Due, ...] = ()
    later: tuple[Due, ...] = ()


def dues_of(context: RequestContext, order: OrderView) -> Dues:
    """Return what is still to be paid. A hold or balance window that has run out asks nothing."""
    full = Due(PaymentLeg.FULL, order.total, None, order.hold_expires_at)
    deposit = Due(PaymentLeg.DEPOSIT, order.deposit, None, order.hold_expires_at)
    balance = Due(PaymentLeg.BALANCE, order.balance, order.balance_opens_at, order.balance_due_at)
    is_held = context.at < order.hold_expires_at
    is_in_time = is_balance_in_time(
        due_at=order.balance_due_at, reminded_at=order.reminded_at, at=context.at
    )
    later = (balance,) if order.balance.amount_minor > 0 else ()
    match order.status:
        case OrderStatus.AWAITING_PAYMENT if is_held:
            return Dues(now=(full,))
        case OrderStatus.AWAITING_DEPOSIT if is_held:
            return Dues(now=(deposit,), later=later)
        case OrderStatus.DEPOSIT_PAID:
            return Dues(later=later)
        case OrderStatus.AWAITING_BALANCE if is_in_time:
            return Dues(now=later)
        case _:
            return Dues()


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Whether the buyer may cancel now, and what would go back."""

    is_allowed: bool
    refund: Money


async def cancellation_of(context: RequestContext, order: OrderView) -> Cancellation:
    """Return what cancelling would do at this moment, by the policy the order was placed under."""
    currency = order.total.currency
    rule = cancel_rule(CancelPolicy.from_json(order.cancel_policy), order.status)
    if rule is None or not rule.is_allowed:
        return Cancellation(False, Money.zero(currency))
    held = [] if order.status in HOLDING else held_of(await payments_of(context, order))
    return Cancellation(True, split_cancellation(rule, held, currency=currency).refund)


async def payments_of(context: RequestContext, order: OrderView) -> list[Payment]:
    """Return every payment of the order, oldest first, each with its refunds."""
    return await context.loaders.payments_of.load(order.id)


def actor_for_buyer(event: EventRecord) -> str:
    """Return who acted as a buyer is told: which of the shop's people and systems is not his."""
    kind = event.actor.partition(":")[0]
    if kind == "customer":
        return "buyer"
    return "shop" if kind in ("staff", "client", "cli") else event.actor


@reads
async def page_of_history(order: OrderView, request: PageRequest) -> Page[EventRecord]:
    """Return a page of what happened to the order, oldest first."""
    events = EventRecord.filter(topic=f"order:{order.id}")
    return await page_by_id(events, request, cursors=EVENT_CURSORS, newest_first=False)
