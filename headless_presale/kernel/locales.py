"""Languages: which ones we speak, which one a client wants, which text it gets."""

import re
from collections.abc import Mapping

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.remembering import remembering

SUPPORTED_LOCALES = ("en", "zh-CN")
"""BCP 47 tags of the languages our own sentences exist in; the first is the default."""

MAX_ACCEPT_LANGUAGE_LENGTH = 1_000
"""What lies beyond is not read: the header comes from outside and browsers send under 100."""

MAX_LANGUAGES = 40
"""How many languages a merchant writes the texts of one thing in, beside the shop's own."""

LONGEST_REMEMBERED = 35
"""Of a tag whose parents are known without looking; none that people use is longer (RFC 5646)."""

_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_QUALITY = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def is_locale(tag: str) -> bool:
    """Tell whether ``tag`` has the form of a language tag that our columns hold: ``pt-BR``."""
    return len(tag) <= 10 and _TAG.fullmatch(tag) is not None


@remembering(most=1_000, longest=LONGEST_REMEMBERED)
def canonical_locale(tag: str) -> str:
    """Return a tag in its usual spelling: ``ZH-cn`` is ``zh-CN``, ``zh-hans`` is ``zh-Hans``."""
    language, *subtags = tag.split("-")
    return "-".join([language.lower(), *map(_subtag, subtags)])


def read_locale(tag: str, field: tuple[str, ...]) -> str:
    """Return a language tag in its usual spelling.

    Raises:
        InvalidInput: this is none.
    """
    if not is_locale(tag):
        raise InvalidInput(reason="must be a language tag such as zh-CN", field=field)
    return canonical_locale(tag)


def check_languages(texts: Mapping[str, object], field: tuple[str, ...]) -> None:
    """Raise InvalidInput if texts by language are in more of them than are kept."""
    if len(texts) > MAX_LANGUAGES:
        raise InvalidInput(reason="at most {most} languages", most=MAX_LANGUAGES, field=field)


def _subtag(subtag: str) -> str:
    if len(subtag) == 2 and subtag.isalpha():
        return subtag.upper()
    return subtag.capitalize() if len(subtag) == 4 and subtag.isalpha() else subtag.lower()


def negotiate(accept_language: str) -> str:
    """Return the supported locale that fits an ``Accept-Language`` header best.

    Preferences count by quality, then by order (RFC 9110, 12.5.4). A language without its region,
    or with another one, is served by the region we have: ``zh``, ``zh-Hans`` and ``zh-TW`` all get
    ``zh-CN``. What cannot be read is passed over; nothing that fits means the default.
    """
    wanted: list[tuple[float, str]] = []
    refused: set[str] = set()
    for part in accept_language[:MAX_ACCEPT_LANGUAGE_LENGTH].split(","):
        tag, _, parameter = (piece.strip() for piece in part.partition(";"))
        quality = 1.0
        if parameter:
            match = _QUALITY.fullmatch(parameter)
            if match is None:
                continue
            quality = float(match[1])
        if tag != "*" and _TAG.fullmatch(tag) is None:
            continue
        if quality > 0:
            wanted.append((quality, tag))
        else:
            refused.add(canonical_locale(tag))
    for _, tag in sorted(wanted, key=lambda pair: -pair[0]):
        found = _supported(tag, refused)
        if found is not None:
            return found
    return SUPPORTED_LOCALES[0]


def _supported(tag: str, refused: set[str]) -> str | None:
    served = [locale for locale in SUPPORTED_LOCALES if refused.isdisjoint(parents(locale))]
    if tag == "*":
        return next(iter(served), None)
    for candidate in parents(tag):
        for locale in served:
            if candidate in (locale, locale.partition("-")[0]):
                return locale
    return None


@remembering(most=1_000, longest=LONGEST_REMEMBERED)
def parents(tag: str) -> tuple[str, ...]:
    """Return a tag and what it falls back to: ``zh-Hans-CN``, ``zh-Hans``, ``zh``."""
    parts = canonical_locale(tag).split("-")
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def pick(
    translations: Mapping[str, Mapping[str, str]],
    locale: str,
    fallback: Mapping[str, str],
    *,
    fallback_locale: str | None = None,
) -> dict[str, str]:
    """Return the texts of ``fallback``, each in the best language there is for ``locale``.

    ``zh-CN`` looks for ``zh-CN``, then ``zh``, then takes the fallback. Each text on its own: a
    translated title beside an untranslated description gives one of each. An empty translation is
    none. Texts that ``fallback`` does not name are not returned.

    Args:
        translations: locale -> field -> text.
        fallback: field -> text, in the language of ``fallback_locale``.
        fallback_locale: where the search meets it, the fallback wins: for ``zh-CN`` texts that
            are written in ``zh-CN`` a translation to ``zh`` is no improvement.
    """
    chosen = dict(fallback)
    missing = set(fallback)
    written_in = None if fallback_locale is None else canonical_locale(fallback_locale)
    for candidate in parents(locale):
        if candidate == written_in:
            break
        texts = translations.get(candidate, {})
        for field in tuple(missing):
            if text := texts.get(field):
                chosen[field] = text
                missing.discard(field)
    return chosen
