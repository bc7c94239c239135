"""How times are written on pages."""

from datetime import datetime, timedelta, timezone

from babel import Locale
from babel.dates import format_datetime

_BEIJING = timezone(timedelta(hours=8))


def format_moment(at: datetime, locale: str) -> str:
    """Return a time with the name of its zone: UTC in English, Beijing time in Chinese."""
    cldr = Locale.parse(locale, sep="-")
    if locale == "zh-CN":
        return str(
            format_datetime(at.astimezone(_BEIJING), "y年M月d日 HH:mm（北京时间）", locale=cldr)
        )
    return str(format_datetime(at, "MMMM d, y 'at' HH:mm 'UTC'", locale=cldr))
