"""Orders of an account that has become another one: they are that one's."""

from headless_presale.customers import CustomersMerged
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import current_work
from headless_presale.slots import move_quotas


async def move_orders(event: CustomersMerged) -> None:
    """Move orders, and what they count for in limits per customer."""
    work = current_work()
    # First, for it waits for whoever has one of them in hand: a quota follows its order.
    moved = await work.fetch(
        "UPDATE sales_order SET customer_id = $2 WHERE customer_id = $1 RETURNING id",
        event.merged_id,
        event.customer_id,
    )
    reach("orders.given_over")
    if not moved:
        return
    pools = await work.fetch(
        "SELECT DISTINCT pool_id FROM order_line WHERE order_id = ANY($1::uuid[]) ORDER BY pool_id",
        [row["id"] for row in moved],
    )
    await move_quotas(work, event.merged_id, event.customer_id, [row["pool_id"] for row in pools])
