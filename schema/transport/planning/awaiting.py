"""Tells at little cost whether a value is to be awaited."""

from types import CoroutineType, GeneratorType
from typing import Any

from strawberry.execution import optimized_is_awaitable

PLAIN: set[type] = {type(None), str, int, bool, float, list, tuple, dict}
"""Types met so far of which no value can be awaited: nearly every value is of one of them."""


def is_awaitable(value: Any) -> bool:
    """Tell whether a value is to be awaited, and remember the type of one that is not.

    Python awaits by the type, so what holds for one value holds for all of its type; only for
    generators it is each one's own.
    """
    kind = type(value)
    if kind in PLAIN:
        return False
    if kind is CoroutineType or optimized_is_awaitable(value):
        return True
    if not issubclass(kind, GeneratorType):
        PLAIN.add(kind)
    return False
