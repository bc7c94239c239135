"""Deposits: whatever the rate, deposit and balance are the total."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.kernel.money import BPS, MAX_AMOUNT_MINOR, Money
from headless_presale.pricing import DepositSplit, split_deposit, split_fixed_deposit

TOTALS = st.integers(0, MAX_AMOUNT_MINOR)


def _split(deposit: int, balance: int) -> DepositSplit:
    return DepositSplit(Money(deposit, "CNY"), Money(balance, "CNY"))


@pytest.mark.parametrize(
    ("total", "bps", "deposit", "balance"),
    [
        # 100.01 at 20 % is 20.002: 20.01 now and 80.00 later.
        (10_001, 2_000, 2_001, 8_000),
        (10_000, 2_000, 2_000, 8_000),
        (10_000, 3_333, 3_333, 6_667),
        (1, 1, 1, 0),
        (0, 2_000, 0, 0),
        (10_001, 10_000, 10_001, 0),
    ],
)
def test_a_deposit_rounds_up_and_the_balance_takes_the_rest(
    total: int, bps: int, deposit: int, balance: int
) -> None:
    assert split_deposit(Money(total, "CNY"), deposit_bps=bps) == _split(deposit, balance)


@given(total=TOTALS, bps=st.integers(1, BPS), currency=st.sampled_from(["JPY", "CNY", "KWD"]))
def test_deposit_and_balance_are_the_total(total: int, bps: int, currency: str) -> None:
    split = split_deposit(Money(total, currency), deposit_bps=bps)

    assert split.deposit + split.balance == Money(total, currency)
    assert split.balance.amount_minor >= 0
    # Never less than the share, and less than one minor unit more.
    assert 0 <= split.deposit.amount_minor * BPS - total * bps < BPS


@pytest.mark.parametrize("bps", [0, -1, 10_001])
def test_a_rate_beyond_the_whole_is_refused(bps: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.10_000"):
        split_deposit(Money(100, "CNY"), deposit_bps=bps)


def test_a_fixed_deposit_is_per_unit_and_never_more_than_the_total() -> None:
    total = Money(30_000, "CNY")

    assert split_fixed_deposit(total, per_unit=Money(5_000, "CNY"), quantity=3) == _split(
        15_000, 15_000
    )
    assert split_fixed_deposit(total, per_unit=Money(20_000, "CNY"), quantity=3) == _split(
        30_000, 0
    )


@given(total=TOTALS, per_unit=st.integers(1, 10**9), quantity=st.integers(1, 100))
def test_a_fixed_deposit_and_its_balance_are_the_total(
    total: int, per_unit: int, quantity: int
) -> None:
    split = split_fixed_deposit(
        Money(total, "CNY"), per_unit=Money(per_unit, "CNY"), quantity=quantity
    )

    assert split.deposit + split.balance == Money(total, "CNY")
    assert split.deposit.amount_minor == min(total, per_unit * quantity)


@pytest.mark.parametrize(("per_unit", "quantity"), [(0, 1), (-1, 1), (1, 0)])
def test_a_fixed_deposit_needs_an_amount_and_a_quantity(per_unit: int, quantity: int) -> None:
    with pytest.raises(ValueError, match="positive amount and quantity"):
        split_fixed_deposit(Money(100, "CNY"), per_unit=Money(per_unit, "CNY"), quantity=quantity)
