"""The process's Redis client: a rush waits, failures are remembered, a bad key harms itself."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from headless_presale.kernel import live
from headless_presale.kernel import redis as module
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.redis import LuaScript, close_redis, open_redis, redis_client
from headless_presale.slots.admission import keys_of

remaining = LuaScript("headless_presale.slots.scripts", "remaining")


def _keys(pool_id: object) -> list[str]:
    keys = keys_of(pool_id)  # type: ignore[arg-type]
    return [keys["meta"], keys["free"]]


@pytest.fixture
async def silent_redis(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[float]]:
    """Open the client on a server that accepts and never answers; collect when it was called."""
    calls: list[float] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(time.monotonic())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await close_redis()
    open_redis(f"redis://127.0.0.1:{port}/0", timeout_seconds=0.05)
    yield calls
    await close_redis()
    server.close()


async def test_a_script_runs_again_after_redis_forgot_it(redis: Redis) -> None:
    assert await remaining(_keys(new_id()), []) == []

    await redis.script_flush()

    assert await remaining(_keys(new_id()), []) == []


async def test_a_rush_waits_for_a_connection_instead_of_failing(redis: Redis) -> None:
    pool_id = new_id()
    await redis.hset(keys_of(pool_id)["meta"], mapping={"next": 1, "last": 9})

    rush = 2 * module.MAX_CONNECTIONS
    answers = await asyncio.gather(*(remaining(_keys(pool_id), []) for _ in range(rush)))

    assert answers == [[9]] * rush


async def test_a_silent_redis_is_asked_once_then_left_alone_for_a_moment(
    silent_redis: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE_SECONDS", 600)
    with pytest.raises(Unavailable) as refused:
        await remaining(_keys(new_id()), [])
    assert refused.value.part == "redis"
    asked = len(silent_redis)

    for _ in range(100):
        with pytest.raises(Unavailable):
            await remaining(_keys(new_id()), [])
        await live.publish([("order:1", 1)])
    assert len(silent_redis) == asked

    # When the pause is over
    monkeypatch.setattr(module, "_down_until", 0.0)
    with pytest.raises(Unavailable):
        await remaining(_keys(new_id()), [])
    assert len(silent_redis) > asked


async def test_a_new_client_starts_without_the_old_ones_pause(
    silent_redis: list[float], engine_urls: tuple[str, str]
) -> None:
    with pytest.raises(Unavailable):
        await remaining(_keys(new_id()), [])
    await close_redis()

    open_redis(engine_urls[1], timeout_seconds=1)

    assert await remaining(_keys(new_id()), []) == []


async def test_a_key_of_the_wrong_type_is_unavailable_and_stops_nobody_else(redis: Redis) -> None:
    broken, sound = new_id(), new_id()
    await redis.set(keys_of(broken)["meta"], "not a hash")

    with pytest.raises(Unavailable):
        await remaining(_keys(broken), [])

    assert await remaining(_keys(sound), []) == []


async def test_a_client_that_is_not_open_is_a_mistake_of_ours(redis: Redis) -> None:
    await close_redis()

    with pytest.raises(RuntimeError, match="not open"):
        redis_client()
