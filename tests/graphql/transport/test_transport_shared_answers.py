"""Answers that are kept, or made for many at once: what is shared, and what never is."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import strawberry
from starlette.requests import Request
from starlette.websockets import WebSocket

from schema.transport import CacheHint, PresaleGraphQL, RequestError
from schema.transport.answers import Answer, SharedAnswers
from schema.transport.execution import Operation, Outcome
from schema.transport.head import Head
from schema.transport.metrics import PERSISTED_QUERIES
from schema.transport.persisted import digest_of
from schema.transport.requests import OperationRequest


@dataclass
class Context:
    locale: str
    cache_hint: CacheHint | None = None


@dataclass
class Kitchen:
    """Counts what is made, and holds it back until the door is opened."""

    made: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    door: asyncio.Event = field(default_factory=asyncio.Event)


kitchen = Kitchen()

Info = strawberry.Info[Context, None]


@strawberry.type
class Query:
    @strawberry.field
    async def dish(
        self, info: Info, name: str, seconds: int = 1, public: bool = True, token: str = ""
    ) -> str:
        kitchen.made.append(name)
        info.context.cache_hint = CacheHint(max_age_seconds=seconds, public=public)
        try:
            await kitchen.door.wait()
        finally:
            kitchen.ended.append(name)
        return f"{name} {len(kitchen.made)} {info.context.locale}"

    @strawberry.field
    def unhinted(self) -> str:
        kitchen.made.append("unhinted")
        return "unhinted"

    @strawberry.field
    def burnt(self, info: Info) -> str | None:
        kitchen.made.append("burnt")
        info.context.cache_hint = CacheHint(max_age_seconds=1)
        raise RuntimeError("smoke")


schema = strawberry.Schema(query=Query)
DISH = "query ($name: String!) { dish(name: $name) }"


async def make_context(connection: Request | WebSocket) -> Context:
    if "x-refused" in connection.headers:
        raise RequestError("UNAUTHENTICATED", "Not you.", http_status=401)
    return Context(connection.headers.get("accept-language", ""))


def reuse_key(head: Head) -> str | None:
    return None if head.identifies else head.get(b"accept-language") or ""


Send = Callable[..., Any]


@pytest.fixture
def view() -> PresaleGraphQL:
    return PresaleGraphQL(schema, context_factory=make_context, reuse_key=reuse_key)


@pytest.fixture
async def http(view: PresaleGraphQL) -> AsyncIterator[httpx.AsyncClient]:
    kitchen.__init__()  # type: ignore[misc]
    kitchen.door.set()
    transport = httpx.ASGITransport(app=view)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client


async def ask(http: httpx.AsyncClient, query: str, **request: Any) -> httpx.Response:
    variables = request.pop("variables", {})
    return await http.post("/graphql", json={"query": query, "variables": variables}, **request)


async def settle() -> None:
    """Let every task come to where it waits."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_kept_answer_has_the_bytes_and_the_headers_of_one_that_is_made(
    http: httpx.AsyncClient,
) -> None:
    # Given what the plain way answers
    plain = PresaleGraphQL(
        schema, context_factory=make_context, reuse_key=reuse_key, answer_memory_bytes=0
    )
    params = {"query": '{ dish(name: "soup") }'}
    transport = httpx.ASGITransport(app=plain)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as other:
        made_get = await other.get("/graphql", params=params)
        kitchen.made.clear()
        made_post = await ask(other, params["query"])
        kitchen.made.clear()

    # When it is asked for by GET and by POST, in both media types
    got = [await http.get("/graphql", params=params) for _ in range(2)]
    posted = [await ask(http, params["query"]) for _ in range(2)]
    newer = await http.get(
        "/graphql", params=params, headers={"accept": "application/graphql-response+json"}
    )

    # Then it was made once, and nobody can tell
    assert kitchen.made == ["soup"]
    for answer in got:
        assert (answer.content, answer.headers) == (made_get.content, made_get.headers)
    for answer in posted:
        assert (answer.content, answer.headers) == (made_post.content, made_post.headers)
    assert made_get.headers["cache-control"] == "public, max-age=1"
    assert made_post.headers["cache-control"] == "no-store"
    assert "etag" not in made_post.headers
    assert newer.content == made_get.content
    assert newer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    unchanged = await http.get(
        "/graphql", params=params, headers={"if-none-match": made_get.headers["etag"]}
    )
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["cache-control"] == "public, max-age=1"


