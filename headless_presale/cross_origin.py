"""Which sites' pages may use the API from a browser.

A browser adds ``Origin`` to what a page asks of another site, and lets the page read the answer
only if that says so (CORS). Nothing here counts a cookie, so an origin is let in or not, and never
trusted more than another. Two questions are asked of it:

* here, before anything is read: does some shop know it, or is there a shop open to all? Else 403,
  for sockets too, whose handshakes browsers send whatever the answer;
* where a request comes to a shop (``resolvers.shop_directory``): is this one of the shop's own?

What carries cookies, the pages at ``/sign-in``, ``/account`` and ``/oauth/authorize``, answers no
other site at all.
"""

import asyncio
import time
from contextlib import suppress
from typing import ClassVar
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.graphql_endpoint import is_graphql, refuse
from headless_presale.kernel import metrics
from headless_presale.kernel.errors import PresaleError, Unavailable
from headless_presale.kernel.unit_of_work import DATABASE_DOWN
from headless_presale.refusal_texts import TEXTS
from headless_presale.shops import list_named_origins

log = structlog.get_logger(__name__)

FOREIGN_ORIGIN = "headless_presale.foreign_origin"
"""Where a request's scope says from which other site's page it comes."""
REMEMBER_SECONDS = 1.0
WAIT_SECONDS = 1.0

ALLOWED_METHODS = "GET, POST"
ALLOWED_HEADERS = (
    "authorization, content-type, accept-language, if-none-match, x-request-id, traceparent, "
    "tracestate, baggage, x-challenge-response, apollo-require-preflight, "
    "apollographql-client-name, apollographql-client-version"
)
EXPOSED_HEADERS = "etag, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id"
READABLE = (
    # No cookie is taken, so nothing is told one page that another could not ask.
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
)
"""What lets pages of other sites read an answer."""
MAX_AGE_SECONDS = 7_200
"""The longest that browsers remember a preflight: what may be sent, never who is let in."""


class OriginNotAllowed(PresaleError):
    """Pages of this site may not use the shop, or any shop; nothing was read."""

    public: ClassVar[bool] = True
    code: ClassVar[str] = "ORIGIN_NOT_ALLOWED"
    http_status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__(TEXTS[self.code]["en"])


class NamedOrigins:
    """The origins that shops name, at most a second old; one statement a second for a process."""

    def __init__(self) -> None:
        self._named: frozenset[str] | None = None
        self._until = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def welcome(self, origin: str) -> bool:
        """Tell whether some shop can be used from this origin.

        While the database does not answer, what was known last counts, or else every origin: the
        shops are asked again behind this.
        """
        if time.monotonic() >= self._until:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._asking), WAIT_SECONDS)
        return self._named is None or origin in self._named

    def knows(self, origin: str) -> bool:
        """Tell without asking whether some shop can be used from here; False: ``welcome``."""
        is_fresh = time.monotonic() < self._until
        return is_fresh and (self._named is None or origin in self._named)

    async def _ask(self) -> None:
        try:
            self._named = await list_named_origins()
        except (Unavailable, *DATABASE_DOWN) as error:
            log.info("cross_origin.not_known", error=type(error).__name__)
        self._until = time.monotonic() + REMEMBER_SECONDS


class CrossOrigin:
    """Middleware: answers preflights of the GraphQL endpoint, and says who may read its answers.

    Outside of all that refuses requests, so that pages can read those refusals too.

    Args:
        own: our own address; its pages are no strangers, nor are those of the host asked.
    """

    def __init__(self, app: ASGIApp, *, own: str, named: NamedOrigins) -> None:
        self.app = app
        self.own = origin_of(own)
        self.named = named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = foreign_origin(scope, self.own) if is_graphql(scope) else None
        if origin is None:
            await self.app(scope, receive, send)
            return
        if not await self.named.welcome(origin):
            metrics.REQUESTS_REFUSED.labels("origin").inc()
            await _refuse(scope, receive, send)
            return
        scope[FOREIGN_ORIGIN] = origin
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and _is_preflight(scope):
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in READABLE:
                    headers[name.decode()] = value.decode()
            await send(message)

        await self.app(scope, receive, send_readable)


def foreign_origin(scope: Scope, own: str) -> str | None:
    """Return the origin of another site's page that asks the GraphQL endpoint, or None.

    Args:
        own: our own origin; see ``origin_of``.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None or origin == own:
        return None
    host = headers.get("host", "").lower()
    return None if host and origin.partition("://")[2] == host else origin


def origin_of(address: str) -> str:
    """Return the origin of an address, as browsers write it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_preflight(scope: Scope) -> bool:
    return "access-control-request-method" in Headers(scope=scope)


_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
    (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
    (b"vary", b"Origin"),
]


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Before it is accepted: the handshake is answered 403.
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await refuse(scope, OriginNotAllowed(), send)
