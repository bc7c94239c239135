"""A small schema with one of everything the transport has to carry."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NewType

import strawberry
from starlette.requests import Request
from starlette.websockets import WebSocket
from strawberry.schema.config import StrawberryConfig

from schema.transport import CacheHint, Cost, RequestError
from schema.transport.shared import SHARED


@dataclass
class Journal:
    """What the resolvers did, for the tests to look at."""

    contexts_made: int = 0
    noises: int = 0
    added: list[int] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.contexts_made = 0
        self.noises = 0
        self.added.clear()
        self.closed.clear()
        self.generations.clear()
        self.watched.clear()


journal = Journal()


class Board:
    """A text for each topic, and those who wait for the next; None is its end."""

    def __init__(self) -> None:
        self.texts: dict[str, str | None] = defaultdict(lambda: "nothing yet")
        self.readers: set[asyncio.Event] = set()

    def put(self, topic: str, text: str | None) -> None:
        self.texts[topic] = text
        for reader in self.readers:
            reader.set()

    async def follow(self, topic: str) -> AsyncGenerator[str]:
        news = asyncio.Event()
        self.readers.add(news)
        try:
            sent = None
            while (text := self.texts[topic]) is not None:
                if text != sent:
                    sent = text
                    yield text
                await news.wait()
                news.clear()
        finally:
            self.readers.discard(news)


board = Board()


@dataclass
class ToyContext:
    connection: Request | WebSocket
    cache_hint: CacheHint | None = None
    connection_params: dict[str, Any] | None = None
    expires_at: datetime | None = None
    generation: int = 0
    cost_limit: int | None = None
    caller: str | None = None
    language: str = "en"

    def for_audience(self) -> tuple[str, "ToyContext"]:
        return self.language, ToyContext(connection=self.connection, language=self.language)


Info = strawberry.Info[ToyContext, None]


async def make_context(connection: Request | WebSocket) -> ToyContext:
    journal.contexts_made += 1
    wanted = connection.headers.get("x-toy")
    if wanted == "unauthenticated":
        raise RequestError("UNAUTHENTICATED", "Sign in first.", http_status=401)
    if wanted == "defect":
        raise LookupError("the session table is missing")
    lasts = connection.headers.get("x-lasts-seconds")
    return ToyContext(
        connection=connection,
        expires_at=datetime.now(UTC) + timedelta(seconds=float(lasts)) if lasts else None,
        cost_limit=int(connection.headers.get("x-cost-limit", 0)) or None,
        caller=connection.headers.get("x-caller"),
        language=connection.headers.get("accept-language", "en"),
    )


def renew_context(context: ToyContext) -> ToyContext:
    return replace(context, cache_hint=None, generation=context.generation + 1)


async def on_connect(context: ToyContext, params: Any) -> dict[str, Any] | None:
    if params.get("token") == "wrong":
        raise RequestError("UNAUTHENTICATED", "The token is wrong.")
    if params.get("token") == "defect":
        raise LookupError("the token table is missing")
    return {"welcome": params["name"]} if "name" in params else None


class QuotaExceeded(Exception):
    """Public by its attributes alone, as a module below the transport would write it."""

    public: ClassVar[bool] = True
    code = "RATE_LIMITED"
    retry_after_seconds = 7
    http_status = 429


class ForeignError(Exception):
    """Of another library; public because the view was told so."""


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Person(Named):
    @strawberry.field
    def friend(self) -> "Person":
        return Person(name=f"friend of {self.name}")

    @strawberry.field
    def friends(self, first: int = 10) -> list["Person"]:
        return [Person(name=f"{self.name} {number}") for number in range(min(first, 100))]

    @strawberry.field
    def pets(self) -> list["Pet"]:
        return [Pet(name="Rex", owner=self)]

    @strawberry.field
    def followers(self, first: int | None = None) -> "PersonConnection":
        return PersonConnection(edges=[PersonEdge(node=self)])


@strawberry.type
class Pet(Named):
    owner: Person


@strawberry.type
class PersonEdge:
    node: Person


@strawberry.type
class PersonConnection:
    edges: list[PersonEdge]
    size: int = 1


@strawberry.input
class Filter:
    name: str
    inner: "Filter | None" = None


Opaque = NewType("Opaque", object)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    async def person(self, name: str = "Ada") -> Person:
        return Person(name=name)

    @strawberry.field(description="Costs more than others.", directives=[Cost(weight=7)])  # type: ignore[untyped-decorator]
    def dear(self) -> Person:
        return Person(name="Dear")

    @strawberry.field
    def named(self) -> list[Named]:
        ada = Person(name="Ada")
        return [ada, Pet(name="Rex", owner=ada)]

    @strawberry.field
    def match(self, filter: Filter) -> str:
        return filter.name

    @strawberry.field
    def double(self, value: int = 1) -> int:
        return value * 2

    @strawberry.field
    def cached(self, info: Info, seconds: int, public: bool = True) -> str:
        hint = CacheHint(max_age_seconds=seconds, public=public)
        info.context.cache_hint = hint.narrowed_by(info.context.cache_hint)
        return "fresh"

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("password=hunter2")

    @strawberry.field
    def many_broken(self) -> list[str | None]:
        failure = RuntimeError("one loader, many fields")
        return [failure, failure, failure]  # type: ignore[list-item]

    @strawberry.field
    def private(self) -> str | None:
        raise RequestError("UNAUTHENTICATED", "Sign in first.", http_status=401)

    @strawberry.field
    def throttled(self) -> str:
        raise QuotaExceeded("Too many requests.")

    @strawberry.field
    def foreign(self) -> str | None:
        raise ForeignError("That id is unreadable.")

    @strawberry.field
    def opaque(self) -> Opaque:
        return Opaque(object())


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, amount: int, pause_seconds: float = 0.0) -> int:
        await asyncio.sleep(pause_seconds)
        journal.added.append(amount)
        return sum(journal.added)


@strawberry.type
class Generation:
    @strawberry.field
    def number(self, info: Info) -> int:
        return info.context.generation


@strawberry.type
class News:
    text: str

    @strawberry.field
    def asker(self, info: Info) -> str:
        return f"{info.context.caller or 'nobody'}, in {info.context.language}"

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("password=hunter2")

    @strawberry.field
    def opaque(self) -> Opaque:
        return Opaque(object())


@strawberry.type
class Subscription:
    @strawberry.subscription(metadata=SHARED)  # type: ignore[untyped-decorator]
    async def watch(self, topic: str) -> AsyncGenerator[News]:
        journal.watched.append(topic)
        try:
            async for text in board.follow(topic):
                if text == "break":
                    raise RuntimeError("password=hunter2")
                yield News(text=text)
        finally:
            journal.closed.append(f"watch {topic}")

    @strawberry.subscription
    async def mine(self, topic: str) -> AsyncGenerator[News]:
        """Likewise, for each by himself."""
        async for text in board.follow(topic):
            yield News(text=text)

    @strawberry.subscription
    async def count(self, info: Info, to: int, pause_seconds: float = 0.0) -> AsyncGenerator[int]:
        try:
            for number in range(1, to + 1):
                yield number
                await asyncio.sleep(pause_seconds)
        finally:
            journal.closed.append(f"count {to}")

    @strawberry.subscription
    async def silence(self, name: str) -> AsyncGenerator[int]:
        """Never yields; what holds a stream open in most shops most of the time."""
        try:
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
            yield 0
        finally:
            # A real one gives a connection back here, which takes a moment.
            await asyncio.sleep(0)
            journal.closed.append(f"silence {name}")

    @strawberry.subscription
    async def noise(self) -> AsyncGenerator[str]:
        """Never stops; more than any buffer holds."""
        try:
            while True:
                journal.noises += 1
                yield "x" * 100_000
        finally:
            journal.closed.append("noise")

    @strawberry.subscription
    async def people(self) -> AsyncGenerator[Person]:
        for name in ("Ada", "Grace"):
            yield Person(name=name)

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int]:
        yield 1
        raise RuntimeError("password=hunter2")

    @strawberry.subscription
    async def refused(self, buyer: str = "somebody else") -> AsyncGenerator[int]:
        if buyer != "you":
            raise RequestError("FORBIDDEN", "Not your order.")
        yield 0

    @strawberry.subscription
    async def generation(self, info: Info) -> AsyncGenerator[Generation]:
        for _ in range(3):
            yield Generation()


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Person, Pet],
    config=StrawberryConfig(
        scalar_map={Opaque: strawberry.scalar(name="Opaque", serialize=lambda value: value)}
    ),
)


def doubling(fragments: int) -> str:
    """Fragments that each spread the next one twice: 2**n fields out of a kilobyte."""
    chain = " ".join(
        f"fragment F{n} on Person {{ a: friend {{ ...F{n + 1} }} b: friend {{ ...F{n + 1} }} }}"
        for n in range(fragments)
    )
    return f"{{ person {{ ...F0 }} }} {chain} fragment F{fragments} on Person {{ name }}"
