"""Whoever wants the same at the same time shares one read, and nobody one from before a change."""

import asyncio

import pytest

from headless_presale.kernel.freshness import watch_freshness
from headless_presale.kernel.single_flight import SingleFlight


class Source:
    """Gives out one number after the other, when it may."""

    def __init__(self) -> None:
        self.reads = 0
        self.may_go_on = asyncio.Event()
        self.error: Exception | None = None

    async def read(self) -> int:
        """Return how often it was asked."""
        self.reads += 1
        number = self.reads
        await self.may_go_on.wait()
        if self.error is not None:
            raise self.error
        return number


async def begun(*coroutines: object) -> "list[asyncio.Task[int]]":
    """Return tasks that have got as far as they get."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]  # type: ignore[call-overload]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_one_read_for_all_who_ask_at_once() -> None:
    source, flight = Source(), SingleFlight[str, int]()
    tasks = await begun(*(flight.get("a", source.read) for _ in range(5)))
    others = await begun(flight.get("b", source.read))
    source.may_go_on.set()

    assert await asyncio.gather(*tasks) == [1] * 5
    assert await asyncio.gather(*others) == [2]
    # It is not kept: that is for who asks.
    assert await flight.get("a", source.read) == 3


async def test_who_asks_after_a_change_reads_anew() -> None:
    source, flight = Source(), SingleFlight[str, int]()
    before = await begun(flight.get("a", source.read))
    flight.forget("a")
    after = await begun(flight.get("a", source.read), flight.get("a", source.read))
    source.may_go_on.set()

    assert await asyncio.gather(*before) == [1]
    assert await asyncio.gather(*after) == [2, 2]


async def test_a_failure_is_everybodys_and_is_not_remembered() -> None:
    source, flight = Source(), SingleFlight[str, int]()
    source.error = ValueError("no")
    tasks = await begun(flight.get("a", source.read), flight.get("a", source.read))
    source.may_go_on.set()

    for task in tasks:
        with pytest.raises(ValueError, match="no"):
            await task
    source.error = None
    assert await flight.get("a", source.read) == 2


async def test_who_goes_away_does_not_end_it_for_the_others() -> None:
    source, flight = Source(), SingleFlight[str, int]()
    first, second = await begun(flight.get("a", source.read), flight.get("a", source.read))
    first.cancel()
    source.may_go_on.set()

    assert await second == 1
    assert first.cancelled()


async def test_what_another_began_is_as_old_as_that() -> None:
    source, flight = Source(), SingleFlight[str, int]()
    await begun(flight.get("a", source.read))
    freshness = watch_freshness()
    watched_at = freshness.read_at
    (task,) = await begun(flight.get("a", source.read))
    source.may_go_on.set()

    await task
    assert freshness.read_at < watched_at


def test_a_loop_that_has_ended_holds_nobody_up() -> None:
    flight = SingleFlight[str, int]()

    async def leave() -> None:
        await begun(flight.get("a", Source().read))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    source = Source()

    async def ask() -> int:
        source.may_go_on.set()
        return await flight.get("a", source.read)

    assert asyncio.run(ask()) == 1
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
