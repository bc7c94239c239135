"""Money: exact in, exact out, and never of two currencies at once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.kernel.money import (
    BPS,
    MAX_AMOUNT_MINOR,
    CurrencyMismatch,
    Money,
    currency_exponent,
)

AMOUNTS = st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)
CURRENCIES = st.sampled_from(["JPY", "CNY", "KWD"])


@pytest.mark.parametrize(("currency", "exponent"), [("JPY", 0), ("CNY", 2), ("KWD", 3)])
def test_each_currency_has_its_own_minor_unit(currency: str, exponent: int) -> None:
    assert currency_exponent(currency) == exponent
    assert Money.from_decimal("42", currency) == Money(42 * 10**exponent, currency)


@pytest.mark.parametrize("currency", ["XAU", "XXX", "ABC", "cny", "", "CNYY"])
def test_a_code_without_a_minor_unit_is_no_currency(currency: str) -> None:
    with pytest.raises(ValueError, match=r"currency|minor unit"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("42.99", "CNY", 4_299),
        ("42.990", "CNY", 4_299),
        ("1.234", "KWD", 1_234),
        ("1e3", "JPY", 1_000),
        ("-0.01", "CNY", -1),
        ("0", "JPY", 0),
        ("90071992547409.91", "CNY", 2**53 - 1),
    ],
)
def test_an_amount_is_read_exactly(text: str, currency: str, minor: int) -> None:
    money = Money.from_decimal(text, currency)

    assert money == Money(minor, currency)
    assert money.amount == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("42.999", "CNY", "more decimals"),
        ("0.5", "JPY", "more decimals"),
        # 32 digits: the default context of decimal would round this to 1.
        ("1.0000000000000000000000000000001", "CNY", "more decimals"),
        ("1e-999999", "CNY", "more decimals"),
        ("90071992547409.92", "CNY", "too large"),
        ("1e999999", "CNY", "too large"),
        ("-1e999999", "CNY", "too large"),
        ("NaN", "CNY", "not a finite number"),
        ("Infinity", "CNY", "not a finite number"),
        ("ten", "CNY", "not a number"),
        ("", "CNY", "not a number"),
    ],
)
def test_what_does_not_fit_is_refused_not_rounded(text: str, currency: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Money.from_decimal(text, currency)


@pytest.mark.parametrize("amount", [1.0, True, Decimal(1), "1"])
def test_minor_units_are_whole_numbers(amount: object) -> None:
    with pytest.raises(TypeError, match="never a float"):
        Money(amount, "CNY")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "bps", "expected"),
    [
        (10_000, 9_000, 9_000),
        (10_000, 11_000, 11_000),
        # 0.5 rounds up, and so does -0.5 away from zero.
        (1, 5_000, 1),
        (1, 4_999, 0),
        (-1, 5_000, -1),
        (333, 5_000, 167),
        (10_001, 2_000, 2_000),
    ],
)
def test_a_share_rounds_half_up(minor: int, bps: int, expected: int) -> None:
    assert Money(minor, "CNY").at_bps(bps) == Money(expected, "CNY")


@given(minor=AMOUNTS, bps=st.integers(0, 50_000))
def test_a_share_is_never_more_than_half_a_unit_off(minor: int, bps: int) -> None:
    share = Money(minor, "CNY").at_bps(bps)

    assert abs(Fraction(minor * bps, BPS) - share.amount_minor) <= Fraction(1, 2)


@given(minor=AMOUNTS, currency=CURRENCIES)
def test_an_amount_survives_the_way_out_and_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.from_decimal(money.amount, currency) == money
    assert Money.from_decimal(str(money.amount), currency) == money


@given(a=AMOUNTS, b=AMOUNTS)
def test_sums_and_differences_undo_each_other(a: int, b: int) -> None:
    assert Money(a, "CNY") + Money(b, "CNY") - Money(b, "CNY") == Money(a, "CNY")
    assert (Money(a, "CNY") < Money(b, "CNY")) is (a < b)
    assert (Money(a, "CNY") >= Money(b, "CNY")) is (a >= b)


def test_two_currencies_do_not_mix() -> None:
    yuan, yen = Money(1, "CNY"), Money(1, "JPY")

    for combine in (
        lambda: yuan + yen,
        lambda: yuan - yen,
        lambda: yuan < yen,
        lambda: yuan >= yen,
    ):
        with pytest.raises(CurrencyMismatch, match=r"CNY|JPY"):
            combine()
    assert yuan != yen


def test_an_amount_is_shown_with_the_decimals_of_its_currency() -> None:
    assert str(Money(2_000, "CNY")) == "20.00 CNY"
    assert str(Money(2_000, "JPY")) == "2000 JPY"
    assert str(Money(2_000, "KWD") * 3) == "6.000 KWD"
