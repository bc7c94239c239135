"""Every sentence of the pages, in English and Chinese side by side, so that none is forgotten."""

from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.web.texts.oauth import OAUTH
from headless_presale.web.texts.shared import SHARED

Texts = dict[str, tuple[str, str]]

TEXTS: Texts = {**SHARED, **OAUTH}


def say(key: str, locale: str, **params: object) -> str:
    """Return a sentence.

    Raises:
        KeyError: there is no such sentence.
    """
    text = TEXTS[key][SUPPORTED_LOCALES.index(locale)]
    return text.format(**params) if params else text
