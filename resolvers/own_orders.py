"""What a customer has ordered: the orders of his address, those from before he signed in too."""

from collections.abc import Collection
from functools import partial

from headless_presale.customers import Customer
from headless_presale.orders import (
    OrderStatus,
    OrderView,
    count_own_orders,
    list_own_orders,
)
from resolvers.context import RequestContext
from resolvers.errors import reads
from resolvers.order_access import access_of
from resolvers.paging import Page, PageRequest, moment_cursors, paginate

CURSORS = moment_cursors("own-orders")


@reads
async def page_of_own_orders(
    context: RequestContext,
    customer: Customer,
    statuses: Collection[OrderStatus] | None,
    request: PageRequest,
) -> Page[OrderView]:
    """Return a page of a customer's orders, the latest first.

    Raises:
        ArgumentInvalid: a size out of range, or a cursor of something else.
    """
    context.forbid_reuse()
    access = access_of(customer)
    return await paginate(
        request,
        partial(list_own_orders, access, statuses or ()),
        key=lambda order: (order.placed_at, order.id),
        cursors=CURSORS,
        count=partial(count_own_orders, access, statuses or ()),
    )
