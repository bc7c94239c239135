"""Documents named by their hash: what the processes of a deployment share, and how much of it."""

import hashlib
from datetime import timedelta

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import Route

from headless_presale.documents import SharedTexts
from headless_presale.documents.shared_texts import (
    MAX_TEXT_BYTES,
    TEXT_KEY_PREFIX,
    TEXTS_KEY,
    TTL_MS,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.redis import close_redis, open_redis
from schema.asgi import create_graphql_app
from tests.graphql.endpoint import Api, WithRuntime

TEXT = "query Shared { serverTime }"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_what_one_process_is_told_the_others_know(api: Api) -> None:
    graphql = create_graphql_app(api.runtime.settings)
    app = WithRuntime(Starlette(routes=[Route("/graphql", graphql)]), api.runtime)
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(TEXT)}}}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://other.test") as other:
        unknown = await other.post("/graphql", json=by_hash)
        await api.client.post("/graphql", json={"query": TEXT, **by_hash})
        known = await other.post("/graphql", json=by_hash)

    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert known.json()["data"].keys() == {"serverTime"}


async def test_there_is_room_for_so_many_and_the_first_to_end_goes(
    redis: Redis, clock: ManualClock
) -> None:
    texts = SharedTexts(max_texts=3)
    for number in range(5):
        clock.advance(timedelta(seconds=1))
        await texts.keep(digest(str(number)), str(number))

    kept = [await texts.find(digest(str(number))) for number in range(5)]

    assert kept == [None, None, "2", "3", "4"]
    assert len(await redis.keys(TEXT_KEY_PREFIX + "*")) == await redis.zcard(TEXTS_KEY) == 3


async def test_a_text_ends_after_a_day_and_leaves_its_place(
    redis: Redis, clock: ManualClock
) -> None:
    texts = SharedTexts()
    await texts.keep(digest("a"), "a")
    assert 0 < await redis.pttl(TEXT_KEY_PREFIX + digest("a")) <= TTL_MS
    clock.advance(timedelta(milliseconds=TTL_MS))

    await texts.keep(digest("b"), "b")

    assert await redis.zrange(TEXTS_KEY, 0, -1) == [digest("b")]


@pytest.mark.parametrize(("length", "kept"), [(MAX_TEXT_BYTES, True), (MAX_TEXT_BYTES + 1, False)])
async def test_a_long_text_is_not_shared(redis: Redis, length: int, kept: bool) -> None:
    text = "x" * length
    await SharedTexts().keep(digest(text), text)

    assert bool(await redis.exists(TEXT_KEY_PREFIX + digest(text))) is kept


async def test_without_redis_nothing_is_known_and_nobody_is_refused() -> None:
    open_redis("redis://127.0.0.1:1", timeout_seconds=0.25)
    try:
        await SharedTexts().keep(digest(TEXT), TEXT)
        assert await SharedTexts().find(digest(TEXT)) is None
    finally:
        await close_redis()
