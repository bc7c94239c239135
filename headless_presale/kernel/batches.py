"""Much work done in small transactions, so that nobody waits for it."""

from collections.abc import Awaitable, Callable


async def in_batches(*steps: Callable[[], Awaitable[int]], size: int) -> int:
    """Do each step over and over, until it finds less than a whole batch; then the next.

    Args:
        steps: each handles at most ``size`` rows in a transaction of its own, and returns how many.

    Returns:
        How many rows all of them handled.
    """
    handled = 0
    for step in steps:
        while count := await step():
            handled += count
            if count < size:
                break
    return handled
