"""Quotes: three days at 90 %, two at list, two at +10 %, and what the first thousand get."""

from datetime import UTC, datetime, timedelta

import pytest

from headless_presale.kernel.money import Money
from headless_presale.pricing import (
    PriceReason,
    PriceTiers,
    QuantityTier,
    QuotedPrice,
    TimeTier,
    group_by_price,
    next_time_price,
    quote,
)

OPENS = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=7)
PRICE = Money(10_000, "CNY")
TICK = timedelta(microseconds=1)
WEEK = PriceTiers(
    time=(
        TimeTier(name="Early bird", duration=timedelta(days=3), price_bps=9_000),
        TimeTier(name="Regular", duration=timedelta(days=2), price_bps=10_000),
        TimeTier(name="Last call", duration=timedelta(days=2), price_bps=11_000),
    )
)
FIRST_1000 = QuantityTier(name="First 1,000", up_to=1_000, price_bps=9_500, gift="Postcard")
GIFT_ONLY = QuantityTier(name="First 1,000", up_to=1_000, gift="Postcard")


def _at(at: datetime, tiers: PriceTiers = WEEK, number: int = 1) -> QuotedPrice:
    return quote(PRICE, tiers, opens_at=OPENS, at=at, number=number)


@pytest.mark.parametrize(
    ("at", "minor", "tier", "ends_at"),
    [
        # Before the opening: what the first buyer will pay.
        (OPENS - timedelta(days=30), 9_000, "Early bird", OPENS + timedelta(days=3)),
        (OPENS - TICK, 9_000, "Early bird", OPENS + timedelta(days=3)),
        (OPENS, 9_000, "Early bird", OPENS + timedelta(days=3)),
        (OPENS + timedelta(days=3) - TICK, 9_000, "Early bird", OPENS + timedelta(days=3)),
        (OPENS + timedelta(days=3), 10_000, "Regular", OPENS + timedelta(days=5)),
        (OPENS + timedelta(days=5) - TICK, 10_000, "Regular", OPENS + timedelta(days=5)),
        (OPENS + timedelta(days=5), 11_000, "Last call", CLOSES),
        (CLOSES - TICK, 11_000, "Last call", CLOSES),
    ],
)
def test_a_time_tier_holds_to_the_microsecond(
    at: datetime, minor: int, tier: str, ends_at: datetime
) -> None:
    assert _at(at) == QuotedPrice(
        unit_price=Money(minor, "CNY"),
        reason=PriceReason.TIME_TIER,
        tier=tier,
        price_bps=minor,
        ends_at=ends_at,
    )


@pytest.mark.parametrize("at", [CLOSES, CLOSES + timedelta(days=1)])
def test_after_the_last_tier_the_list_price_holds(at: datetime) -> None:
    assert _at(at) == QuotedPrice(unit_price=PRICE, reason=PriceReason.LIST)


def test_without_tiers_the_list_price_holds() -> None:
    assert _at(OPENS, PriceTiers()) == QuotedPrice(unit_price=PRICE, reason=PriceReason.LIST)


@pytest.mark.parametrize(
    ("number", "minor", "reason", "gift"),
    [
        (1, 9_500, PriceReason.QUANTITY_TIER, "Postcard"),
        (1_000, 9_500, PriceReason.QUANTITY_TIER, "Postcard"),
        (1_001, 10_000, PriceReason.LIST, None),
    ],
)
def test_a_quantity_tier_holds_up_to_its_last_number(
    number: int, minor: int, reason: PriceReason, gift: str | None
) -> None:
    quoted = _at(OPENS, PriceTiers(quantity=(FIRST_1000,)), number)

    assert (quoted.unit_price.amount_minor, quoted.reason, quoted.gift) == (minor, reason, gift)
    assert quoted.ends_after_number == (1_000 if gift else None)


def test_the_narrowest_quantity_tier_holds() -> None:
    tiers = PriceTiers(
        quantity=(QuantityTier(name="First 10", up_to=10, price_bps=8_000), FIRST_1000)
    )

    prices = [_at(OPENS, tiers, number).unit_price.amount_minor for number in (1, 10, 11, 1_000)]

    assert prices == [8_000, 8_000, 9_500, 9_500]


