"""What is made of a text that comes from outside again and again, made once.

Nobody fills the memory with what he sends: so many are remembered, and of what is longer none.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")


def remembering(*, most: int, longest: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Remember what a pure function makes of so many texts, none of them longer than this."""

    def remember(read: Callable[[str], T]) -> Callable[[str], T]:
        recall = lru_cache(maxsize=most)(read)

        @wraps(read)
        def call(value: str) -> T:
            if len(value) > longest:
                return read(value)
            return recall(value)

        return call

    return remember
