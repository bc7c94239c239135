"""What is asked of Redis at the same time goes together, and each command stands for itself."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import LuaScript, ask

remaining = LuaScript("headless_presale.slots.scripts", "remaining")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect how many commands went at once."""
    sizes: list[int] = []
    execute: Any = Pipeline.execute

    async def noting(self: Any, *arguments: Any, **options: Any) -> Any:
        sizes.append(len(self.command_stack))
        return await execute(self, *arguments, **options)

    monkeypatch.setattr(Pipeline, "execute", noting)
    return sizes


async def test_what_is_asked_at_once_goes_together(redis: Redis, sent: list[int]) -> None:
    answers = await asyncio.gather(*(ask(("INCRBY", "count", 2)) for _ in range(20)))

    assert answers == [[2 * number] for number in range(1, 21)]
    assert sent == [20]


async def test_what_is_asked_meanwhile_goes_with_the_next(redis: Redis, sent: list[int]) -> None:
    first = asyncio.gather(*(ask(("INCRBY", "count", 1)) for _ in range(3)))
    # The first batch is on its way.
    while not sent:  # noqa: ASYNC110 - a turn of the loop is what is waited for
        await asyncio.sleep(0)
    rest = asyncio.gather(*(ask(("INCRBY", "count", 1)) for _ in range(7)))

    assert await first == [[1], [2], [3]]
    assert await rest == [[4], [5], [6], [7], [8], [9], [10]]
    assert sent == [3, 7]


async def test_answers_of_one_call_keep_its_order(redis: Redis) -> None:
    assert await ask(("SET", "a", "1"), ("INCRBY", "a", 4), ("GET", "a")) == [True, 5, "5"]


async def test_an_error_of_one_is_nothing_to_the_others(redis: Redis) -> None:
    await redis.set("text", "no number")

    refused = asyncio.create_task(ask(("INCRBY", "text", 1)))
    counted = asyncio.create_task(ask(("INCRBY", "count", 1)))

    with pytest.raises(Unavailable):
        await refused
    assert await counted == [1]


async def test_who_goes_away_takes_nobody_along(redis: Redis) -> None:
    gone, stays = (asyncio.create_task(ask(("INCRBY", "count", 1))) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == [2]
    assert gone.cancelled() or gone.exception() is None


async def test_scripts_that_redis_forgot_run_all(redis: Redis) -> None:
    keys = ["{none}:meta", "{none}:free"]
    await redis.script_flush()

    answers = await asyncio.gather(*(remaining.all([(keys, []), (keys, [])]) for _ in range(5)))

    assert answers == [[[], []]] * 5
