"""The cart of an account that has become another one."""

from headless_presale.carts.claiming import claim_cart
from headless_presale.carts.errors import CartNotFound, CurrencyMismatch
from headless_presale.customers import CustomersMerged
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import current_work


async def move_cart(event: CustomersMerged) -> None:
    """Put the cart together with that of the other account; if they do not fit, it is nobody's."""
    row = await current_work().fetchrow(
        "UPDATE cart SET customer_id = NULL WHERE customer_id = $1 RETURNING id", event.merged_id
    )
    reach("carts.let_go")
    if row is None:
        return
    try:
        await claim_cart(row["id"], event.customer_id, event.shop_id)
    except (CartNotFound, CurrencyMismatch, InvalidInput):
        # It has ended, or the two have no room in one: what the address's account has stands.
        return
