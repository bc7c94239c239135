"""What a merchant does to an order: notes, refunds, cancellation."""

import strawberry

from headless_presale.identity import Scope
from headless_presale.orders import CancelTerms, OrderView
from resolvers.admin import order_changes
from schema.admin.order_previews import OrderLineQuantityInput
from schema.admin.orders import AdminOrderType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import requires
from schema.scalars import SafeInt

KEY = "Unique per wish, 1 to 200 characters: repeating it repeats nothing."
VERSION = "`AdminOrder.version` as you read it."
REASON = "Told to the buyer; 1 to 200 characters."


@strawberry.input(description="Something to write down about an order.")
class OrderNoteAddInput:
    order_id: strawberry.ID
    text: str = strawberry.field(
        description="For the staff alone; 1 to 2,000 characters. An order has at most 500 notes."
    )
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.input(description="Money to give back: an amount, or what was paid for some units.")
class OrderRefundInput:
    order_id: strawberry.ID
    amount_minor: SafeInt | None = strawberry.field(
        default=None, description="In minor units; either this or `lines`."
    )
    lines: list[OrderLineQuantityInput] | None = strawberry.field(
        default=None,
        description="Units whose price goes back, or the share of it that is paid so far; the "
        "order keeps its slots.",
    )
    reason: str = strawberry.field(description=REASON)
    version: int = strawberry.field(description=VERSION)
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.input(description="An order to call off.")
class OrderCancelByMerchantInput:
    order_id: strawberry.ID
    terms: CancelTerms
    reason: str = strawberry.field(description=REASON)
    version: int = strawberry.field(description=VERSION)
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.type
class OrderNoteAddPayload:
    order: AdminOrderType | None
    user_errors: list[UserError]


@strawberry.type
class OrderRefundPayload:
    order: AdminOrderType | None
    user_errors: list[UserError]


@strawberry.type
class OrderCancelByMerchantPayload:
    order: AdminOrderType | None
    user_errors: list[UserError]


def _wrap(order: OrderView | None) -> AdminOrderType | None:
    return None if order is None else AdminOrderType(order=order)


@strawberry.type
class OrderMutation:
    """Each answers with the order, so each needs ``orders:read`` besides."""

    @strawberry.mutation(
        description="Write a note about an order; it stays as it is.",
        extensions=requires(Scope.ORDERS_READ, Scope.ORDERS_WRITE),
    )
    async def order_note_add(self, info: Info, input: OrderNoteAddInput) -> OrderNoteAddPayload:
        noted = await order_changes.write_note(
            info.context,
            order_id=input.order_id,
            text=input.text,
            idempotency_key=input.idempotency_key,
        )
        return OrderNoteAddPayload(
            order=_wrap(noted.value), user_errors=user_errors(noted.refusals)
        )

    @strawberry.mutation(
        description="Give money back, never more than is held; the order goes on. "
        "`AdminOrder.refundPreview` says beforehand which payment gives back how much.",
        extensions=requires(Scope.ORDERS_READ, Scope.ORDERS_REFUND),
    )
    async def order_refund(self, info: Info, input: OrderRefundInput) -> OrderRefundPayload:
        lines = input.lines
        refunded = await order_changes.refund(
            info.context,
            order_id=input.order_id,
            amount_minor=input.amount_minor,
            lines=None if lines is None else [line.to_wish() for line in lines],
            reason=input.reason,
            version=input.version,
            idempotency_key=input.idempotency_key,
        )
        return OrderRefundPayload(
            order=_wrap(refunded.value), user_errors=user_errors(refunded.refusals)
        )

    @strawberry.mutation(
        description="Call an order off: its slots go back, its money as the terms say. "
        "`AdminOrder.cancelPreview` says beforehand what goes back and what is kept.",
        extensions=requires(Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ORDERS_REFUND),
    )
    async def order_cancel_by_merchant(
        self, info: Info, input: OrderCancelByMerchantInput
    ) -> OrderCancelByMerchantPayload:
        cancelled = await order_changes.cancel(
            info.context,
            order_id=input.order_id,
            terms=input.terms,
            reason=input.reason,
            version=input.version,
            idempotency_key=input.idempotency_key,
        )
        return OrderCancelByMerchantPayload(
            order=_wrap(cancelled.value), user_errors=user_errors(cancelled.refusals)
        )
