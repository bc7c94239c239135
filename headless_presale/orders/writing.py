"""Writing new orders, with their lines and their first events: any number in two statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.kernel.events import Actor
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders.events import OrderPlaced
from headless_presale.orders.view import LineView, OrderView


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be written, and what has to hold when it is.

    Attributes:
        campaign_version: what the order was priced from.
        sign_in_id: of the customer who places it; None for a guest's.
        actor: who places it.
    """

    order: OrderView
    campaign_version: int
    sign_in_id: UUID | None
    actor: Actor


@dataclass(frozen=True, slots=True)
class Rider:
    """What is changed by the statement that writes an order: with it, or not at all.

    Attributes:
        sql: CTEs behind ``placed``, whose arguments are numbered from ``FIRST_RIDER_ARGUMENT``.
        args: those arguments.
        counted: the CTE whose rows are counted.
        check: raises a DomainError, and nothing is written, unless their number is right.
    """

    sql: str
    args: tuple[object, ...]
    counted: str
    check: Callable[[int], None]


# Column, type, value. All orders of a statement go as one JSON text: an array for each column costs
# several times that, for asyncpg looks at every element by itself.
_OrderColumn = tuple[str, str, Callable[[OrderView], object]]
_ORDER_COLUMNS: tuple[_OrderColumn, ...] = (
    ("id", "uuid", lambda order: order.id),
    ("shop_id", "uuid", lambda order: order.shop_id),
    ("campaign_id", "uuid", lambda order: order.campaign_id),
    ("customer_id", "uuid", lambda order: order.customer_id),
    ("status", "text", lambda order: order.status),
    ("currency", "text", lambda order: order.total.currency),
    ("total_minor", "bigint", lambda order: order.total.amount_minor),
    ("deposit_minor", "bigint", lambda order: order.deposit.amount_minor),
    ("balance_minor", "bigint", lambda order: order.balance.amount_minor),
    ("terms_version", "int", lambda order: order.terms_version),
    ("payment_plan", "jsonb", lambda order: order.payment_plan),
    ("cancel_policy", "jsonb", lambda order: order.cancel_policy),
    ("buyer", "jsonb", lambda order: order.buyer),
    ("shipping_address", "jsonb", lambda order: order.shipping_address),
    ("locale", "text", lambda order: order.locale),
    ("request_hash", "text", lambda order: order.request_hash),
    ("hold_expires_at", "timestamptz", lambda order: order.hold_expires_at),
    ("balance_opens_at", "timestamptz", lambda order: order.balance_opens_at),
    ("balance_remind_at", "timestamptz", lambda order: order.balance_remind_at),
    ("balance_due_at", "timestamptz", lambda order: order.balance_due_at),
    ("placed_at", "timestamptz", lambda order: order.placed_at),
    ("updated_at", "timestamptz", lambda order: order.placed_at),
    ("closed_reason", "text", lambda order: order.closed_reason),
    ("number", "text", lambda order: order.number),
    ("quantity", "int", lambda order: order.quantity),
)
_LineColumn = tuple[str, str, Callable[[LineView], object]]
_LINE_COLUMNS: tuple[_LineColumn, ...] = (
    ("id", "uuid", lambda line: line.id),
    ("item_id", "uuid", lambda line: line.item_id),
    ("pool_id", "uuid", lambda line: line.pool_id),
    ("quantity", "int", lambda line: line.quantity),
    ("numbers", "jsonb", lambda line: line.numbers),
    ("unit_price_minor", "bigint", lambda line: line.unit_price.amount_minor),
    ("price_reason", "jsonb", lambda line: line.price_reason),
    ("title", "text", lambda line: line.title),
    ("ships_by", "date", lambda line: line.ships_by),
)


def _names(columns: Sequence[tuple[str, str, object]], table: str = "") -> str:
    return ", ".join(f"{table}{name}" for name, _, _ in columns)


def _typed(columns: Sequence[tuple[str, str, object]]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind, _ in columns)


FIRST_RIDER_ARGUMENT = 3

# The lock is the foreign key's own, taken before the version is compared: no order can slip in
# behind whoever calls the campaign off. Nor behind whoever ends the sign-in it is placed with, to
# erase the customer or to give his orders over: that one waits, or this order is none. In the order
# of their ids, so that two statements which meet on the same orders cannot wait for each other.
_PLACED = f"""
WITH placed AS (
    INSERT INTO sales_order ({_names(_ORDER_COLUMNS)})
    SELECT {_names(_ORDER_COLUMNS, "o.")}
    FROM json_to_recordset($1::json)
         AS o({_typed(_ORDER_COLUMNS)}, campaign_version int, sign_in_id uuid)
    JOIN campaign c ON c.id = o.campaign_id AND c.version = o.campaign_version
    WHERE o.sign_in_id IS NULL OR EXISTS (
        SELECT FROM customer_grant g
        WHERE g.id = o.sign_in_id AND g.revoked_at IS NULL FOR SHARE)
    ORDER BY o.id
    FOR KEY SHARE OF c
    ON CONFLICT (id) DO NOTHING RETURNING id
), lines AS (
    INSERT INTO order_line (order_id, position, {_names(_LINE_COLUMNS)})
    SELECT placed.id, l.position, {_names(_LINE_COLUMNS, "l.")}
    FROM json_to_recordset($2::json) AS l(order_id uuid, position int, {_typed(_LINE_COLUMNS)})
    JOIN placed ON placed.id = l.order_id
)"""
_INSERT = f"{_PLACED} SELECT id FROM placed"


async def write_orders(
    work: UnitOfWork, wanted: Sequence[NewOrder], *, rider: Rider | None = None
) -> bool:
    """Write orders with their lines and their first events.

    Args:
        wanted: of different ids.
        rider: what else belongs into the first statement; of a single order only.

    Returns:
        Whether all are written. Otherwise nothing of this transaction may be kept, unless it is a
        single one, of which then nothing is written: its id exists already, the campaign is no
        longer of the version it was priced from, or the sign-in has ended.
    """
    sql = _INSERT
    if rider is not None:
        sql = (
            f"{_PLACED}, {rider.sql} "
            f"SELECT id, (SELECT count(*) FROM {rider.counted}) AS counted FROM placed"
        )
    rows = await work.fetch(sql, *_arguments(wanted), *(rider.args if rider is not None else ()))
    if len(rows) != len(wanted):
        return False
    if rider is not None:
        rider.check(rows[0]["counted"])
    reach("orders.written")
    for new in wanted:
        work.emit(_placed(new.order), actor=new.actor)
    for campaign_id in {new.order.campaign_id for new in wanted}:
        work.wake(f"availability:{campaign_id}")
    return True


def _arguments(wanted: Sequence[NewOrder]) -> tuple[str, str]:
    """Return all orders, and all lines, as JSON."""
    orders = [
        {
            **{name: value(new.order) for name, _, value in _ORDER_COLUMNS},
            "campaign_version": new.campaign_version,
            "sign_in_id": new.sign_in_id,
        }
        for new in wanted
    ]
    lines = [
        {
            "order_id": new.order.id,
            "position": position,
            **{name: value(line) for name, _, value in _LINE_COLUMNS},
        }
        for new in wanted
        for position, line in enumerate(new.order.lines)
    ]
    return to_jsonb(orders), to_jsonb(lines)


def _placed(order: OrderView) -> OrderPlaced:
    return OrderPlaced(
        order_id=order.id,
        campaign_id=order.campaign_id,
        target=order.status,
        total_minor=order.total.amount_minor,
        currency=order.total.currency,
        hold_expires_at=order.hold_expires_at,
    )
