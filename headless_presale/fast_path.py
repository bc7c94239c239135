"""The fast path: whole requests to the GraphQL endpoint, answered without a stack of middleware.

The application is built of middleware around routes, each of which looks at every message that
goes by. For the requests that a shop lives on that costs more than the answer itself. So a server
that has such a request as a whole may hand it over here: the same rules, in the same order, by the
same functions, once for the request and once for its answer. What was answered a moment ago, and is
for everybody, is answered within the call; nothing waits, and no task is begun.

Whatever is unusual is left to the middleware: a door that is full, a page of another site's that no
shop is known to let in, other methods. So there is one place for each refusal. Both ways give the
same bytes: ``tests/integration/http/test_fast_path.py`` asks both the same.
"""

import logging
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeGuard, cast, runtime_checkable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.cross_origin import FOREIGN_ORIGIN, READABLE, NamedOrigins, foreign_origin
from headless_presale.graphql_endpoint import GRAPHQL_PATH, RawHeaders, lines_of, refusal_of
from headless_presale.middleware import (
    count_request,
    failed,
    lacking,
    log_request,
    name_request,
)
from headless_presale.overload import Door, Place
from headless_presale.proxies import ClientsBehind
from headless_presale.rate_limits import (
    RATE_COUNTS,
    Count,
    Counts,
    RateLimiter,
    address_of,
    count_caller,
    headers_of,
)
from headless_presale.sockets import SOCKET_PLACE, OpenSockets, SocketPlace, stays_open

_requests = logging.getLogger("headless_presale.http")
_NOTHING_COUNTED = Counts()


class Head(Protocol):
    """The head of a request, read."""

    def get(self, name: bytes) -> str | None:
        """Return a header by its name in lower case, or None."""


class Composed(Protocol):
    """An answer that is there as a whole. It has none of the headers that are added here."""

    @property
    def status(self) -> int: ...

    @property
    def lines(self) -> bytes:
        """Its headers as HTTP/1.1 writes them, the length of the body among them."""

    @property
    def body(self) -> bytes: ...


@runtime_checkable
class Endpoint(Protocol):
    """What answers whole requests."""

    def read_head(self, scope: Scope) -> Head:
        """Return the head of a request."""

    def find_kept(self, head: Any, body: bytes) -> Composed | None:
        """Return an answer that is there already, or None: ``answer``."""

    async def answer(self, head: Any, body: bytes) -> Composed | ASGIApp:
        """Answer a request; with an application where that goes on for a while."""


class Answered(NamedTuple):
    """What is to be sent.

    Attributes:
        lines: all headers that are not the server's own, as HTTP/1.1 writes them.
        closes: whether the connection is of no more use.
    """

    status: int
    lines: bytes
    body: bytes
    closes: bool = False


@dataclass(slots=True, eq=False)
class Asked:
    """A request that has begun.

    Attributes:
        began: on the clock of ``time.perf_counter``.
        counts: what was counted of it; nobody's, where nothing is.
        place: what it holds of the door, once it has to wait.
        socket_place: what it counts for, if it turns out to go on for a while.
    """

    scope: Scope
    head: Head
    body: bytes
    request_id: str
    began: float
    counts: Counts = _NOTHING_COUNTED
    is_counted: bool = False
    place: Place | None = None
    socket_place: SocketPlace | None = None

    def leave(self) -> None:
        """Leave the door: the answer begins."""
        if self.place is not None:
            self.place.leave()

    def end(self, _: object = None) -> None:
        """Give back whatever is held: answered, or given up."""
        self.leave()
        if self.socket_place is not None:
            self.socket_place.leave()
            # It knows the scope: together they would stay until garbage is collected.
            self.scope["state"].pop(SOCKET_PLACE, None)
            self.socket_place = None


