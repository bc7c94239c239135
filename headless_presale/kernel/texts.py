"""Texts from outside: what can be kept at all."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold ``text``: no NUL and no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None
