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


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def describe_browser(user_agent: str) -> str:
    """Return a browser and a system as people know them: ``Firefox · Windows``; empty if unknown.

    Names only: whoever looks for a browser he does not know needs no more, and a header that
    anybody can write is not shown as it is.
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    if not browser and "Safari/" in user_agent:
        browser = "Safari"
    if "MicroMessenger" in user_agent:
        browser = "WeChat"
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " · ".join(part for part in (browser, system) if part)
