"""What holds for every message: text and HTML agree, names stay words, nothing is fetched."""

import pytest
from jinja2 import UndefinedError

from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.notifications import MessageKind
from tests.unit.notifications import samples
from tests.unit.notifications.mails import Words
from tests.unit.notifications.samples import say


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", MessageKind)
def test_text_and_html_say_the_same(kind: MessageKind, locale: str) -> None:
    context = samples.every_message(of=samples.order(), shop_name="Moonlit Forge")[kind]

    message = say(kind, locale, context, "https://shop.example/orders/1?a=1&b=2")

    html = Words(message.html)
    shown = " ".join(html.texts)
    values = [
        text.strip()
        for row in message.text.splitlines()
        for text in [row.replace("：", ": ").partition(": ")[2]]
        if any(char.isdigit() for char in text)
    ]
    # The link alone, and which order it is of.
    assert len(values) >= (1 if kind is MessageKind.ORDER_LINK_RENEWED else 2)
    assert [value for value in values if value not in shown] == []
    assert html.texts[0] == message.subject
    assert ("href", "https://shop.example/orders/1?a=1&b=2") in html.attributes
    assert ("lang", locale) in html.attributes
    assert "https://shop.example/orders/1?a=1&b=2" in message.text.splitlines()


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", MessageKind)
def test_names_are_words_and_never_markup_or_lines(kind: MessageKind, locale: str) -> None:
    hostile = '</td><script>alert(1)</script><img src=x onerror="x">{{ 7*7 }}\r\nBcc: a@b.example'
    of = samples.order(
        name=hostile, lines=(samples.line(title=hostile, tier=hostile, gift=hostile),)
    )
    plain = samples.every_message(of=samples.order(), shop_name="Moonlit Forge")[kind]
    context = samples.every_message(of=of, shop_name=hostile)[kind]

    message = say(kind, locale, context)

    html = Words(message.html)
    assert html.elements == Words(say(kind, locale, plain).html).elements
    assert "<script>alert(1)</script>" in " ".join(html.texts)
    assert "{{ 7*7 }}" in message.text
    assert "\n" not in message.subject
    assert [row for row in message.text.splitlines() if row.startswith("Bcc:")] == []


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", MessageKind)
def test_a_message_asks_for_nothing_from_outside(kind: MessageKind, locale: str) -> None:
    context = samples.every_message(of=samples.order(), shop_name="Moonlit Forge")[kind]

    message = say(kind, locale, context)

    html = Words(message.html)
    assert html.elements.isdisjoint({"img", "link", "script", "style", "iframe", "a"})
    assert "http" not in message.html + message.text
    assert "url(" not in message.html
    # Nothing that a template meant to fill in was left open.
    assert "{" not in message.text + message.html
    assert "None" not in message.text + message.html


def test_a_fact_that_is_missing_is_an_error_and_not_a_gap() -> None:
    context = samples.forfeited()
    del context["terms_version"]

    with pytest.raises(UndefinedError, match="terms_version"):
        say(MessageKind.ORDER_FORFEITED, "en", context)
