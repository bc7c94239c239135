"""Price rules: pure arithmetic over a presale price, its tiers and the moment of purchase.

Two kinds of tier. A *time tier* holds for a while after the campaign opens. A *quantity tier*
holds for slot numbers up to a bound: slots are numbered, so "the first 1,000" is a property of the
number a buyer gets, cannot be raced for, and stays true when a number is returned and sold again.
Where both apply the buyer pays the lower price; a tie is explained by the time tier. A quantity
tier that only brings a gift sets no price: the time tier's holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from headless_presale.kernel.money import BPS, Money


class PriceReason(StrEnum):
    """Why a price is what it is. Frozen on the order line beside the price."""

    LIST = "LIST"
    TIME_TIER = "TIME_TIER"
    QUANTITY_TIER = "QUANTITY_TIER"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTier:
    """A share of the presale price that holds for ``duration`` after the tier before it.

    ``price_bps``: 9000 is 90 % of the presale price, 11000 is 10 % above it.
    """

    name: str
    duration: timedelta
    price_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityTier:
    """A share of the presale price, a gift, or both, for slot numbers up to ``up_to``.

    ``price_bps`` of None sets no price of its own.
    """

    name: str
    up_to: int
    price_bps: int | None = None
    gift: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTiers:
    """The tiers of one campaign item; time tiers in order, quantity tiers by rising ``up_to``."""

    time: tuple[TimeTier, ...] = ()
    quantity: tuple[QuantityTier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPrice:
    """A unit price with its reason.

    ``ends_at`` is when a time tier ends, ``ends_after_number`` the last slot number of a quantity
    tier; None where the reason does not set one.
    """

    unit_price: Money
    reason: PriceReason
    tier: str | None = None
    price_bps: int = BPS
    ends_at: datetime | None = None
    ends_after_number: int | None = None
    gift: str | None = None


def time_tier_at(
    tiers: Sequence[TimeTier], *, opens_at: datetime, at: datetime
) -> tuple[TimeTier, datetime] | None:
    """Return the tier that holds at a moment, with its end; None before the first or after all.

    Tiers are half-open: a tier of 3 days from Monday 10:00 ends at Thursday 10:00 sharp, and at
    that instant the next one holds.
    """
    if at < opens_at:
        return None
    starts_at = opens_at
    for tier in tiers:
        ends_at = starts_at + tier.duration
        if at < ends_at:
            return tier, ends_at
        starts_at = ends_at
    return None


def quantity_tier_of(tiers: Sequence[QuantityTier], number: int) -> QuantityTier | None:
    """Return the tier of a slot number, the narrowest that contains it."""
    return next((tier for tier in tiers if number <= tier.up_to), None)


def quote(
    presale_price: Money, tiers: PriceTiers, *, opens_at: datetime, at: datetime, number: int
) -> QuotedPrice:
    """Return the price of one slot number at one moment.

    Before the campaign opens the first time tier is quoted: that is what a buyer will pay who
    comes first.
    """
    timed = time_tier_at(tiers.time, opens_at=opens_at, at=max(at, opens_at))
    numbered = quantity_tier_of(tiers.quantity, number)
    gift = numbered.gift if numbered else None
    if numbered and numbered.price_bps is not None:
        quantity_bps = numbered.price_bps
        if timed is None or quantity_bps < timed[0].price_bps:
            return QuotedPrice(
                unit_price=presale_price.at_bps(quantity_bps),
                reason=PriceReason.QUANTITY_TIER,
                tier=numbered.name,
                price_bps=quantity_bps,
                ends_after_number=numbered.up_to,
                gift=gift,
            )
    if timed:
        tier, ends_at = timed
        return QuotedPrice(
            unit_price=presale_price.at_bps(tier.price_bps),
            reason=PriceReason.TIME_TIER,
            tier=tier.name,
            price_bps=tier.price_bps,
            ends_at=ends_at,
            gift=gift,
        )
    return QuotedPrice(unit_price=presale_price, reason=PriceReason.LIST, gift=gift)


def next_time_price(
    presale_price: Money,
    tiers: PriceTiers,
    *,
    opens_at: datetime,
    closes_at: datetime,
    at: datetime,
) -> tuple[datetime, QuotedPrice] | None:
    """Return when the price next changes by time, and to what; None if it will not again."""
    by_time = PriceTiers(time=tiers.time)
    timed = time_tier_at(tiers.time, opens_at=opens_at, at=max(at, opens_at))
    current = timed[0].price_bps if timed else BPS
    while timed is not None and timed[1] < closes_at:
        changes_at = timed[1]
        following = quote(presale_price, by_time, opens_at=opens_at, at=changes_at, number=1)
        if following.price_bps != current:
            return changes_at, following
        timed = time_tier_at(tiers.time, opens_at=opens_at, at=changes_at)
    return None


def group_by_price(
    numbers: Sequence[int],
    presale_price: Money,
    tiers: PriceTiers,
    *,
    opens_at: datetime,
    at: datetime,
) -> list[tuple[QuotedPrice, list[int]]]:
    """Split slot numbers into runs of one price each: an order line per run.

    Three slots 999, 1000, 1001 with "first 1,000 at 95 %" give two lines: two at 95 %, one at
    list price.
    """
    quoted = [
        (quote(presale_price, tiers, opens_at=opens_at, at=at, number=number), number)
        for number in sorted(numbers)
    ]
    return [
        (price, [number for _, number in run])
        for price, run in groupby(quoted, key=lambda pair: pair[0])
    ]


@dataclass(frozen=True, slots=True)
class DepositSplit:
    """What is due now and what later; ``deposit + balance == total``."""

    deposit: Money
    balance: Money


def split_deposit(total: Money, *, deposit_bps: int) -> DepositSplit:
    """Split an order total into the deposit due now and the balance due later.

    The deposit rounds up to a whole minor unit and the balance takes the rest,
    so ``deposit + balance == total`` always holds: 100.01 at 20 % is 20.01 + 80.00.

    Args:
        total: Order total after discounts, in minor units.
        deposit_bps: Deposit share in basis points; 2000 means 20 %.

    Raises:
        ValueError: ``deposit_bps`` is not within 1..10_000.
    """
    if not 1 <= deposit_bps <= BPS:
        raise ValueError("deposit_bps must be within 1..10_000")
    deposit = Money(-(-total.amount_minor * deposit_bps // BPS), total.currency)
    return DepositSplit(deposit=deposit, balance=total - deposit)


def split_fixed_deposit(total: Money, *, per_unit: Money, quantity: int) -> DepositSplit:
    """Split a total by a fixed deposit per unit, never more than the total itself."""
    if per_unit.amount_minor < 1 or quantity < 1:
        raise ValueError("a fixed deposit needs a positive amount and quantity")
    deposit = min(per_unit * quantity, total)
    return DepositSplit(deposit=deposit, balance=total - deposit)
