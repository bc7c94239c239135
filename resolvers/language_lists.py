"""Texts by language: a list in inputs, a mapping in the domain."""

from collections.abc import Sequence
from dataclasses import replace

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.locales import canonical_locale
from resolvers.errors import Answer, R, Refusal

Texts = Sequence[tuple[str, str | None]]
"""Pairs of a language and a text in it; None removes the language."""


def by_language(texts: Texts) -> dict[str, str | None]:
    """Return the texts by language.

    Raises:
        InvalidInput: a language is named twice; ``field`` is its place in ``translations``.
    """
    seen: set[str] = set()
    for position, (locale, _) in enumerate(texts):
        if canonical_locale(locale) in seen:
            at = ("translations", str(position), "locale")
            raise InvalidInput(reason="each language is named once", field=at)
        seen.add(canonical_locale(locale))
    return dict(texts)


def in_list(answer: Answer[R], texts: Texts | None) -> Answer[R]:
    """Point at a text by its place in the input's list, where the domain names its language."""

    def placed(refusal: Refusal) -> Refusal:
        match refusal.field:
            case ("translations", locale, *rest) if not locale.isdigit():
                place = [locale for locale, _ in texts or ()].index(locale)
                at = ("translations", str(place), *(rest or ["locale"]))
                return replace(refusal, field=at)
            case _:
                return refusal

    return replace(answer, refusals=tuple(map(placed, answer.refusals)))
