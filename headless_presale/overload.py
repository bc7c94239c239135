"""The door: how many requests are worked on at once. One more is refused before it costs anything.

Above its capacity a server without a door takes everything in, and everybody waits longer and
longer for an answer that comes too late. With one, those who are in are served as fast as ever,
and the others are told at once when to come back.

A request holds a place while it is worked on: from the last byte of its body, so that a client
which sends slowly takes none away, to the first byte of its answer, so that one which reads slowly
or follows a stream does not either. Commands go on when their client has gone (see ``shielded``);
they count until they have ended, or a flood of clients that come and go would get past the door.

It also bounds every queue behind it: for database connections, and for the turn of an order that
takes its numbers from the database because Redis is away.
"""

from collections.abc import Iterable
from typing import ClassVar

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.graphql_endpoint import (
    GRAPHQL_PATH,
    GRAPHQL_RESPONSE,
    JSON,
    VARY,
    RefusalAnswer,
    accepted_media,
    compose_refusal,
    is_graphql,
    lines_of,
)
from headless_presale.kernel import metrics
from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.locales import SUPPORTED_LOCALES, negotiate
from headless_presale.kernel.unit_of_work import abandoned_commands
from headless_presale.refusal_texts import TEXTS

MESSAGE = TEXTS["OVERLOADED"]["en"]
RETRY_AFTER_SECONDS = 1
PLAIN_PATHS = ("/webhooks/", "/uploads/")


class Overloaded(PresaleError):
    """Every place is taken; nothing was done. Fit for a client's eyes, and shaped for it."""

    public: ClassVar[bool] = True
    code: ClassVar[str] = "OVERLOADED"
    http_status: ClassVar[int] = 503
    retry_after_seconds: ClassVar[int] = RETRY_AFTER_SECONDS

    def __init__(self) -> None:
        super().__init__(MESSAGE)


class Place:
    """A place inside; whoever holds it leaves once, further calls do nothing."""

    __slots__ = ("_door", "_is_held")

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._is_held = True

    def leave(self) -> None:
        """Give the place to the next one."""
        if self._is_held:
            self._is_held = False
            self._door.places_taken -= 1


class Door:
    """Counts who is inside.

    Args:
        limit: how many may be inside at once; 0 lets everybody in.

    Attributes:
        places_taken: requests and operations of sockets that are being worked on.
    """

    def __init__(self, limit: int) -> None:
        self.places_taken = 0
        self._limit = limit
        # One application a process; where tests make several, the gauge shows the newest.
        metrics.REQUESTS_IN_FLIGHT.set_function(self.count_inside)

    def count_inside(self) -> int:
        """Return how much is being worked on, also for clients that have gone."""
        return self.places_taken + abandoned_commands()

    def is_full(self) -> bool:
        """Tell whether the next one is refused."""
        return 0 < self._limit <= self.count_inside()

    def enter(self) -> Place:
        """Take a place.

        Raises:
            Overloaded: there is none.
        """
        if self.is_full():
            self.count_refusal()
            raise Overloaded
        self.places_taken += 1
        return Place(self)

    def count_refusal(self) -> None:
        """Note that one was refused, and what filled the places."""
        is_by_requests = self.places_taken >= self._limit
        metrics.REQUESTS_REFUSED.labels("in_flight" if is_by_requests else "abandoned").inc()


class Admission:
    """Middleware: lets requests that do work through the door, or refuses them.

    Outside of whatever does work itself: of what is refused nothing else is looked at.

    Health, metrics, the schema and the admin's files need no place. What arrives over a socket
    passes the door one operation at a time: it is in ``scope["state"]["door"]``.
    """

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scope.setdefault("state", {})["door"] = self.door
        if not _does_work(scope):
            await self.app(scope, receive, send)
            return
        if self.door.is_full():
            self.door.count_refusal()
            await _refuse(scope, send)
            return
        await self._let_in(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.door
        place = door.enter() if scope["method"] == "GET" else None
        has_started = False

        async def receive_then_enter() -> Message:
            nonlocal place
            message = await receive()
            if (
                place is None
                and message["type"] == "http.request"
                and not message.get("more_body", False)
            ):
                place = door.enter()
            return message

        async def leave_then_send(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                if place is not None:
                    place.leave()
            await send(message)

        try:
            await self.app(scope, receive_then_enter, leave_then_send)
        except Overloaded:
            if has_started:
                raise
            await _refuse(scope, send)
        finally:
            if place is not None:
                place.leave()


def _does_work(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    method: str = scope["method"]
    if is_graphql(scope):
        return method in ("GET", "POST")
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return method == "POST" and path.startswith(PLAIN_PATHS)


# Where the server refuses by itself, pages of other sites can read that too.
_READABLE = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
)
# Composed once: what refuses must cost next to nothing.
_OF_GRAPHQL = {
    (media, locale): compose_refusal(
        Overloaded(), media=media, language=locale, more_headers=_READABLE
    )
    for media in (JSON, GRAPHQL_RESPONSE)
    for locale in SUPPORTED_LOCALES
}
_PLAIN_BODY = orjson.dumps({"error": {"code": Overloaded.code}})
_PLAIN = RefusalAnswer(
    Overloaded.http_status,
    (
        (b"content-type", JSON),
        (b"content-length", str(len(_PLAIN_BODY)).encode()),
        (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", VARY),
        *_READABLE,
    ),
    _PLAIN_BODY,
)


async def _refuse(scope: Scope, send: Send) -> None:
    await _refusal_for(scope).send(send)


def refuse_at_once(
    scope: Scope, door: Door, more_headers: Iterable[tuple[bytes, bytes]]
) -> bytes | None:
    """Return the bytes that refuse a request whose headers have come; None to let it go on.

    For a server that can ask before it starts the application: a task and a stack of middleware
    cost several times the refusal itself. :class:`Admission` stays behind it, for every server.
    """
    if not door.is_full() or not _does_work(scope):
        return None
    door.count_refusal()
    return _raw(_refusal_for(scope), more_headers)


def _refusal_for(scope: Scope) -> RefusalAnswer:
    if not scope["path"].endswith(GRAPHQL_PATH):
        return _PLAIN
    return _OF_GRAPHQL[accepted_media(scope), _locale_of(scope)]


def _raw(answer: RefusalAnswer, more_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return an answer as HTTP/1.1 writes it."""
    lines = lines_of((*more_headers, *answer.headers))
    return b"".join((b"HTTP/1.1 503 Service Unavailable\r\n", lines, b"\r\n", answer.body))


def _locale_of(scope: Scope) -> str:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    value = next((value for name, value in headers if name == b"accept-language"), None)
    return SUPPORTED_LOCALES[0] if value is None else negotiate(value.decode("latin-1"))