async def test_what_is_asked_and_in_which_way_is_told_apart(http: httpx.AsyncClient) -> None:
    two = 'query A { dish(name: "a") } query B { dish(name: "b") }'
    asked: list[dict[str, Any]] = [
        {"json": {"query": DISH, "variables": {"name": "soup"}}},
        {"json": {"query": DISH, "variables": {"name": "tea"}}},
        {"json": {"query": DISH + " ", "variables": {"name": "soup"}}},
        {"json": {"query": two, "operationName": "A"}},
        {"json": {"query": two, "operationName": "B"}},
        {
            "json": {"query": DISH, "variables": {"name": "soup"}},
            "headers": {"accept-language": "zh-CN"},
        },
    ]
    first = [await http.post("/graphql", **request) for request in asked]
    again = [await http.post("/graphql", **request) for request in asked]

    assert len(kitchen.made) == len(asked)
    assert len({answer.content for answer in first}) == len(asked)
    assert [answer.content for answer in again] == [answer.content for answer in first]
    reordered = "query ($name: String!, $seconds: Int!) { dish(name: $name, seconds: $seconds) }"
    for variables in ({"name": "x", "seconds": 1}, {"seconds": 1, "name": "x"}):
        await ask(http, reordered, variables=variables)
    assert kitchen.made.count("x") == 1


def known_hashes() -> float:
    return float(PERSISTED_QUERIES.labels("known")._value.get())


async def test_the_same_bytes_are_not_read_again(
    http: httpx.AsyncClient, view: PresaleGraphQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    receive = view.engine.receive

    async def counted(request: OperationRequest) -> Operation:
        read.append(request.query)
        return await receive(request)

    monkeypatch.setattr(view.engine, "receive", counted)
    query = '{ dish(name: "soup") }'
    by_hash = {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest_of(query)}},
    }
    for _ in range(3):
        await ask(http, query)
        await http.get("/graphql", params={"query": query})
    assert read == [query] * 2

    # Nor where a hash stands for the text: that is counted, and what is used is not forgotten
    await http.post("/graphql", json={"query": query, **by_hash})
    await view.engine.receive(OperationRequest("{ unhinted }", digest=digest_of("{ unhinted }")))
    assert list(view.engine.texts._texts.values()) == [query, "{ unhinted }"]
    read.clear()
    counted_before = known_hashes()
    for _ in range(3):
        answer = await http.post("/graphql", json=by_hash)
        assert answer.json()["data"]["dish"] == "soup 1 "
    assert len(read) == 1
    await http.post("/graphql", json={"query": query, **by_hash})
    assert known_hashes() == counted_before + 3
    assert list(view.engine.texts._texts.values()) == ["{ unhinted }", query]
    assert kitchen.made == ["soup"]
    # Nor is a body that is no JSON by its type taken for one that is
    wrong = await http.post(
        "/graphql",
        content=json.dumps({"query": query, "variables": {}}),
        headers={"content-type": "text/plain"},
    )
    assert wrong.status_code == 415


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ('{ dish(name: "soup") }', {"authorization": "Bearer x"}),
        ('{ dish(name: "soup", public: false) }', {}),
        ('{ dish(name: "soup", token: "t", public: false, seconds: 0) }', {}),
        ('{ dish(name: "soup", seconds: 0) }', {}),
        ("{ unhinted }", {}),
        ("{ burnt }", {}),
        ('{ dish(name: "soup") burnt }', {}),
    ],
    ids=["identified", "private", "for a token", "not for reuse", "unsaid", "failed", "in part"],
)
async def test_what_is_not_for_everybody_is_made_anew(
    http: httpx.AsyncClient, view: PresaleGraphQL, query: str, headers: dict[str, str]
) -> None:
    await ask(http, query, headers=headers)
    made = len(kitchen.made)
    await ask(http, query, headers=headers)

    assert len(kitchen.made) == 2 * made > 0
    assert len(view.answers) == 0


async def test_who_identifies_himself_is_not_given_what_is_kept(http: httpx.AsyncClient) -> None:
    query = '{ dish(name: "soup") }'
    kept = await ask(http, query)

    own = await ask(http, query, headers={"authorization": "Bearer x"})

    assert kept.json()["data"]["dish"] == "soup 1 "
    assert own.json()["data"]["dish"] == "soup 2 "


async def test_those_who_ask_at_once_share_one_making(http: httpx.AsyncClient) -> None:
    kitchen.door.clear()
    asking = [asyncio.create_task(ask(http, DISH, variables={"name": "soup"})) for _ in range(20)]
    await settle()
    assert kitchen.made == ["soup"]
    kitchen.door.set()
    answers = await asyncio.gather(*asking)

    assert kitchen.made == ["soup"]
    assert {answer.content for answer in answers} == {b'{"data":{"dish":"soup 1 "}}'}


async def test_the_first_may_leave_and_the_others_are_answered(http: httpx.AsyncClient) -> None:
    # Given one who has an answer made, and two who wait for the same
    kitchen.door.clear()
    first = asyncio.create_task(ask(http, DISH, variables={"name": "soup"}))
    await settle()
    others = [asyncio.create_task(ask(http, DISH, variables={"name": "soup"})) for _ in range(2)]
    await settle()

    # When the first is cancelled
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    kitchen.door.set()

    # Then nobody else is
    assert [(await other).json()["data"]["dish"] for other in others] == ["soup 1 "] * 2
    assert kitchen.made == ["soup"]


