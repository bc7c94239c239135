"""Taking an order's token back: a customer his own, a merchant one of his shops'."""

from headless_presale.kernel.events import acting_as
from headless_presale.orders import (
    OrderLinkNotConfigured,
    OrderNotFound,
    OrderView,
    RevokeToken,
    find_order,
    is_new_link_mailed,
    revoke_order_token,
)
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate
from resolvers.order_access import access_of, actor_by


async def revoke(
    context: RequestContext, *, order_id: str, idempotency_key: str
) -> Answer[OrderView]:
    """End the token of the customer's own order."""
    access = access_of(context.customer.customer)

    async def run() -> OrderView:
        return await _revoke(
            context,
            RevokeToken(
                order_id=read_input_id(order_id, "Order", ("orderId",)),
                idempotency_key=idempotency_key,
                access=access,
            ),
        )

    with acting_as(actor_by(context, access)):
        return await mutate(context, run())


async def revoke_by_merchant(
    context: RequestContext, *, order_id: str, version: int, idempotency_key: str
) -> Answer[OrderView]:
    """End the token of an order of the caller's shops."""

    async def run() -> OrderView:
        return await _revoke(
            context,
            RevokeToken(
                order_id=read_input_id(order_id, "Order", ("orderId",)),
                idempotency_key=idempotency_key,
                shop_ids=context.principal.shop_ids,
                version=version,
            ),
        )

    return await told(context, run)


def mailed_to(order: OrderView) -> str | None:
    """Return where the new link of an order goes; None if nowhere."""
    return order.buyer["email"] if is_new_link_mailed(order) else None


async def _revoke(context: RequestContext, command: RevokeToken) -> OrderView:
    if context.settings.order_url_template is None:
        # The mail would hold no link: a guest would be left with none at all.
        raise OrderLinkNotConfigured()
    await revoke_order_token(command)
    order = await find_order(command.order_id)
    if order is None:
        raise OrderNotFound(field=("orderId",))
    return order
