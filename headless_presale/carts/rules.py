"""The rules of a cart: how much may be in it, and how it tells that a price has changed. Pure.

A cart holds no prices, it remembers which ones were shown: unit by unit, for the first units of a
line can lie in a cheaper tier than those behind them. What it costs is asked of the campaign each
time, and a difference is told until the buyer accepts it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from headless_presale.campaigns import CampaignSnapshot, CampaignStatus, ItemSnapshot
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.money import Money
from headless_presale.pricing import PriceReason, QuotedPrice, group_by_price

MAX_LINES = 20
MAX_QUANTITY = 100

SELLING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.LIVE})
"""There is a price: now, or from the opening on."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """A wish: so many of one campaign item."""

    item_id: UUID
    quantity: int


def sum_lines(lines: Sequence[CartLine]) -> dict[UUID, int]:
    """Return the quantity by item: lines of one item are one wish.

    Raises:
        InvalidInput: no line, too many, or a quantity out of range.
    """
    if not lines:
        raise InvalidInput(reason="the order has no lines", field=("lines",))
    check_line_count(len(lines), ("lines",))
    wanted: dict[UUID, int] = {}
    for index, line in enumerate(lines):
        field = ("lines", str(index), "quantity")
        check_quantity(line.quantity, field)
        wanted[line.item_id] = wanted.get(line.item_id, 0) + line.quantity
        check_quantity(wanted[line.item_id], field)
    return wanted


def check_line_count(count: int, field: tuple[str, ...]) -> None:
    """Raise InvalidInput if these are more lines than an order may have."""
    if count > MAX_LINES:
        raise InvalidInput(reason="at most {most} lines", most=MAX_LINES, field=field)


def check_quantity(quantity: int, field: tuple[str, ...]) -> None:
    """Raise InvalidInput unless an order may have so many of one item."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidInput(
            reason="the quantity must be within 1 and {most}", most=MAX_QUANTITY, field=field
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedUnits:
    """Units of a line that cost the same, for the same reason."""

    quantity: int
    unit_price: Money
    reason: PriceReason
    tier: str | None
    gift: str | None = None

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, which does without the currency: the cart's."""
        return {
            "quantity": self.quantity,
            "unit_price_minor": self.unit_price.amount_minor,
            "reason": str(self.reason),
            "tier": self.tier,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], currency: str) -> "PricedUnits":
        """Read the stored form."""
        return cls(
            quantity=data["quantity"],
            unit_price=Money(data["unit_price_minor"], currency),
            reason=PriceReason(data["reason"]),
            tier=data["tier"],
        )


def price_units(
    campaign: CampaignSnapshot, item: ItemSnapshot, quantity: int, *, slots_left: int, at: datetime
) -> tuple[PricedUnits, ...]:
    """Return what so many units cost at a moment, by the numbers that are next to be sold.

    The order itself is priced by the numbers it gets, by the same rule.
    """
    first = item.next_number(slots_left)
    runs = group_by_price(
        range(first, first + quantity), item.price, item.tiers, opens_at=campaign.opens_at, at=at
    )
    return tuple(_priced(quoted, len(numbers)) for quoted, numbers in runs)


def _priced(quoted: QuotedPrice, quantity: int) -> PricedUnits:
    return PricedUnits(
        quantity=quantity,
        unit_price=quoted.unit_price,
        reason=quoted.reason,
        tier=quoted.tier,
        gift=quoted.gift,
    )


def total_of(units: Iterable[PricedUnits], currency: str) -> Money:
    """Return what units cost together."""
    return sum((part.total for part in units), Money.zero(currency))


_Unit = tuple[Money, PriceReason, str | None]


def _each(units: Iterable[PricedUnits]) -> list[_Unit]:
    return [
        (part.unit_price, part.reason, part.tier) for part in units for _ in range(part.quantity)
    ]


def keep_shown(
    shown: Sequence[PricedUnits], current: Sequence[PricedUnits]
) -> tuple[PricedUnits, ...]:
    """Return what a line was shown at, at another quantity: that of ``current``.

    Units that were in the line before keep the price they were shown at, so that a change of it is
    told however the line is changed; those that are new are shown at what they cost now.
    """
    units = _each(current)
    kept = _each(shown)[: len(units)]
    return tuple(
        PricedUnits(quantity=len(list(run)), unit_price=price, reason=reason, tier=tier)
        for (price, reason, tier), run in groupby([*kept, *units[len(kept) :]])
    )