@pytest.mark.parametrize(
    ("day", "minor", "reason"),
    [
        # 90 % by time beats 95 % by number.
        (0, 9_000, PriceReason.TIME_TIER),
        (3, 9_500, PriceReason.QUANTITY_TIER),
        (5, 9_500, PriceReason.QUANTITY_TIER),
    ],
)
def test_where_both_apply_the_lower_price_holds(day: int, minor: int, reason: PriceReason) -> None:
    tiers = PriceTiers(time=WEEK.time, quantity=(FIRST_1000,))

    quoted = _at(OPENS + timedelta(days=day), tiers, 1_000)

    assert (quoted.unit_price.amount_minor, quoted.reason, quoted.gift) == (
        minor,
        reason,
        "Postcard",
    )


def test_a_tie_is_explained_by_the_time_tier() -> None:
    same = QuantityTier(name="First 10", up_to=10, price_bps=9_000)

    quoted = _at(OPENS, PriceTiers(time=WEEK.time, quantity=(same,)))

    assert (quoted.reason, quoted.tier) == (PriceReason.TIME_TIER, "Early bird")


@pytest.mark.parametrize(
    ("day", "minor", "reason"),
    [
        (0, 9_000, PriceReason.TIME_TIER),
        # A gift does not waive the surcharge of the last days.
        (5, 11_000, PriceReason.TIME_TIER),
        (7, 10_000, PriceReason.LIST),
    ],
)
def test_a_gift_alone_changes_no_price(day: int, minor: int, reason: PriceReason) -> None:
    tiers = PriceTiers(time=WEEK.time, quantity=(GIFT_ONLY,))

    quoted = _at(OPENS + timedelta(days=day), tiers, 1_000)

    assert (quoted.unit_price.amount_minor, quoted.reason, quoted.gift) == (
        minor,
        reason,
        "Postcard",
    )
    assert _at(OPENS + timedelta(days=day), tiers, 1_001).gift is None


def test_the_next_change_of_price_is_announced_until_there_is_none() -> None:
    def following(at: datetime) -> tuple[datetime, int] | None:
        found = next_time_price(PRICE, WEEK, opens_at=OPENS, closes_at=CLOSES, at=at)
        return (found[0], found[1].unit_price.amount_minor) if found else None

    assert following(OPENS - TICK) == (OPENS + timedelta(days=3), 10_000)
    assert following(OPENS + timedelta(days=3)) == (OPENS + timedelta(days=5), 11_000)
    # The last tier ends with the campaign: nobody will pay another price.
    assert following(OPENS + timedelta(days=5)) is None
    assert following(CLOSES) is None


def test_tiers_shorter_than_the_window_end_in_the_list_price() -> None:
    early = PriceTiers(time=WEEK.time[:1])

    found = next_time_price(PRICE, early, opens_at=OPENS, closes_at=CLOSES, at=OPENS)

    assert found == (
        OPENS + timedelta(days=3),
        QuotedPrice(unit_price=PRICE, reason=PriceReason.LIST),
    )


def test_two_tiers_of_one_price_are_no_change() -> None:
    tiers = PriceTiers(
        time=(
            TimeTier(name="Members", duration=timedelta(days=1), price_bps=9_000),
            TimeTier(name="Early bird", duration=timedelta(days=2), price_bps=9_000),
        )
    )

    found = next_time_price(PRICE, tiers, opens_at=OPENS, closes_at=CLOSES, at=OPENS)

    assert found is not None
    assert found[0] == OPENS + timedelta(days=3)


def test_numbers_that_straddle_a_tier_are_two_lines() -> None:
    tiers = PriceTiers(quantity=(FIRST_1000,))

    lines = group_by_price([1_001, 999, 1_000], PRICE, tiers, opens_at=OPENS, at=OPENS)

    assert [(price.unit_price.amount_minor, numbers) for price, numbers in lines] == [
        (9_500, [999, 1_000]),
        (10_000, [1_001]),
    ]


def test_numbers_of_one_price_are_one_line() -> None:
    assert [
        numbers for _, numbers in group_by_price([7, 3, 5], PRICE, WEEK, opens_at=OPENS, at=OPENS)
    ] == [[3, 5, 7]]
    assert group_by_price([], PRICE, WEEK, opens_at=OPENS, at=OPENS) == []
