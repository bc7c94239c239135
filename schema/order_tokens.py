"""Taking an order's token back."""

import strawberry

from headless_presale.identity import Scope
from headless_presale.orders import OrderView
from resolvers import order_tokens
from resolvers.errors import Answer
from schema.admin.orders import AdminOrderType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.orders import OrderType
from schema.permissions import customer_only, requires

KEY = "Unique per wish, 1 to 200 characters: repeating it repeats nothing."
MAILED = (
    "Where the new link is mailed: the buyer's address of the order. Null, and nowhere, where that "
    "is neither proven to be the customer's nor paid from."
)


@strawberry.input(description="An order of one's own whose token is to end.")
class OrderTokenRevokeInput:
    order_id: strawberry.ID = strawberry.field(description="`Order.id`.")
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.input(description="An order whose token is to end.")
class OrderTokenRevokeByMerchantInput:
    order_id: strawberry.ID
    version: int = strawberry.field(description="`AdminOrder.version` as you read it.")
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.type
class OrderTokenRevokePayload:
    order: OrderType | None
    mailed_to: str | None = strawberry.field(description=MAILED)
    user_errors: list[UserError]


@strawberry.type
class OrderTokenRevokeByMerchantPayload:
    order: AdminOrderType | None
    mailed_to: str | None = strawberry.field(description=MAILED)
    user_errors: list[UserError]


def _mailed_to(revoked: Answer[OrderView]) -> str | None:
    order = revoked.value
    return None if order is None else order_tokens.mailed_to(order)


@strawberry.type
class OrderTokenMutation:
    """By whom an order's token is taken back."""

    @strawberry.mutation(
        description="End the token of one's own order, and every link that carries it, at once. "
        "The new link is mailed: without `PRESALE_ORDER_URL_TEMPLATE` none can be, and "
        "`ORDER_LINK_NOT_CONFIGURED` refuses.",
        extensions=customer_only(),
    )
    async def order_token_revoke(
        self, info: Info, input: OrderTokenRevokeInput
    ) -> OrderTokenRevokePayload:
        revoked = await order_tokens.revoke(
            info.context, order_id=input.order_id, idempotency_key=input.idempotency_key
        )
        return OrderTokenRevokePayload(
            order=None if revoked.value is None else OrderType(order=revoked.value),
            mailed_to=_mailed_to(revoked),
            user_errors=user_errors(revoked.refusals),
        )

    @strawberry.mutation(
        description="End the token of a buyer's order, and every link that carries it, at once. "
        "The new link is mailed to him: without `PRESALE_ORDER_URL_TEMPLATE` none can be, and "
        "`ORDER_LINK_NOT_CONFIGURED` refuses.",
        extensions=requires(Scope.ORDERS_READ, Scope.ORDERS_WRITE),
    )
    async def order_token_revoke_by_merchant(
        self, info: Info, input: OrderTokenRevokeByMerchantInput
    ) -> OrderTokenRevokeByMerchantPayload:
        revoked = await order_tokens.revoke_by_merchant(
            info.context,
            order_id=input.order_id,
            version=input.version,
            idempotency_key=input.idempotency_key,
        )
        return OrderTokenRevokeByMerchantPayload(
            order=None if revoked.value is None else AdminOrderType(order=revoked.value),
            mailed_to=_mailed_to(revoked),
            user_errors=user_errors(revoked.refusals),
        )
