"""JSON as the text that a ``jsonb`` parameter of hand-written SQL takes."""

import orjson


def to_jsonb(value: object) -> str:
    """Return a JSON-ready value as text.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    return orjson.dumps(value).decode()
