"""An order as one immutable value: what resolvers, mails and the checkout read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson

from headless_presale.kernel.ids import display_number, read_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.reading import read_row, read_rows
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders.states import OrderStatus
from headless_presale.payments import PaymentLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line: slots of one item at one frozen price."""

    id: UUID
    item_id: UUID
    pool_id: UUID
    numbers: tuple[int, ...]
    unit_price: Money
    price_reason: dict[str, Any]
    title: str
    ships_by: date | None

    @property
    def quantity(self) -> int:
        return len(self.numbers)

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order with its lines. ``deposit + balance == total``; the deposit of a full plan is 0."""

    id: UUID
    shop_id: UUID
    campaign_id: UUID
    customer_id: UUID
    status: OrderStatus
    total: Money
    deposit: Money
    balance: Money
    terms_version: int
    payment_plan: dict[str, Any]
    cancel_policy: dict[str, Any]
    buyer: dict[str, Any]
    shipping_address: dict[str, Any]
    locale: str
    request_hash: str
    hold_expires_at: datetime
    balance_opens_at: datetime | None
    balance_remind_at: datetime | None
    balance_due_at: datetime | None
    placed_at: datetime
    reminded_at: datetime | None = None
    closed_reason: str = ""
    version: int = 1
    access_generation: int = 0
    lines: tuple[LineView, ...] = ()

    @property
    def is_erased(self) -> bool:
        """Whether its buyer has been forgotten: there is nobody to be told of it."""
        return not self.buyer["email"]

    @property
    def number(self) -> str:
        """The order number that people read to each other."""
        return display_number(self.id)

    @property
    def quantity(self) -> int:
        """How many slots it is of."""
        return sum(line.quantity for line in self.lines)

    @property
    def ships_by(self) -> date | None:
        """The latest promise of any line."""
        return max((line.ships_by for line in self.lines if line.ships_by), default=None)


def leg_amount(order: OrderView, leg: PaymentLeg) -> Money:
    """Return what a leg of an order costs."""
    return {
        PaymentLeg.DEPOSIT: order.deposit,
        PaymentLeg.BALANCE: order.balance,
        PaymentLeg.FULL: order.total,
    }[leg]


ORDER_COLUMNS = """o.*, (SELECT json_agg(json_build_object(
    'id', l.id, 'item_id', l.item_id, 'pool_id', l.pool_id, 'numbers', l.numbers,
    'unit_price_minor', l.unit_price_minor, 'price_reason', l.price_reason, 'title', l.title,
    'ships_by', l.ships_by) ORDER BY l.position) FROM order_line l WHERE l.order_id = o.id) AS lines
"""
"""What :func:`read_row_of_order` reads, of ``sales_order o``."""

_SELECT = f"SELECT {ORDER_COLUMNS} FROM sales_order o"

_AS_THEY_ARE = (
    "id",
    "shop_id",
    "campaign_id",
    "customer_id",
    "terms_version",
    "locale",
    "request_hash",
    "hold_expires_at",
    "balance_opens_at",
    "balance_remind_at",
    "balance_due_at",
    "placed_at",
    "reminded_at",
    "closed_reason",
    "version",
    "access_generation",
)
_as_they_are = itemgetter(*_AS_THEY_ARE)


def read_row_of_order(row: asyncpg.Record) -> OrderView:
    """Return the order of a row."""
    currency = row["currency"]
    return OrderView(
        status=OrderStatus(row["status"]),
        total=Money(row["total_minor"], currency),
        deposit=Money(row["deposit_minor"], currency),
        balance=Money(row["balance_minor"], currency),
        lines=tuple(_read_line(line, currency) for line in orjson.loads(row["lines"] or "[]")),
        payment_plan=orjson.loads(row["payment_plan"]),
        cancel_policy=orjson.loads(row["cancel_policy"]),
        buyer=orjson.loads(row["buyer"]),
        shipping_address=orjson.loads(row["shipping_address"]),
        **dict(zip(_AS_THEY_ARE, _as_they_are(row), strict=True)),
    )


def _read_line(data: dict[str, Any], currency: str) -> LineView:
    return LineView(
        id=read_id(data["id"]),
        item_id=read_id(data["item_id"]),
        pool_id=read_id(data["pool_id"]),
        numbers=tuple(data["numbers"]),
        unit_price=Money(data["unit_price_minor"], currency),
        price_reason=cast(dict[str, Any], data["price_reason"]),
        title=data["title"],
        ships_by=date.fromisoformat(data["ships_by"]) if data["ships_by"] else None,
    )


async def read_order(work: UnitOfWork, order_id: UUID) -> OrderView | None:
    """Read an order within a transaction."""
    row = await work.fetchrow(f"{_SELECT} WHERE o.id = $1", order_id)
    return read_row_of_order(row) if row is not None else None


async def read_orders(
    work: UnitOfWork, ids: str, order_by: str, args: Sequence[object]
) -> list[OrderView]:
    """Read the orders that a query names within a transaction, in one statement.

    Args:
        ids: the query; its rows are known as ``page``.
        order_by: what they are sorted by.
    """
    return [read_row_of_order(row) for row in await work.fetch(_page(ids, order_by), *args)]


async def find_orders(ids: str, order_by: str, args: Sequence[object]) -> list[OrderView]:
    """Return the orders that a query names, likewise."""
    return [read_row_of_order(row) for row in await read_rows(_page(ids, order_by), *args)]


def _page(ids: str, order_by: str) -> str:
    return (
        f"WITH page AS MATERIALIZED ({ids}) {_SELECT} JOIN page ON page.id = o.id "
        f"ORDER BY {order_by}"
    )


async def find_order_of(shop_ids: Collection[UUID], order_id: UUID) -> OrderView | None:
    """Return an order of one of these shops, or None."""
    row = await read_row(
        f"{_SELECT} WHERE o.id = $1 AND o.shop_id = ANY($2::uuid[])", order_id, list(shop_ids)
    )
    return read_row_of_order(row) if row is not None else None


async def find_order(order_id: UUID) -> OrderView | None:
    """Return an order with its lines, or None."""
    row = await read_row(f"{_SELECT} WHERE o.id = $1", order_id)
    return read_row_of_order(row) if row is not None else None