class PriceChangeReason(StrEnum):
    """Why units of a line no longer cost what they were shown at."""

    TIER_BY_TIME_ENDED = "TIER_BY_TIME_ENDED"
    TIER_BY_TIME_BEGAN = "TIER_BY_TIME_BEGAN"
    TIER_BY_QUANTITY_SOLD = "TIER_BY_QUANTITY_SOLD"
    TIER_BY_QUANTITY_RETURNED = "TIER_BY_QUANTITY_RETURNED"
    CAMPAIGN_CHANGED = "CAMPAIGN_CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """What a line was shown at and costs now, all of its units, and the tier of each."""

    before: Money
    after: Money
    reason: PriceChangeReason
    tier_before: str | None
    tier_after: str | None


def find_price_change(
    shown: Sequence[PricedUnits], current: Sequence[PricedUnits], item: ItemSnapshot
) -> PriceChange | None:
    """Return how a line's price differs from what was shown; None if it does not.

    The reason is that of the first unit that differs.
    """
    currency = item.price.currency
    before, after = total_of(shown, currency), total_of(current, currency)
    if before == after:
        return None
    was, is_now = next(
        (old, new) for old, new in zip(_each(shown), _each(current), strict=True) if old != new
    )
    return PriceChange(
        before=before,
        after=after,
        reason=_reason_of(was, is_now, item),
        tier_before=was[2],
        tier_after=is_now[2],
    )


def _reason_of(was: _Unit, is_now: _Unit, item: ItemSnapshot) -> PriceChangeReason:
    if _price_by_rule(was[1], was[2], item) != was[0]:
        return PriceChangeReason.CAMPAIGN_CHANGED
    # A dearer price holds because the cheaper one's tier is over; a cheaper one because its own
    # has begun, or has numbers again that were given back.
    is_dearer = is_now[0].amount_minor > was[0].amount_minor
    match (was if is_dearer else is_now)[1]:
        case PriceReason.QUANTITY_TIER if is_dearer:
            return PriceChangeReason.TIER_BY_QUANTITY_SOLD
        case PriceReason.QUANTITY_TIER:
            return PriceChangeReason.TIER_BY_QUANTITY_RETURNED
        case PriceReason.TIME_TIER if is_dearer:
            return PriceChangeReason.TIER_BY_TIME_ENDED
        case PriceReason.TIME_TIER:
            return PriceChangeReason.TIER_BY_TIME_BEGAN
    # The campaign's own price: a tier above it has begun, or has ended.
    return (
        PriceChangeReason.TIER_BY_TIME_BEGAN if is_dearer else PriceChangeReason.TIER_BY_TIME_ENDED
    )


def _price_by_rule(reason: PriceReason, tier: str | None, item: ItemSnapshot) -> Money | None:
    """Return what a tier's units cost by the campaign as it is now; None if it has no such tier."""
    if reason is PriceReason.LIST:
        return item.price
    tiers = item.tiers.time if reason is PriceReason.TIME_TIER else item.tiers.quantity
    found = next((one for one in tiers if one.name == tier), None)
    return None if found is None or found.price_bps is None else item.price.at_bps(found.price_bps)


class Unavailability(StrEnum):
    """Why a line cannot be ordered now."""

    NOT_OPEN = "NOT_OPEN"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    SOLD_OUT = "SOLD_OUT"
    OVER_LIMIT = "OVER_LIMIT"
    TOO_FEW_LEFT = "TOO_FEW_LEFT"
    WITHDRAWN = "WITHDRAWN"


_BY_STATUS = {
    CampaignStatus.DRAFT: Unavailability.WITHDRAWN,
    CampaignStatus.SCHEDULED: Unavailability.NOT_OPEN,
    CampaignStatus.CLOSED: Unavailability.CLOSED,
    CampaignStatus.CANCELLED: Unavailability.CANCELLED,
}


def find_unavailability(
    status: CampaignStatus, *, slots_left: int, quantity: int, limit: int | None = None
) -> Unavailability | None:
    """Return why so many cannot be ordered; None if they can.

    Args:
        limit: what one customer may have; what he has already is not known here.
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if slots_left < 1:
        return Unavailability.SOLD_OUT
    if limit is not None and quantity > limit:
        return Unavailability.OVER_LIMIT
    return Unavailability.TOO_FEW_LEFT if slots_left < quantity else None
