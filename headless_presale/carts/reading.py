"""A cart as it is stored, and as it is now: priced, with what can no longer be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from tortoise.connection import get_connection

from headless_presale.campaigns import (
    CampaignSnapshot,
    ItemSnapshot,
    find_snapshots_of_items,
)
from headless_presale.carts.rules import (
    SELLING,
    CartLine,
    PriceChange,
    PricedUnits,
    Unavailability,
    find_price_change,
    find_unavailability,
    keep_shown,
    price_units,
    total_of,
)
from headless_presale.kernel import clock
from headless_presale.kernel.money import Money
from headless_presale.slots import count_available


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line with what it was shown at."""

    item_id: UUID
    quantity: int
    shown: tuple[PricedUnits, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCart:
    """A cart as the database has it; lines in the order in which they came."""

    id: UUID
    shop_id: UUID
    customer_id: UUID | None
    currency: str
    expires_at: datetime
    lines: tuple[StoredLine, ...]
    added: UUID | None = None
    """The item that the change which led to this has added, where it was in no line before."""

    @property
    def wishes(self) -> list[CartLine]:
        """What would be ordered."""
        return [CartLine(line.item_id, line.quantity) for line in self.lines]


LINES = """(
    SELECT json_agg(json_build_object('item_id', l.item_id, 'quantity', l.quantity,
                                      'shown', l.shown) ORDER BY l.id)
    FROM cart_line l WHERE l.cart_id = c.id) AS lines"""
_SELECT = f"""
SELECT c.id, c.shop_id, c.customer_id, c.currency, c.expires_at, {LINES}
FROM cart c WHERE c.expires_at > $2"""
_BY_ID = f"{_SELECT} AND c.id = $1 AND c.customer_id IS NOT DISTINCT FROM $3"
_OF_CUSTOMER = f"{_SELECT} AND c.customer_id = $1"


async def find_cart(cart_id: UUID, *, customer_id: UUID | None) -> StoredCart | None:
    """Return a customer's cart, or one that is nobody's yet; None if there is none or it ended.

    One statement, and no transaction around it.
    """
    return await _find(_BY_ID, [cart_id, clock.now(), customer_id])


async def find_cart_of(customer_id: UUID) -> StoredCart | None:
    """Return a customer's cart, or None."""
    return await _find(_OF_CUSTOMER, [customer_id, clock.now()])


async def _find(sql: str, args: list[Any]) -> StoredCart | None:
    rows = await get_connection("default").execute_query_dict(sql, args)
    return read_cart(rows[0]) if rows else None


def read_cart(row: Any) -> StoredCart:
    """Return a cart of a row that has its columns and ``LINES``."""
    currency = row["currency"]
    return StoredCart(
        id=row["id"],
        shop_id=row["shop_id"],
        customer_id=row["customer_id"],
        currency=currency,
        expires_at=row["expires_at"],
        lines=tuple(
            StoredLine(
                UUID(line["item_id"]),
                line["quantity"],
                tuple(PricedUnits.from_json(part, currency) for part in line["shown"]),
            )
            for line in orjson.loads(row["lines"] or "[]")
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A line as it is at a moment.

    Attributes:
        campaign: None, as ``item`` is, where the item is no longer offered to anybody.
        units: what its units cost; empty where there is no price any more.
        unavailability: why it cannot be ordered now.
    """

    stored: StoredLine
    campaign: CampaignSnapshot | None = None
    item: ItemSnapshot | None = None
    units: tuple[PricedUnits, ...] = ()
    unavailability: Unavailability | None = None
    change: PriceChange | None = None

    @property
    def unit_price(self) -> Money | None:
        """What its first unit costs."""
        return self.units[0].unit_price if self.units else None

    @property
    def total(self) -> Money | None:
        """What all of its units cost."""
        if not self.units:
            return None
        return total_of(self.units, self.units[0].unit_price.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedCart:
    """A cart as it is at a moment."""

    stored: StoredCart
    lines: tuple[QuotedLine, ...]

    @property
    def total(self) -> Money:
        """What the lines cost that can be ordered now."""
        totals = [line.total for line in self.lines if line.unavailability is None and line.total]
        return sum(totals, Money.zero(self.stored.currency))


async def quote_cart(cart: StoredCart, *, at: datetime) -> QuotedCart:
    """Price a cart as an order of it would be at this moment.

    Campaigns are a second old at most, and what is left is asked of Redis: no statement while both
    are known.
    """
    return QuotedCart(stored=cart, lines=tuple(await quote_lines(cart.lines, at=at)))


async def quote_lines(lines: Sequence[StoredLine], *, at: datetime) -> list[QuotedLine]:
    """Price lines, each by itself."""
    found = await find_snapshots_of_items([line.item_id for line in lines])
    offers = {line.item_id: _offer(found.get(line.item_id), line.item_id) for line in lines}
    left = await count_available(
        sorted({item.pool_id for offer in offers.values() if offer for item in offer[1:]})
    )
    return [_quote(line, offers[line.item_id], left, at) for line in lines]


def _offer(
    campaign: CampaignSnapshot | None, item_id: UUID
) -> tuple[CampaignSnapshot, ItemSnapshot] | None:
    """Return an item that buyers may see, with its campaign."""
    if campaign is None or not campaign.is_published:
        return None
    item = campaign.item(item_id)
    return (campaign, item) if item is not None else None


def _quote(
    line: StoredLine,
    offer: tuple[CampaignSnapshot, ItemSnapshot] | None,
    left: dict[UUID, int],
    at: datetime,
) -> QuotedLine:
    if offer is None:
        return QuotedLine(stored=line, unavailability=Unavailability.WITHDRAWN)
    campaign, item = offer
    status, slots_left = campaign.status(at), left[item.pool_id]
    unavailability = find_unavailability(
        status, slots_left=slots_left, quantity=line.quantity, limit=item.limit_per_customer
    )
    units: tuple[PricedUnits, ...] = ()
    if status in SELLING and unavailability is not Unavailability.SOLD_OUT:
        units = price_units(campaign, item, line.quantity, slots_left=slots_left, at=at)
    return QuotedLine(
        stored=line,
        campaign=campaign,
        item=item,
        units=units,
        unavailability=unavailability,
        change=find_price_change(keep_shown(line.shown, units), units, item) if units else None,
    )
