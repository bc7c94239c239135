"""Where pictures are made: a few threads, and a short queue before them.

Pillow lets go of the interpreter's lock while it decodes, resizes and encodes, so the event loop
lives on. How many pictures are in the works at once bounds what memory they take.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from headless_presale.kernel.errors import Unavailable

T = TypeVar("T")

THREADS = 2
MAX_WAITING = 16
"""One more is asked to come again: each holds an uploaded file."""

_inside = 0


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")


async def in_workshop(make: Callable[[], T]) -> T:
    """Return what ``make`` returns, run in one of the workshop's threads.

    What has begun comes to its end, also for a caller that is cancelled.

    Raises:
        Unavailable: the queue is full.
    """
    global _inside
    if _inside >= THREADS + MAX_WAITING:
        raise Unavailable("picture workshop", retry_after_seconds=2)
    _inside += 1
    working = asyncio.get_running_loop().run_in_executor(_threads(), make)
    working.add_done_callback(_leave)
    return await asyncio.shield(working)


def _leave(done: "asyncio.Future[T]") -> None:
    global _inside
    _inside -= 1
    if not done.cancelled():
        # Somebody who has gone does not want to hear of it.
        done.exception()