class FastPath:
    """Takes whole requests to an endpoint.

    Args:
        security_headers: what each answer carries.
        own: our own origin.
        named: the origins that shops name; shared with the middleware, as limiter and streams are.
        held: who holds how many streams open.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        door: Door,
        security_headers: RawHeaders,
        own: str,
        named: NamedOrigins,
        clients: ClientsBehind,
        limiter: RateLimiter,
        held: OpenSockets,
    ) -> None:
        self._endpoint = endpoint
        self._door = door
        self._security_headers = security_headers
        self._own = own
        self._named = named
        self._clients = clients
        self._limiter = limiter
        self._held = held
        self._last_lines = lines_of(security_headers)
        self._last_lines_for_strangers = lines_of((*READABLE, *security_headers))

    def takes(self, scope: Scope) -> bool:
        """Tell whether a request whose head has come is one for here."""
        if self._door.is_full() or stays_open(scope):
            return False
        origin = foreign_origin(scope, self._own)
        if origin is None:
            return True
        if not self._named.knows(origin):
            return False
        scope[FOREIGN_ORIGIN] = origin
        return True

    def begin(self, scope: Scope, body: bytes) -> Answered | Asked | None:
        """Answer a request that is there as a whole.

        Returns:
            The answer; or a request that has to wait, for ``serve``; or None for one that is to go
            through the middleware after all: nothing was done.
        """
        if self._door.is_full():
            return None
        began = time.perf_counter()
        self._clients.look_behind(scope)
        head = self._endpoint.read_head(scope)
        state: MutableMapping[str, Any] = scope["state"]
        request_id = state["request_id"] = name_request(head.get(b"x-request-id"))
        asked = Asked(scope, head, body, request_id, began)
        counted = self._count(asked, state)
        if asked.is_counted:
            kept = self._find_kept(asked)
            if kept is not None:
                return self._answered(asked, kept, _lines_of(counted))
        asked.place = self._door.enter()
        asked.socket_place = state[SOCKET_PLACE] = SocketPlace(self._held, scope)
        return asked

    def _count(self, asked: Asked, state: MutableMapping[str, Any]) -> Count | None:
        """Count a request, where nobody has to be asked for that."""
        caller = address_of(asked.scope)
        if caller is None:
            asked.is_counted = True
            return None
        counts = asked.counts = state[RATE_COUNTS] = Counts()
        if self._limiter.limit <= 0:
            asked.is_counted = True
            return None
        if asked.head.get(b"authorization") is not None:
            return None
        count = self._limiter.count_at_once(caller)
        if count is not None:
            # What a process counts by itself is never more than the limit.
            counts.add(count)
            asked.is_counted = True
        return count

    def _find_kept(self, asked: Asked) -> Composed | None:
        try:
            return self._endpoint.find_kept(asked.head, asked.body)
        except Exception:
            # It fails in the same way where it is told of.
            return None

    async def serve(self, asked: Asked) -> Answered | ASGIApp:
        """Answer a request that has to wait; with an application where that goes on for a while.

        Whoever calls it calls ``asked.end`` when all is over.
        """
        scope = asked.scope
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=asked.request_id)
        try:
            refusal = None
            if not asked.is_counted:
                refusal = await count_caller(scope, self._limiter, asked.counts)
            if refusal is not None:
                return self._counted(asked, refusal_of(scope, refusal))
            answer = await self._endpoint.answer(asked.head, asked.body)
            if _is_whole(answer):
                return self._counted(asked, answer)
            return self._in_pieces(asked, cast(ASGIApp, answer))
        except Exception:
            told = failed(scope, asked.request_id)
            whole = _Told(told.status_code, lines_of(told.raw_headers), bytes(told.body))
            asked.leave()
            return self._answered(asked, whole, b"")

    def _counted(self, asked: Asked, answer: Composed) -> Answered:
        asked.leave()
        return self._answered(asked, answer, lines_of(asked.counts.headers))

    def _answered(self, asked: Asked, answer: Composed, counted: bytes) -> Answered:
        scope, status, lines = asked.scope, answer.status, answer.lines
        self._note(asked, status)
        is_strange = FOREIGN_ORIGIN in scope
        return Answered(
            status,
            b"%b%bx-request-id: %b\r\n%b"
            % (
                lines,
                counted,
                asked.request_id.encode(),
                self._last_lines_for_strangers if is_strange else self._last_lines,
            ),
            answer.body,
            b"connection: close\r\n" in lines,
        )

    def _note(self, asked: Asked, status: int) -> None:
        scope, seconds = asked.scope, time.perf_counter() - asked.began
        count_request(scope["method"], GRAPHQL_PATH, status, seconds)
        if _requests.isEnabledFor(logging.DEBUG):
            log_request(scope, status, seconds)

    def _in_pieces(self, asked: Asked, app: ASGIApp) -> ASGIApp:
        """Return an application as the middleware would have it."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            status = 0

            async def send_with_headers(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    asked.leave()
                    message = {**message, "headers": self._with_ours(asked, message["headers"])}
                await send(message)

            try:
                await app(scope, receive, send_with_headers)
            except Exception:
                if status:
                    raise
                await failed(scope, asked.request_id)(scope, receive, send_with_headers)
            finally:
                self._note(asked, status or 500)

        return answer

    def _with_ours(self, asked: Asked, given: RawHeaders) -> list[tuple[bytes, bytes]]:
        headers = [
            *given,
            *asked.counts.headers,
            (b"x-request-id", asked.request_id.encode()),
            *(READABLE if FOREIGN_ORIGIN in asked.scope else ()),
        ]
        return [*headers, *lacking(self._security_headers, headers)]


def _is_whole(answer: Composed | ASGIApp) -> TypeGuard[Composed]:
    return hasattr(answer, "lines")


class _Told(NamedTuple):
    status: int
    lines: bytes
    body: bytes


# Of thousands who ask for the first time in a minute each is told the same.
@lru_cache(maxsize=1_000)
def _lines_of(count: Count | None) -> bytes:
    return b"" if count is None else lines_of(headers_of((count,)))
