"""Currencies of ISO 4217 and how an amount of them is shown."""

from decimal import Decimal
from typing import Final

from babel import Locale
from iso4217 import Currency

EXPONENTS: Final[dict[str, int]] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}
"""Decimal places of each currency's minor unit; metals and test codes have none and are left out."""


def format_amount(amount_minor: int, currency: str, language: str) -> str:
    """Return an amount for people: 12345 CNY in ``zh-CN`` is ``¥123.45``.

    The decimals follow ISO 4217 and not CLDR, which rounds some currencies (LAK, COP) for
    display: a payer must see what is really charged.
    """
    locale = Locale.parse(language, sep="-")
    exponent = EXPONENTS[currency]
    pattern = locale.currency_formats["standard"]
    return str(
        pattern.apply(
            Decimal(amount_minor).scaleb(-exponent),
            locale,
            currency=currency,
            currency_digits=False,
            force_frac=(exponent, exponent),
        )
    )
