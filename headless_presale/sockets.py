"""How many sockets and event streams one client may hold open in a process.

They cost memory and a place in the kernel's tables for as long as they are open, which no limit by
the minute bounds. A client is an address (of IPv6 a /64) and, once it has said who it is, the grant
of its token besides. Of this machine itself nothing is counted, as with requests.
"""

from collections import Counter
from typing import ClassVar
from uuid import UUID

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from headless_presale.graphql_endpoint import is_graphql, refuse
from headless_presale.kernel import metrics
from headless_presale.kernel.errors import PresaleError
from headless_presale.rate_limits import caller_of
from headless_presale.refusal_texts import TEXTS

log = structlog.get_logger(__name__)

TOO_MANY = 4429
"""The close code that says so; see PROTOCOL.md of graphql-ws, whose client does not try again."""
MESSAGE = TEXTS["TOO_MANY_CONNECTIONS"]["en"]
SOCKET_PLACE = "socket_place"
"""Where in a request's state its ``SocketPlace`` is."""
EVENT_STREAM = b"text/event-stream"


class TooManyConnections(PresaleError):
    """The client has as many sockets and streams as it may."""

    public: ClassVar[bool] = True
    code: ClassVar[str] = "TOO_MANY_CONNECTIONS"
    http_status: ClassVar[int] = 429
    close_code: ClassVar[int] = TOO_MANY
    retry_after_seconds: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__(MESSAGE)


class OpenSockets:
    """Who holds how many.

    Args:
        limit: how many one client may hold; 0 is no limit.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: Counter[str] = Counter()

    def take(self, client: str) -> None:
        """Count one more.

        Raises:
            TooManyConnections: the client has as many as it may.
        """
        if 0 < self.limit <= self._held[client]:
            metrics.REQUESTS_REFUSED.labels("sockets").inc()
            log.info("sockets.refused", client=client)
            raise TooManyConnections
        self._held[client] += 1

    def give_back(self, client: str) -> None:
        """Count one less."""
        self._held[client] -= 1
        if self._held[client] <= 0:
            del self._held[client]


class SocketPlace:
    """What one socket or stream counts for, from the moment on at which it is held open."""

    def __init__(self, held: OpenSockets, scope: Scope) -> None:
        self._held = held
        self._scope = scope
        self._kind = "socket" if scope["type"] == "websocket" else "stream"
        self._is_held = False
        self._clients: list[str] = []

    def hold(self, grant_id: UUID | None = None) -> None:
        """Count it for its address, once, and for a grant besides.

        Raises:
            TooManyConnections: one of them has as many as it may.
        """
        client = caller_of(self._scope, None)
        if not self._is_held:
            if client is not None:
                self._take(client)
            self._is_held = True
            metrics.SOCKETS_OPEN.labels(self._kind).inc()
        if client is not None and grant_id is not None:
            self._take(f"grant:{grant_id}")

    def leave(self) -> None:
        """Count it no more."""
        while self._clients:
            self._held.give_back(self._clients.pop())
        if self._is_held:
            self._is_held = False
            metrics.SOCKETS_OPEN.labels(self._kind).dec()

    def _take(self, client: str) -> None:
        self._held.take(client)
        self._clients.append(client)


class SocketLimit:
    """Middleware: counts sockets and event streams while they are open.

    Sockets, and requests that name an event stream, are counted here. What becomes one because its
    client takes anything is counted where that is known: ``SOCKET_PLACE`` in its state is for that,
    and to count for a grant besides.
    """

    def __init__(self, app: ASGIApp, *, held: OpenSockets) -> None:
        self.app = app
        self.held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_graphql(scope):
            await self.app(scope, receive, send)
            return
        place = SocketPlace(self.held, scope)
        state = scope.setdefault("state", {})
        state[SOCKET_PLACE] = place
        try:
            if stays_open(scope):
                place.hold()
        except TooManyConnections as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            place.leave()
            # It knows the scope: together they would stay until garbage is collected.
            del state[SOCKET_PLACE]


def stays_open(scope: Scope) -> bool:
    """Tell whether a request to the endpoint says of itself that it is to go on for a while."""
    if scope["type"] == "websocket":
        return True
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return any(name == b"accept" and EVENT_STREAM in value.lower() for name, value in headers)


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: TooManyConnections) -> None:
    if scope["type"] == "http":
        await refuse(scope, refusal, send)
        return
    await receive()
    # Browsers learn a close code only from a connection that was accepted.
    subprotocol = next(iter(scope.get("subprotocols", ())), None)
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    await send({"type": "websocket.close", "code": refusal.close_code, "reason": MESSAGE})
