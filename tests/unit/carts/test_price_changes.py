"""What a line was shown at, what it costs now, and why: unit by unit."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from headless_presale.campaigns import BatchSnapshot, CampaignStatus, ItemSnapshot, TitlePart
from headless_presale.carts import PriceChangeReason, PricedUnits
from headless_presale.carts.rules import find_price_change, find_unavailability, keep_shown
from headless_presale.kernel.money import Money
from headless_presale.pricing import PriceReason, PriceTiers, QuantityTier, TimeTier

ID = UUID(int=1)
LIST, TIMED, NUMBERED = PriceReason.LIST, PriceReason.TIME_TIER, PriceReason.QUANTITY_TIER
EARLY, LATE = (TIMED, "Early"), (TIMED, "Late")
FIRST = (NUMBERED, "First 10")
BY_LIST = (LIST, None)
TIERS = PriceTiers(
    time=(
        TimeTier(name="Early", duration=timedelta(days=1), price_bps=9_000),
        TimeTier(name="Late", duration=timedelta(days=1), price_bps=11_000),
    ),
    quantity=(QuantityTier(name="First 10", up_to=10, price_bps=8_000),),
)


def an_item(price_minor: int = 10_000, tiers: PriceTiers = TIERS) -> ItemSnapshot:
    price = Money(price_minor, "CNY")
    return ItemSnapshot(
        id=ID,
        position=0,
        pool_id=ID,
        variant_id=ID,
        product_id=ID,
        title_parts=(TitlePart("Fox", {}),),
        written_in="en",
        price=price,
        list_price=price,
        tiers=tiers,
        limit_per_customer=None,
        batches=(
            BatchSnapshot(
                id=ID, first_number=1, last_number=50, capacity=50, ships_by=date(2026, 6, 30)
            ),
        ),
    )


def units(quantity: int, price_minor: int, why: tuple[PriceReason, str | None]) -> PricedUnits:
    return PricedUnits(
        quantity=quantity, unit_price=Money(price_minor, "CNY"), reason=why[0], tier=why[1]
    )


@pytest.mark.parametrize(
    ("was", "is_now", "reason"),
    [
        ((9_000, EARLY), (10_000, BY_LIST), "TIER_BY_TIME_ENDED"),
        ((9_000, EARLY), (11_000, LATE), "TIER_BY_TIME_ENDED"),
        ((10_000, BY_LIST), (9_000, EARLY), "TIER_BY_TIME_BEGAN"),
        ((10_000, BY_LIST), (11_000, LATE), "TIER_BY_TIME_BEGAN"),
        ((11_000, LATE), (10_000, BY_LIST), "TIER_BY_TIME_ENDED"),
        ((8_000, FIRST), (9_000, EARLY), "TIER_BY_QUANTITY_SOLD"),
        ((8_000, FIRST), (10_000, BY_LIST), "TIER_BY_QUANTITY_SOLD"),
        ((9_000, EARLY), (8_000, FIRST), "TIER_BY_QUANTITY_RETURNED"),
        ((10_000, BY_LIST), (8_000, FIRST), "TIER_BY_QUANTITY_RETURNED"),
        # By the rules of today it would not have been shown at that.
        ((9_500, BY_LIST), (10_000, BY_LIST), "CAMPAIGN_CHANGED"),
        ((8_500, EARLY), (9_000, EARLY), "CAMPAIGN_CHANGED"),
        ((7_000, (TIMED, "Gone")), (9_000, EARLY), "CAMPAIGN_CHANGED"),
        ((7_000, (NUMBERED, "Gone")), (9_000, EARLY), "CAMPAIGN_CHANGED"),
    ],
)
def test_each_change_has_its_reason(
    was: tuple[int, tuple[PriceReason, str | None]],
    is_now: tuple[int, tuple[PriceReason, str | None]],
    reason: str,
) -> None:
    change = find_price_change([units(2, *was)], [units(2, *is_now)], an_item())

    assert change is not None
    assert change.reason is PriceChangeReason(reason)
    assert change.before == Money(2 * was[0], "CNY")
    assert change.after == Money(2 * is_now[0], "CNY")
    assert (change.tier_before, change.tier_after) == (was[1][1], is_now[1][1])


def test_the_reason_is_that_of_the_first_unit_that_differs() -> None:
    shown = [units(2, 8_000, FIRST), units(1, 9_000, EARLY)]
    current = [units(1, 8_000, FIRST), units(2, 9_000, EARLY)]

    change = find_price_change(shown, current, an_item())

    assert change is not None
    assert change.reason is PriceChangeReason.TIER_BY_QUANTITY_SOLD
    assert (change.before.amount_minor, change.after.amount_minor) == (25_000, 26_000)


def test_what_costs_the_same_has_not_changed() -> None:
    assert find_price_change([units(2, 9_000, EARLY)], [units(2, 9_000, EARLY)], an_item()) is None


@pytest.mark.parametrize(
    ("shown", "current", "kept"),
    [
        # One more: it is new, and shown at what it costs now.
        ([units(1, 8_000, FIRST)], [units(2, 9_000, EARLY)], [(1, 8_000), (1, 9_000)]),
        # Fewer: the first ones stay.
        (
            [units(2, 8_000, FIRST), units(2, 9_000, EARLY)],
            [units(3, 10_000, BY_LIST)],
            [(2, 8_000), (1, 9_000)],
        ),
        ([], [units(2, 9_000, EARLY)], [(2, 9_000)]),
        ([units(1, 9_000, EARLY)], [units(3, 9_000, EARLY)], [(3, 9_000)]),
    ],
)
def test_units_keep_what_they_were_shown_at(
    shown: list[PricedUnits], current: list[PricedUnits], kept: list[tuple[int, int]]
) -> None:
    found = keep_shown(shown, current)
    assert [(part.quantity, part.unit_price.amount_minor) for part in found] == kept


def test_what_is_stored_is_read_again() -> None:
    shown = units(2, 8_000, FIRST)
    assert PricedUnits.from_json(shown.to_json(), "CNY") == shown


@pytest.mark.parametrize(
    ("status", "left", "unavailability"),
    [
        (CampaignStatus.LIVE, 2, None),
        (CampaignStatus.LIVE, 1, "TOO_FEW_LEFT"),
        (CampaignStatus.LIVE, 0, "SOLD_OUT"),
        (CampaignStatus.SCHEDULED, 0, "NOT_OPEN"),
        (CampaignStatus.DRAFT, 9, "WITHDRAWN"),
        (CampaignStatus.CLOSED, 9, "CLOSED"),
        (CampaignStatus.CANCELLED, 9, "CANCELLED"),
    ],
)
def test_why_a_line_cannot_be_ordered(
    status: CampaignStatus, left: int, unavailability: str | None
) -> None:
    assert find_unavailability(status, slots_left=left, quantity=2) == unavailability


@pytest.mark.parametrize(
    ("limit", "left", "expected"),
    [(None, 5, None), (2, 5, None), (1, 5, "OVER_LIMIT"), (1, 1, "OVER_LIMIT"), (1, 0, "SOLD_OUT")],
)
def test_more_than_one_customer_may_have_is_told(
    limit: int | None, left: int, expected: str | None
) -> None:
    found = find_unavailability(CampaignStatus.LIVE, slots_left=left, quantity=2, limit=limit)
    assert found == expected
