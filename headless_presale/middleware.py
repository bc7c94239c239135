"""Middleware around every request: an id, a log line, a count."""

import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.kernel import metrics
from headless_presale.overload import Overloaded
from headless_presale.proxies import client_address

log = structlog.get_logger("headless_presale.http")

MAX_ID_LENGTH = 64
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/livez", "/readyz", "/metrics"})


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
        request_id = _request_id(scope)
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
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
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
            log.exception(
                "http.request_failed",
                method=scope["method"],
                path=scope["path"],
                client=client_address(scope),
            )
            body = {"error": {"code": "INTERNAL", "requestId": request_id}}
            await JSONResponse(body, status_code=500)(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: paths (and methods) are endless and would fill the
        # metrics.
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        method = scope["method"] if scope["method"] in METHODS else "other"
        metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
        metrics.HTTP_SECONDS.labels(route).observe(seconds)
        if scope["path"] not in QUIET:
            log.debug(
                "http.request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                client=client_address(scope),
                ms=round(seconds * 1000, 1),
            )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    is_plain = 0 < len(given) <= MAX_ID_LENGTH and all(
        letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in given
    )
    return given if is_plain else uuid4().hex
