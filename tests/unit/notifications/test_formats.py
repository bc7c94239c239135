"""Amounts, times and slot numbers as people read them."""

import pytest

from headless_presale.notifications.formats import (
    format_day,
    format_money,
    format_share,
    format_slots,
    format_time,
    one_line,
)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "english", "chinese"),
    [
        (12_345, "CNY", "CN¥123.45", "¥123.45"),
        (1_234_500, "USD", "$12,345.00", "US$12,345.00"),
        (5_000, "JPY", "¥5,000", "JP¥5,000"),
        (1_234, "KWD", "KWD\N{NO-BREAK SPACE}1.234", "KWD\N{NO-BREAK SPACE}1.234"),
        # CLDR shows dinars without decimals; a thousandth more is owed all the same.
        (1_001, "IQD", "IQD\N{NO-BREAK SPACE}1.001", "IQD\N{NO-BREAK SPACE}1.001"),
        (0, "CNY", "CN¥0.00", "¥0.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(
    amount_minor: int, currency: str, english: str, chinese: str
) -> None:
    assert format_money(amount_minor, currency, "en") == english
    assert format_money(amount_minor, currency, "zh-CN") == chinese


def test_times_name_their_zone() -> None:
    moment = "2026-03-16T18:00:00+00:00"

    assert format_time(moment, "en") == "March 16, 2026 at 18:00 UTC"
    # 18:00 + 8 hours is the next day.
    assert format_time(moment, "zh-CN") == "2026年3月17日 02:00（北京时间）"
    assert format_time("2026-03-16T13:00:00-05:00", "en") == "March 16, 2026 at 18:00 UTC"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        format_time("2026-03-16T18:00:00", "en")


def test_days() -> None:
    assert format_day("2026-06-30", "en") == "June 30, 2026"
    assert format_day("2026-06-30", "zh-CN") == "2026年6月30日"


@pytest.mark.parametrize(
    ("bps", "english", "chinese"),
    [
        (9_000, "90%", "9 折"),
        (9_550, "95.5%", "9.55 折"),
        (10_000, "100%", "100%"),
        (11_000, "110%", "110%"),
    ],
)
def test_shares_of_a_price(bps: int, english: str, chinese: str) -> None:
    assert format_share(bps, "en") == english
    assert format_share(bps, "zh-CN") == chinese


def test_slot_numbers_are_drawn_together() -> None:
    assert format_slots([7, 1, 3, 2, 9, 10], "en") == "1–3, 7, 9–10"
    assert format_slots([7, 1, 3, 2], "zh-CN") == "1–3、7"
    assert format_slots([5], "en") == "5"


def test_a_name_stays_on_its_line() -> None:
    assert one_line("Lin\r\nBcc: x@example.com\x00\x1b[31m\u2028 \t end") == (
        "Lin Bcc: x@example.com [31m end"
    )
