"""Mails to those who wait for an opening: text and HTML agree, and names stay words."""

from typing import Any

import pytest

from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.notifications import ListMailKind
from headless_presale.notifications.rendering import RenderedMessage, render_list_mail
from tests.unit.notifications.mails import Words

LINK = "https://shop.example/drops/fox?a=1&b=2"
LEAVE = "https://api.example/notify-me/unsubscribe?token=a.b"


def facts(**changes: Any) -> dict[str, Any]:
    """Return what both mails may state."""
    item = {
        "title": "Nebula Fox",
        "price_minor": 9_000,
        "list_price_minor": 10_000,
        "ends_at": "2026-03-06T12:00:00+00:00",
        "ends_after_number": 100,
    }
    return {
        "shop_name": "Moonlit Forge",
        "campaign_title": "Nebula Fox presale",
        "currency": "USD",
        "opens_at": "2026-03-03T12:00:00+00:00",
        "closes_at": "2026-03-10T12:00:00+00:00",
        "items": [item, {**item, "title": "Owl", "ends_at": None, "ends_after_number": None}],
        "more_items": 3,
        **changes,
    }


def say(
    kind: ListMailKind, locale: str, link: str | None = LINK, **changes: Any
) -> RenderedMessage:
    return render_list_mail(kind, locale, facts(**changes), link=link, unsubscribe_link=LEAVE)


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", ListMailKind)
def test_text_and_html_say_the_same(kind: ListMailKind, locale: str) -> None:
    mail = say(kind, locale)

    html = Words(mail.html)
    shown = " ".join(html.texts)
    dated = [line for line in mail.text.splitlines() if "2026" in line]
    assert len(dated) >= 1
    for line in dated:
        assert line.replace("：", ": ").partition(": ")[2] in shown
    assert html.texts[0] == mail.subject
    assert {("href", LINK), ("href", LEAVE), ("lang", locale)} <= set(html.attributes)
    assert {LINK, LEAVE} <= set(mail.text.splitlines())
    assert "{" not in mail.text + mail.html
    assert "None" not in mail.text + mail.html


def test_prices_say_for_how_long_they_hold() -> None:
    english = say(ListMailKind.CAMPAIGN_OPENED, "en").text
    chinese = say(ListMailKind.CAMPAIGN_OPENED, "zh-CN").text

    until = "for the first 100 until March 6, 2026 at 12:00 UTC (instead of $100.00)"
    assert f"Nebula Fox: $90.00 {until}\n" in english
    assert "Owl: $90.00 (instead of $100.00)\n" in english
    assert "And 3 more." in english
    assert (
        "Nebula Fox：US$90.00，限前 100 件，截至 2026年3月6日 20:00（北京时间）（原价 US$100.00）\n"
        in chinese
    )


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", ListMailKind)
def test_names_are_words_and_never_markup(kind: ListMailKind, locale: str) -> None:
    hostile = '</td><script>alert(1)</script><img src=x onerror="x">{{ 7*7 }}'
    item = {**facts()["items"][0], "title": hostile}

    mail = say(kind, locale, shop_name=hostile, campaign_title=hostile, items=[item, item])

    html = Words(mail.html)
    assert html.elements == Words(say(kind, locale).html).elements
    assert "<script>alert(1)</script>" in " ".join(html.texts)
    assert "{{ 7*7 }}" in mail.text


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
def test_without_an_address_of_the_storefront_there_is_no_button(locale: str) -> None:
    mail = say(ListMailKind.CAMPAIGN_OPENED, locale, None)

    assert dict(Words(mail.html).attributes)["href"] == LEAVE
    assert "None" not in mail.text
