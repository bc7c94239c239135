"""Texts from outside: what can be kept at all."""

import re

from headless_presale.kernel.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold ``text``: no NUL and no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def check_text(text: str, field: tuple[str, ...], *, longest: int) -> None:
    """Raise InvalidInput unless a text says something, is not too long and can be kept."""
    if not text.strip():
        raise InvalidInput(reason="must not be empty", field=field)
    if len(text) > longest:
        raise InvalidInput(
            reason="must not be longer than {longest} characters", longest=longest, field=field
        )
    if not is_storable(text):
        raise InvalidInput(
            reason="must not contain NUL characters or halves of surrogate pairs", field=field
        )
