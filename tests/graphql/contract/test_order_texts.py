"""Everything that can happen to an order is told in a sentence of every language."""

from string import Formatter

import pytest

from headless_presale import orders, payments
from headless_presale.kernel.events import EventRecord
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.orders.events import OrderEvent
from headless_presale.payments.events import PaymentEvent
from resolvers.order_texts import ACTORS, LEGS, SENTENCES, sentence_of

TOLD = {
    kind.type: kind
    for module in (orders.events, payments.events)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, OrderEvent | PaymentEvent)
    # Bases name no event of their own.
    if hasattr(kind, "type")
}


def test_every_event_of_an_order_has_its_sentence_and_nothing_else_has() -> None:
    assert SENTENCES.keys() == TOLD.keys()


@pytest.mark.parametrize("texts", [SENTENCES, LEGS, ACTORS])
def test_every_text_is_there_in_every_language(texts: dict[str, dict[str, str]]) -> None:
    for said in texts.values():
        assert set(said) == set(SUPPORTED_LOCALES)
        placeholders = [
            {name for _, name, _, _ in Formatter().parse(t) if name} for t in said.values()
        ]
        assert all(found == placeholders[0] for found in placeholders), said


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", TOLD)
def test_a_sentence_names_only_what_its_event_knows(kind: str, locale: str) -> None:
    payload = {
        "total_minor": 100,
        "amount_minor": 100,
        "refunded_minor": 100,
        "currency": "CNY",
        "leg": "DEPOSIT",
        "gateway": "sandbox",
    }
    known = {
        name: value for name, value in payload.items() if name in TOLD[kind].__dataclass_fields__
    }
    said = sentence_of(EventRecord(type=kind, payload=known), locale)

    assert "None" not in said
    assert "  " not in said


def test_an_event_of_a_later_version_is_told_by_its_type() -> None:
    assert sentence_of(EventRecord(type="order.sung", payload={}), "en") == "order.sung"
