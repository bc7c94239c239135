"""JSON as the text that a ``json`` or ``jsonb`` parameter of hand-written SQL takes."""

from uuid import UUID

import orjson


def to_jsonb(value: object) -> str:
    """Return a JSON-ready value as text.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> str:
    # The driver's own kind of UUID, which orjson does not know.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError
