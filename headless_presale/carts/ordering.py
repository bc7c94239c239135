"""A cart that becomes an order is emptied by the statement that writes the order, or not at all."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.carts.rules import CartLine


def emptying_sql(first: int) -> str:
    """Return what takes a cart's ordered lines out, as CTEs behind ``placed``: the order's rows.

    The last of them, ``emptied``, has a row for each line that is out. Its arguments are numbered
    from ``first``: see :func:`emptying_args`. The cart is locked before its lines, as all who
    change it do.
    """
    return f"""
    locked_cart AS MATERIALIZED (
        SELECT id FROM cart WHERE id = ${first} AND EXISTS (SELECT FROM placed) FOR UPDATE
    ), emptied AS (
        DELETE FROM cart_line AS line
        USING locked_cart, unnest(${first + 1}::uuid[], ${first + 2}::int[]) AS o(item_id, quantity)
        WHERE line.cart_id = locked_cart.id AND line.item_id = o.item_id
          AND line.quantity = o.quantity
        RETURNING line.id
    )"""


def emptying_args(cart_id: UUID, lines: Sequence[CartLine]) -> tuple[object, ...]:
    """Return the arguments for the lines that are ordered; one that has changed stays."""
    return cart_id, [line.item_id for line in lines], [line.quantity for line in lines]
