"""Currencies of ISO 4217 and how an amount of them is shown."""

import re
from copy import copy
from decimal import Decimal
from typing import Final

from babel import Locale
from iso4217 import Currency

EXPONENTS: Final[dict[str, int]] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}
"""Decimal places of each minor unit; metals and test codes have none and are left out."""


def format_amount(amount_minor: int, currency: str, language: str) -> str:
    """Return an amount for people: 12345 CNY in ``zh-CN`` is ``¥123.45``.

    The decimals follow ISO 4217 and not CLDR, which rounds some currencies (LAK, COP) for
    display: a payer must see what is really charged.
    """
    locale = Locale.parse(language, sep="-")
    exponent = EXPONENTS[currency]
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, exponent)
    amount = Decimal(amount_minor).scaleb(-exponent)
    text = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    # CLDR sets a code apart from the number, a sign not; Babel sets neither apart.
    return re.sub(r"(?<=[A-Z])(?=\d)", "\N{NO-BREAK SPACE}", text)
