"""Texts from outside: what can be kept at all."""

import re

from headless_presale.kernel.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold ``text``: no NUL and no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def check_text(
    text: str, field: tuple[str, ...], *, longest: int, is_required: bool = True
) -> None:
    """Raise InvalidInput unless a text is not too long, can be kept and, as a rule, says something.

    Args:
        is_required: whether a blank one is refused.
    """
    if is_required and not text.strip():
        raise InvalidInput(reason="must not be empty", field=field)
    if len(text) > longest:
        raise InvalidInput(
            reason="must not be longer than {longest} characters", longest=longest, field=field
        )
    if not is_storable(text):
        raise InvalidInput(
            reason="must not contain NUL characters or halves of surrogate pairs", field=field
        )


def read_name(text: str, field: tuple[str, ...], *, longest: int) -> str:
    """Return a name without outer space: one line that says something and can be kept.

    Raises:
        InvalidInput: it is empty, too long, or has what cannot be seen.
    """
    text = text.strip()
    # What cannot be kept (see above) is not printable either.
    if not 0 < len(text) <= longest or not text.isprintable():
        raise InvalidInput(
            reason="a name has 1 to {most} printable characters", most=longest, field=field
        )
    return text


def read_description(text: str, field: tuple[str, ...], *, longest: int) -> str:
    """Return a description, as :func:`read_name` does a name; it may be empty.

    Raises:
        InvalidInput: it is too long, or has what cannot be seen.
    """
    text = text.strip()
    if len(text) > longest or not text.isprintable():
        raise InvalidInput(
            reason="a description has at most {most} printable characters",
            most=longest,
            field=field,
        )
    return text
