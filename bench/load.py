"""Sends work with bounded concurrency and tells how fast it went."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How many were done, in how long, and the slowest of every hundred."""

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


async def measure(
    work: Callable[[int], Awaitable[object]], *, count: int, concurrency: int
) -> Rate:
    """Run ``work(0..count-1)``, so many at a time."""
    numbers = iter(range(count))
    times: list[float] = []

    async def worker() -> None:
        for number in numbers:
            began = time.perf_counter()
            await work(number)
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())
    return rate_of(times, time.perf_counter() - began)


def rate_of(times: list[float], seconds: float) -> Rate:
    """Return how it went from the time of each, in seconds, and that of all together."""
    times, count = sorted(times), len(times)
    return Rate(
        count, seconds, times[count // 2] * 1000, times[min(count - 1, count * 99 // 100)] * 1000
    )
