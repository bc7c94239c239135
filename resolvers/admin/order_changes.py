"""What a merchant does to an order, and what it would do: previews and deeds of one rule."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from headless_presale.campaigns import CancelPolicy
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.money import Money
from headless_presale.orders import (
    HOLDING,
    AddNote,
    CancelOrder,
    CancelPlan,
    CancelTerms,
    LineQuantity,
    OrderNotFound,
    OrderView,
    RefundOrder,
    RefundPlan,
    RefundWish,
    add_note,
    cancel_order_by_merchant,
    find_order_of,
    merchant_cancel_rule,
    plan_refund,
    refund_order,
    refundable,
    split_cancellation,
)
from headless_presale.payments import HeldPayment, held_of
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, Refusal, refusal_of
from resolvers.global_ids import read_input_id
from resolvers.orders import payments_of

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class LineWish:
    """Units of a line as a client sent them."""

    line_id: str
    quantity: int


def _wish(amount_minor: int | None, lines: Sequence[LineWish] | None) -> RefundWish:
    """Return what is to be given back as orders take it.

    Raises:
        InvalidInput: an id that is not one of a line.
    """
    if lines is None:
        return RefundWish(amount_minor)
    return RefundWish(
        amount_minor,
        [
            LineQuantity(
                read_input_id(line.line_id, "OrderLine", ("lines", str(position), "lineId")),
                line.quantity,
            )
            for position, line in enumerate(lines)
        ],
    )


async def _held(context: RequestContext, order: OrderView) -> list[HeldPayment]:
    return held_of(await payments_of(context, order))


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund would take from where; without a plan the refusals say why not."""

    refundable: Money
    plan: RefundPlan | None
    refusals: tuple[Refusal, ...]


async def preview_refund(
    context: RequestContext,
    order: OrderView,
    *,
    amount_minor: int | None,
    lines: Sequence[LineWish] | None,
) -> RefundPreview:
    """Return what giving so much back would do at this moment."""
    held = await _held(context, order)
    most = refundable(order, held)
    try:
        plan = plan_refund(order, held, _wish(amount_minor, lines))
    except DomainError as error:
        return RefundPreview(most, None, (refusal_of(error, context.locale),))
    return RefundPreview(most, plan, ())


@dataclass(frozen=True, slots=True)
class CancelPreview:
    """What cancelling would do with the money; without a plan the refusals say why not."""

    plan: CancelPlan | None
    refusals: tuple[Refusal, ...]


async def preview_cancel(
    context: RequestContext, order: OrderView, terms: CancelTerms
) -> CancelPreview:
    """Return what the merchant's cancelling would do at this moment."""
    policy = CancelPolicy.from_json(order.cancel_policy)
    try:
        rule = merchant_cancel_rule(policy, order.status, terms)
    except DomainError as error:
        return CancelPreview(None, (refusal_of(error, context.locale),))
    held = [] if order.status in HOLDING else await _held(context, order)
    plan = split_cancellation(rule, held, currency=order.total.currency)
    return CancelPreview(plan, ())


async def write_note(
    context: RequestContext, *, order_id: str, text: str, idempotency_key: str
) -> Answer[OrderView]:
    """Add a note to an order."""

    def command(own: dict[str, Any]) -> AddNote:
        return AddNote(**own, text=text)

    return await _change(context, order_id, idempotency_key, command, add_note)


async def refund(
    context: RequestContext,
    *,
    order_id: str,
    amount_minor: int | None,
    lines: Sequence[LineWish] | None,
    reason: str,
    version: int,
    idempotency_key: str,
) -> Answer[OrderView]:
    """Give money of an order back."""

    def command(own: dict[str, Any]) -> RefundOrder:
        wish = _wish(amount_minor, lines)
        return RefundOrder(**own, wish=wish, reason=reason, version=version)

    return await _change(context, order_id, idempotency_key, command, refund_order)


async def cancel(
    context: RequestContext,
    *,
    order_id: str,
    terms: CancelTerms,
    reason: str,
    version: int,
    idempotency_key: str,
) -> Answer[OrderView]:
    """Call an order off."""

    def command(own: dict[str, Any]) -> CancelOrder:
        return CancelOrder(**own, terms=terms, reason=reason, version=version)

    return await _change(context, order_id, idempotency_key, command, cancel_order_by_merchant)


async def _change(
    context: RequestContext,
    order_id: str,
    idempotency_key: str,
    command: Callable[[dict[str, Any]], C],
    carry_out: Callable[[C], Awaitable[object]],
) -> Answer[OrderView]:
    """Carry a command out on an order of the caller's shops; return the order as it is then."""
    shop_ids = context.principal.shop_ids

    async def run() -> OrderView:
        uuid = read_input_id(order_id, "Order", ("orderId",))
        own = {"shop_ids": shop_ids, "order_id": uuid, "idempotency_key": idempotency_key}
        await carry_out(command(own))
        order = await find_order_of(shop_ids, uuid)
        if order is None:
            raise OrderNotFound(field=("orderId",))
        return order

    return await told(context, run)
