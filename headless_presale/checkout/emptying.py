"""A cart is emptied with its order: of all that was ordered, or there is no order."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.carts import CartChanged, CartLine, emptying_args, emptying_sql
from headless_presale.orders import FIRST_RIDER_ARGUMENT, Rider


def emptying(cart_id: UUID, lines: Sequence[CartLine]) -> Rider:
    """Return what takes the lines of an order out of their cart."""

    def check(emptied: int) -> None:
        if emptied != len(lines):
            # Somebody has changed it, or another order of it has been faster.
            raise CartChanged(field=("cartId",))

    return Rider(
        sql=emptying_sql(FIRST_RIDER_ARGUMENT),
        args=emptying_args(cart_id, lines),
        counted="emptied",
        check=check,
    )
