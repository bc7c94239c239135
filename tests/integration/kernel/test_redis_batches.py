"""What is asked of Redis at the same time goes together, and each command stands for itself."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from headless_presale.kernel import redis as kernel_redis
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import LuaScript, ask
from headless_presale.kernel.redis_batches import Batches, Command

remaining = LuaScript("headless_presale.slots.scripts", "remaining")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect how many commands went at once."""
    sizes: list[int] = []
    send: Any = Batches._send

    async def noting(self: Batches, commands: Sequence[Command]) -> Any:
        sizes.append(len(commands))
        return await send(self, commands)

    monkeypatch.setattr(Batches, "_send", noting)
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
    assert await ask(("SET", "a", "1"), ("INCRBY", "a", 4), ("GET", "a")) == ["OK", 5, "5"]


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


async def test_one_connection_serves_all_until_it_is_closed(redis: Redis) -> None:
    (first,), (second,) = [await ask(("CLIENT", "ID")) for _ in range(2)]
    assert first == second

    await redis.client_kill_filter(_id=first)

    # Found closed or closed under its hands: asked again on a new one.
    again, told = await ask(("CLIENT", "ID"), ("ECHO", "a"))
    assert (again != first, told) == (True, "a")


async def test_answers_that_come_too_late_are_nobody_elses(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable):
        await ask(("BLPOP", "nothing", 60))
    await redis.rpush("nothing", "late")
    monkeypatch.setattr(kernel_redis, "_down_until", 0.0)

    assert await ask(("ECHO", "next"), ("ECHO", "last")) == ["next", "last"]
