"""A customer's orders as a list: the latest first, those from before he had an account included."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.customers import SIGNED_IN, CustomerClaims, sign_in_of
from headless_presale.kernel.keyset import Arguments, Direction
from headless_presale.kernel.reading import read_row
from headless_presale.orders.access import CustomerAccess
from headless_presale.orders.listing import COUNTED_AT_MOST
from headless_presale.orders.states import OrderStatus
from headless_presale.orders.view import (
    ORDER_COLUMNS,
    OrderView,
    find_orders,
    read_row_of_order,
)

Moment = tuple[datetime, UUID]
"""Where an order stands: when it was placed, and its id."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A customer whose sign-in stands, and what he asked for: an order, whosever it is."""

    access: CustomerAccess
    order: OrderView | None


async def find_order_signed_in(claims: CustomerClaims, order_id: UUID) -> Asked | None:
    """Return who holds a verified token, and an order, in one statement; None if his sign-in has
    ended. Whether the order is his, his access tells.

    Raises:
        Unavailable: the database does not answer; nobody is let in meanwhile.
    """
    row = await read_row(
        f"SELECT c.id AS asker_id, c.email AS asker_email, {ORDER_COLUMNS} "
        f"FROM {SIGNED_IN} LEFT JOIN sales_order o ON o.id = $5",
        *sign_in_of(claims),
        order_id,
    )
    if row is None:
        return None
    access = CustomerAccess(customer_id=row["asker_id"], email=row["asker_email"])
    return Asked(access, None if row["id"] is None else read_row_of_order(row))


async def list_own_orders(
    customer: CustomerAccess,
    statuses: Collection[OrderStatus] = (),
    *,
    limit: int,
    after: Moment | None = None,
    before: Moment | None = None,
    from_end: bool = False,
) -> list[OrderView]:
    """Return at most ``limit`` orders strictly between two positions, the latest first.

    One statement and no transaction: a customer's orders have one index, whatever the values.

    Args:
        statuses: any of these; none means any at all.
        from_end: the last ones between the positions, not the first.
    """
    page = own_query(customer, statuses, limit=limit, after=after, before=before, from_end=from_end)
    return await find_orders(*page)


async def count_own_orders(customer: CustomerAccess, statuses: Collection[OrderStatus] = ()) -> int:
    """Count a customer's orders, as far as lists are counted."""
    args = Arguments()
    conditions = " AND ".join(_conditions(customer, statuses, args))
    bound = args.put(COUNTED_AT_MOST)
    row = await read_row(
        f"SELECT count(*) FROM (SELECT 1 FROM sales_order o WHERE {conditions} "
        f"LIMIT {bound}) AS counted",
        *args,
    )
    assert row is not None
    return int(row["count"])


def own_query(
    customer: CustomerAccess,
    statuses: Collection[OrderStatus],
    *,
    limit: int,
    after: Moment | None,
    before: Moment | None,
    from_end: bool,
) -> tuple[str, str, Sequence[object]]:
    """Return the page's ids as a query, the order of its rows, and the arguments."""
    args, direction = Arguments(), Direction(is_descending=True, from_end=from_end)
    conditions = _conditions(customer, statuses, args)
    conditions += direction.between("o.placed_at, o.id", after, before, args)
    ids = (
        f"SELECT o.id, o.placed_at AS key FROM sales_order o WHERE {' AND '.join(conditions)} "
        f"ORDER BY o.placed_at {direction.walked}, o.id {direction.walked} LIMIT {args.put(limit)}"
    )
    return ids, f"page.key {direction.told}, page.id {direction.told}", args


def _conditions(
    customer: CustomerAccess, statuses: Collection[OrderStatus], args: Arguments
) -> list[str]:
    """Return what an order has to meet; the same as ``CustomerAccess.opens``."""
    conditions = [f"o.customer_id = {args.put(customer.customer_id)}"]
    if customer.email is not None:
        conditions.append(
            f"(lower(o.buyer ->> 'email') = {args.put(customer.email)} "
            "OR octet_length(o.buyer ->> 'email') = char_length(nullif(o.buyer ->> 'email', '')))"
        )
    if statuses:
        conditions.append(f"o.status = ANY({args.put(sorted(set(statuses)))}::text[])")
    return conditions