async def test_what_nobody_waits_for_any_more_is_given_up(http: httpx.AsyncClient) -> None:
    kitchen.door.clear()
    asking = [asyncio.create_task(ask(http, DISH, variables={"name": "soup"})) for _ in range(3)]
    await settle()
    assert kitchen.made == ["soup"]
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await settle()

    assert kitchen.ended == ["soup"]
    kitchen.door.set()
    again = await ask(http, DISH, variables={"name": "soup"})
    assert again.json()["data"]["dish"] == "soup 2 "


async def test_a_failure_of_the_first_is_his_alone(http: httpx.AsyncClient) -> None:
    kitchen.door.clear()
    refused = asyncio.create_task(
        ask(http, DISH, variables={"name": "soup"}, headers={"x-refused": "1"})
    )
    others = [asyncio.create_task(ask(http, DISH, variables={"name": "soup"})) for _ in range(2)]
    await settle()
    kitchen.door.set()

    assert (await refused).status_code == 401
    assert [(await other).status_code for other in others] == [200, 200]


async def test_a_private_answer_is_not_for_those_who_ask_at_once(http: httpx.AsyncClient) -> None:
    kitchen.door.clear()
    query = '{ dish(name: "soup", public: false) }'
    asking = [asyncio.create_task(ask(http, query)) for _ in range(3)]
    await settle()
    assert len(kitchen.made) == 1
    kitchen.door.set()
    answers = await asyncio.gather(*asking)

    assert len(kitchen.made) == 3
    assert {answer.status_code for answer in answers} == {200}


async def test_a_failed_answer_is_told_to_each_with_his_own_id(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(ask(http, "{ burnt }") for _ in range(3)))

    ids = {answer.json()["errors"][0]["extensions"]["requestId"] for answer in answers}
    assert len(ids) == 3


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def answer(body: bytes = b"{}", *, seconds: int = 1, read_at: float = 100.0) -> Answer:
    return Answer(Outcome(data={}), CacheHint(max_age_seconds=seconds), body, read_at)


async def given(answers: SharedAnswers, key: str, made: Answer) -> Answer:
    async def make() -> Answer:
        return made

    return await answers.get((key,), make)


@pytest.mark.parametrize(
    ("made", "lasts"),
    [
        (answer(), 1.0),
        (answer(seconds=60), 1.0),
        (answer(read_at=99.25), 0.25),
        (answer(read_at=98.0), 0.0),
    ],
    ids=["a second", "no longer", "from its oldest part on", "too old at once"],
)
async def test_an_answer_is_kept_until_its_oldest_part_is_a_second_old(
    made: Answer, lasts: float
) -> None:
    watch = Watch()
    answers = SharedAnswers(memory_bytes=100_000, now=watch)
    await given(answers, "a", made)

    watch.seconds = 100.0 + lasts - 0.01
    assert (answers.find(("a",)) is made) == (lasts > 0)
    watch.seconds = 100.0 + lasts
    assert answers.find(("a",)) is None


async def test_an_answer_that_takes_long_is_not_waited_for_by_those_who_come_later() -> None:
    watch, doors = Watch(), [asyncio.Event(), asyncio.Event()]
    answers = SharedAnswers(memory_bytes=100_000, now=watch)
    made: list[int] = []

    async def make() -> Answer:
        number = len(made)
        made.append(number)
        await doors[number].wait()
        return answer(str(number).encode(), read_at=watch.seconds)

    first = asyncio.create_task(answers.get(("a",), make))
    await settle()
    watch.seconds += 0.9
    second = asyncio.create_task(answers.get(("a",), make))
    await settle()
    watch.seconds += 0.1
    third = asyncio.create_task(answers.get(("a",), make))
    await settle()
    for door in doors:
        door.set()

    assert [(await each).body for each in (first, second, third)] == [b"0", b"0", b"1"]


async def test_what_is_kept_is_bounded_by_its_bytes_and_its_age() -> None:
    watch = Watch()
    answers = SharedAnswers(memory_bytes=50_000, now=watch)
    for number in range(100):
        await given(answers, str(number), answer(b"x" * 9_000))
        assert answers.memory_bytes <= 50_000
    assert len(answers) == 4
    assert answers.find(("99",)) is not None
    assert answers.find(("0",)) is None

    # One that is larger than all of it is not kept; what is over goes when the next one comes
    await given(answers, "large", answer(b"x" * 60_000))
    assert answers.find(("large",)) is None
    assert answers.find(("99",)) is not None
    watch.seconds += 2
    await given(answers, "next", answer(read_at=102.0))
    assert len(answers) == 1
    await given(answers, "next", answer(read_at=102.0))
    assert answers.memory_bytes == sum(entry.weight for entry in answers._entries.values())
