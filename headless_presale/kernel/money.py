"""Money: integer minor units with an ISO 4217 exponent. Never a float."""

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from typing import Self

from iso4217 import Currency as IsoCurrency

BPS = 10_000
"""Basis points in one whole: 2000 of them are 20 %."""

MAX_AMOUNT_MINOR = 2**53 - 1
"""The largest amount a JavaScript client reads back exactly."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined."""


@cache
def currency_exponent(currency: str) -> int:
    """Return how many decimals the currency's minor unit has: JPY 0, CNY 2, KWD 3.

    Raises:
        ValueError: not an ISO 4217 code, or one without a minor unit (XAU, XXX).
    """
    try:
        exponent = IsoCurrency(currency).exponent
    except ValueError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code") from None
    if exponent is None:
        raise ValueError(f"{currency} has no minor unit and cannot be used for prices")
    return exponent


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency: ``Money(2001, "CNY")`` is 20.01 yuan."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("amount_minor must be an int: money is never a float")
        currency_exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, amount: Decimal | str, currency: str) -> Self:
        """Read a major-unit amount exactly: ``"42.99"`` CNY is 4299 minor units.

        Raises:
            ValueError: not a finite number, more decimals than the currency has, or too large.
        """
        try:
            value = Decimal(amount)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not a number") from None
        if not value.is_finite():
            raise ValueError(f"{amount!r} is not a finite number")
        # The default context rounds to 28 digits; "1.0000000000000000000000000000001" is not 1.
        exact = Context(prec=max(1, len(value.as_tuple().digits)), Emax=MAX_EMAX, Emin=MIN_EMIN)
        minor = value.scaleb(currency_exponent(currency), exact)
        if minor.copy_abs() > MAX_AMOUNT_MINOR:
            raise ValueError(f"{amount} is too large")
        if minor != minor.to_integral_value():
            raise ValueError(f"{amount} has more decimals than {currency} allows")
        return cls(int(minor), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact, with the currency's number of decimals."""
        return Decimal(self.amount_minor).scaleb(-currency_exponent(self.currency))

    def at_bps(self, bps: int) -> "Money":
        """Return this share, rounded half up to a whole minor unit."""
        exact = Decimal(self.amount_minor) * bps / BPS
        return Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), self.currency)

    def _other(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.amount_minor

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._other(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._other(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._other(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._other(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
