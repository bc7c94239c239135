"""Sold out, told before an order is prepared.

When a sale is over in a minute, thousands come after it, and each is to be told so at once. Where a
pool has refused somebody a moment ago, Redis is asked for the next order's numbers first, as it is
in the end (``admission.admit``, which knows repeats and limits too). "Sold out" is all that such an
order needs; whatever else Redis says, it is placed as ever: asked again, it has those numbers.
"""

import time
from uuid import UUID

from headless_presale.checkout.checks import check_form, find_campaign
from headless_presale.checkout.command import PlaceOrder
from headless_presale.kernel import metrics
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.redis import is_troubled
from headless_presale.slots import SlotsSoldOut, SoldOut, admit

REMEMBER_SECONDS = 10.0
"""How long after a refusal the next ones are expected. It decides what is asked first, and never
what is answered."""
MOST_REMEMBERED = 1_000

_sold_out_at: dict[UUID, float] = {}


def note_sold_out(pool_id: UUID) -> None:
    """Remember that an order was refused for want of slots."""
    if len(_sold_out_at) >= MOST_REMEMBERED:
        _sold_out_at.clear()
    # The newest is the last.
    _sold_out_at.pop(pool_id, None)
    _sold_out_at[pool_id] = time.monotonic()


def is_any_sold_out() -> bool:
    """Tell whether it is worth to look whether an order is one more that is refused."""
    newest = next(reversed(_sold_out_at.values()), None)
    return newest is not None and time.monotonic() - newest < REMEMBER_SECONDS


async def find_sold_out(command: PlaceOrder) -> SlotsSoldOut | None:
    """Return the refusal of an order for which there are no slots; None where it is to be placed.

    Only of a guest's order of one item: of others there is more to be told. Nothing is changed by
    a refusal.
    """
    if command.account is not None or command.cart_id is not None or is_troubled():
        return None
    try:
        order = check_form(command)
        if len(order.quantities) != 1:
            return None
        campaign = await find_campaign(order)
        (item_id,) = order.quantities
        pool_id = next(item.pool_id for item in campaign.items if item.id == item_id)
        if not _was_sold_out(pool_id):
            return None
        quantity = order.quantities[item_id]
        admission = await admit(pool_id, order.order_id, order.customer_id, quantity)
    except (DomainError, Unavailable):
        # It is told where the order is placed, which may be a repeat.
        return None
    if not isinstance(admission, SoldOut):
        _sold_out_at.pop(pool_id, None)
        return None
    if is_troubled():
        return None
    note_sold_out(pool_id)
    metrics.ORDERS_REFUSED.labels(SlotsSoldOut.code).inc()
    refusal = SlotsSoldOut(pool_id=pool_id, remaining=admission.remaining)
    refusal.field = command.place_of_item(item_id)
    return refusal


def _was_sold_out(pool_id: UUID) -> bool:
    at = _sold_out_at.get(pool_id)
    if at is None:
        return False
    if time.monotonic() - at < REMEMBER_SECONDS:
        return True
    del _sold_out_at[pool_id]
    return False
