"""How amounts, dates and slot numbers are written in each language.

A buyer's time zone is not known. English messages therefore tell times in UTC; Chinese ones in
Beijing time, the only zone of the country they are written for. Both name the zone.
"""

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.numbers import format_decimal, format_percent

from headless_presale.kernel.money import BPS, Money, currency_exponent


@dataclass(frozen=True, slots=True)
class _Style:
    zone: tzinfo
    time: str
    """CLDR pattern, the zone's name included."""
    separator: str


_STYLES = {
    "en": _Style(UTC, "MMMM d, y 'at' HH:mm 'UTC'", ", "),
    # China has had one offset and no summer time since 1992: no time zone database is needed.
    "zh-CN": _Style(timezone(timedelta(hours=8)), "y年M月d日 HH:mm'（北京时间）'", "、"),
}


@cache
def _cldr(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


def format_money(amount_minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units for people: 12345 CNY is ``¥123.45`` in ``zh-CN``.

    The decimals follow ISO 4217 and not CLDR, which rounds some currencies (IQD, COP) for
    display: a buyer must read what is really charged.
    """
    cldr, exponent = _cldr(locale), currency_exponent(currency)
    pattern = copy(cldr.currency_formats["standard"])
    pattern.frac_prec = (exponent, exponent)
    text: str = pattern.apply(
        Money(amount_minor, currency).amount, cldr, currency=currency, currency_digits=False
    )
    # CLDR sets a code apart from the number, a sign not; Babel sets neither apart.
    return re.sub(r"(?<=[A-Z])(?=\d)", "\N{NO-BREAK SPACE}", text)


def format_day(day: str, locale: str) -> str:
    """Return an ISO date for people: ``June 30, 2026``, ``2026年6月30日``."""
    return babel_date(date.fromisoformat(day), "long", locale=_cldr(locale))


def format_time(moment: str, locale: str) -> str:
    """Return an aware ISO time for people, with the name of its zone.

    Raises:
        ValueError: the time is naive.
    """
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    style = _STYLES[locale]
    return babel_datetime(at.astimezone(style.zone), style.time, locale=_cldr(locale))


def format_share(price_bps: int, locale: str) -> str:
    """Return which share of a price is paid: 9000 is ``90%``, in Chinese shops ``9 折``."""
    if locale == "zh-CN" and price_bps < BPS:
        return f"{format_decimal(Decimal(price_bps) / 1_000, '0.###', _cldr(locale))} 折"
    return format_percent(Decimal(price_bps) / BPS, "0.##%", locale=_cldr(locale))


def format_slots(numbers: Iterable[int], locale: str) -> str:
    """Return slot numbers with runs drawn together: 1, 2, 3, 7 is ``1-3, 7`` with an en dash."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return _STYLES[locale].separator.join(_run(run) for run in runs)


def _run(run: Sequence[int]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}\N{EN DASH}{run[-1]}"


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, single-spaced.

    Names come from buyers and merchants: none of them may add a line to a mail, or a header.
    """
    visible = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(visible.split())
