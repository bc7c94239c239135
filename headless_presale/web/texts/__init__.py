"""Every sentence of the pages, in English and Chinese side by side, so that none is forgotten."""

from headless_presale.identity.errors import TooManyAttempts
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.web.texts.account import ACCOUNT
from headless_presale.web.texts.links import LINKS
from headless_presale.web.texts.notify_me import NOTIFY_ME
from headless_presale.web.texts.oauth import OAUTH
from headless_presale.web.texts.shared import SHARED
from headless_presale.web.texts.sign_in import SIGN_IN

Texts = dict[str, tuple[str, str]]

TEXTS: Texts = {**SHARED, **SIGN_IN, **LINKS, **ACCOUNT, **OAUTH, **NOTIFY_ME}


def say(key: str, locale: str, **params: object) -> str:
    """Return a sentence.

    Raises:
        KeyError: there is no such sentence.
    """
    text = TEXTS[key][SUPPORTED_LOCALES.index(locale)]
    return text.format(**params) if params else text


def say_wait(error: TooManyAttempts, locale: str) -> str:
    """Say how long to wait: in seconds up to two minutes, in whole minutes beyond."""
    seconds = error.retry_after_seconds
    if seconds <= 1:
        return say("wait_second", locale)
    if seconds <= 120:
        return say("wait_seconds", locale, count=seconds)
    return say("wait_minutes", locale, count=-(-seconds // 60))
