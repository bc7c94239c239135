"""What is there at once, and what is awaited."""

import asyncio
import gc
from typing import Any

import pytest

from resolvers.loader import Loader
from resolvers.readiness import Later, all_of, settled, then


def loader(asked: list[list[int]]) -> Loader[int, int]:
    """Return one that doubles, and refuses what is negative."""

    async def load(keys: list[int]) -> list[Any]:
        asked.append(keys)
        return [ValueError(key) if key < 0 else 2 * key for key in keys]

    return Loader(load_fn=load)


async def test_what_has_been_loaded_is_there_at_once() -> None:
    asked: list[list[int]] = []
    doubled = loader(asked)
    await doubled.prepare([1, 2])

    assert then(doubled.find(1), str) == "2"
    assert all_of([doubled.find(2), doubled.find(1)]) == [4, 2]
    assert await settled(doubled.find(2)) == 4
    assert asked == [[1, 2]]


async def test_what_has_not_is_awaited_with_all_that_is_asked_at_that_moment() -> None:
    asked: list[list[int]] = []
    doubled = loader(asked)
    await doubled.prepare([1])

    one = then(then(doubled.find(2), str), len)
    several = then(all_of([doubled.find(key) for key in (1, 3, 4)]), sum)

    assert isinstance(one, Later)
    assert isinstance(several, Later)
    assert await one == 1
    assert await settled(several) == 2 + 6 + 8
    assert asked == [[1], [2, 3, 4]]


async def test_a_failure_is_told_to_who_asks() -> None:
    doubled = loader([])
    await doubled.prepare([-1, 1])

    with pytest.raises(ValueError, match="-1"):
        doubled.find(-1)
    assert doubled.find(1) == 2
    # Not loaded yet
    with pytest.raises(ValueError, match="-2"):
        await settled(then(all_of([doubled.find(key) for key in (-2, -3)]), sum))


async def test_nothing_is_said_of_failures_that_nobody_asks_for() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    doubled = loader([])

    await doubled.prepare([-1])
    await doubled.prepare([])
    del doubled
    gc.collect()

    assert told == []


async def test_two_who_prepare_at_a_time_share_what_they_both_want() -> None:
    asked: list[list[int]] = []
    doubled = loader(asked)

    first = asyncio.create_task(doubled.prepare([1, 2, 1]))
    second = asyncio.create_task(doubled.prepare([2, 3]))
    await asyncio.sleep(0)
    # The one who began it goes away
    first.cancel()
    await second

    assert [doubled.find(key) for key in (1, 2, 3)] == [2, 4, 6]
    assert asked == [[1, 2], [3]]


async def test_what_is_told_is_not_loaded_and_changes_nothing_that_was() -> None:
    asked: list[list[int]] = []
    doubled = loader(asked)
    assert await doubled.load(1) == 2

    doubled.tell({1: 100, 2: 200})
    doubled.tell({2: 300, 3: 400})

    assert [await doubled.load(key) for key in (1, 2, 2, 3)] == [2, 200, 200, 400]
    # Who waits is told as well
    waiting = doubled.load(4)
    doubled.tell({4: 500})
    assert await waiting == 500
    assert asked == [[1]]
