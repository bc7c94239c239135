"""Middleware around every request: what browsers may do with the answer, an id, a log line."""

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from random import getrandbits

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.kernel import metrics
from headless_presale.overload import Overloaded
from headless_presale.proxies import client_address
from headless_presale.settings import Settings

log = structlog.get_logger("headless_presale.http")

MAX_ID_LENGTH = 64
_PLAIN_ID = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_ID_LENGTH}}}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/livez", "/readyz", "/metrics"})


SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The whole address stays with us; "no-referrer" would make browsers hide the origin of forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Other sites read answers by CORS, where it lets them, and embed nothing.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
"""What every answer carries that says nothing else: opened in a browser it loads, runs and sends
nothing, and is framed nowhere. Pages replace the policy by one that lets their own files in."""
HSTS = "max-age=31536000"
"""For our host alone: what is beside and below it is not ours to decide."""


class SecurityHeaders:
    """Adds the security headers that an answer lacks, to pages, data, errors and redirects alike.

    The outermost of all: what the others answer by themselves passes through it too.
    """

    def __init__(self, app: ASGIApp, *, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.app = app
        self.headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                message = {**message, "headers": [*given, *lacking(self.headers, given)]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def lacking(
    headers: Sequence[tuple[bytes, bytes]], given: Sequence[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """Return those of the headers that are not among the given."""
    names = {name.lower() for name, _ in given}
    return [header for header in headers if header[0] not in names]


def security_headers(settings: Settings) -> tuple[tuple[bytes, bytes], ...]:
    """Return the security headers as they are sent, with lower-case names.

    Browsers are told to keep to https where that is how we are reached.
    """
    headers = dict(SECURITY_HEADERS)
    if settings.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = HSTS
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


class RequestLog:
    """Gives each request an id, in logs and answer alike, and counts and times it.

    What nobody caught is logged with its traceback and answered with the id alone.

    A caller's ``X-Request-ID`` is kept if it is short and plain, so that one id runs through a
    whole installation.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = name_request(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        has_started = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, has_started
            if message["type"] == "http.response.start":
                status, has_started = message["status"], True
                told = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), told]}
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Overloaded:
            # The door answers it, as it answers those it did not let in.
            status = 503
            raise
        except Exception:
            if has_started:
                raise
            await failed(scope, request_id)(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: paths (and methods) are endless and would fill the
        # metrics.
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        method = scope["method"] if scope["method"] in METHODS else "other"
        count_request(method, route, status, seconds)
        if scope["path"] not in QUIET:
            log_request(scope, status, seconds)


def failed(scope: Scope, request_id: str) -> Response:
    """Tell the log of the exception that is being handled; return what the client is told of it."""
    log.exception(
        "http.request_failed",
        method=scope["method"],
        path=scope["path"],
        client=client_address(scope),
    )
    return JSONResponse({"error": {"code": "INTERNAL", "requestId": request_id}}, status_code=500)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered, and how long that took."""
    requests, durations = _metrics_of(method, route, status)
    requests.inc()
    durations.observe(seconds)


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Tell the log of a request that was answered, where it wants to know of each."""
    log.debug(
        "http.request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        client=client_address(scope),
        ms=round(seconds * 1000, 1),
    )


@lru_cache(maxsize=1_000)
def _metrics_of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts and what times such requests: to look them up is what they cost most."""
    return (
        metrics.HTTP_REQUESTS.labels(method, route, str(status)),
        metrics.HTTP_SECONDS.labels(route),
    )


def name_request(given: str | None) -> str:
    """Return the id of a request: the one its caller has given, if that is plain, or a new one."""
    if given is not None and _PLAIN_ID.fullmatch(given):
        return given
    # Not to be guessed it need not be: it says nothing, and opens nothing.
    return f"{getrandbits(128):032x}"
