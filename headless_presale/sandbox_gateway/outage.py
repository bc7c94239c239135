"""Outages on demand: the next API calls fail the way networks and providers do."""

import asyncio
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ABORT_EXTENSION = "headless_presale.connection_abort"
"""ASGI extension of ``server``: ``{"abort": callable}`` closes the connection without a byte."""


class Outage(BaseModel, extra="forbid", strict=True):
    """How many of the next API calls fail, and how.

    ``error_500`` answers 500 and ``timeout`` never answers; neither does anything.
    ``drop_response`` does what was asked and closes the connection instead of answering.
    """

    mode: Literal["none", "error_500", "timeout", "drop_response"] = "none"
    requests: int = Field(default=0, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _check_both(self) -> "Outage":
        if (self.mode == "none") != (self.requests == 0):
            raise ValueError("a mode other than none needs requests, and none has no requests")
        return self


class OutageMiddleware:
    """Plays the outage. Kept in memory only: a restart ends it.

    Calls under ``/v1`` count, except the test helpers, which must stay in reach, and pages.
    """

    def __init__(self, app: ASGIApp, board: "OutageBoard", timeout_seconds: float) -> None:
        self._app = app
        self._board = board
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mode = "none"
        if scope["type"] == "http" and _is_api_call(scope["path"]):
            mode = self._board.take()
        if mode == "error_500":
            body = {
                "error": {"code": "internal_error", "message": "Sandbox outage.", "field": None}
            }
            await JSONResponse(body, status_code=500)(scope, receive, send)
        elif mode == "timeout":
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    await _until_disconnect(receive)
            except TimeoutError:
                await _abort(scope, receive, send)
        elif mode == "drop_response":
            await self._app(scope, receive, _discard)
            await _abort(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class OutageBoard:
    """The outage in force."""

    def __init__(self) -> None:
        self.current = Outage()

    def take(self) -> str:
        """Return the mode for one call and count it."""
        mode = self.current.mode
        if mode != "none":
            left = self.current.requests - 1
            self.current = Outage(mode=mode, requests=left) if left else Outage()
        return mode


def _is_api_call(path: str) -> bool:
    return path.startswith("/v1/") and not path.startswith("/v1/test_helpers/")


async def _discard(message: Message) -> None:
    """Swallow a response."""


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _abort(scope: Scope, receive: Receive, send: Send) -> None:
    extension: dict[str, Any] | None = scope.get("extensions", {}).get(ABORT_EXTENSION)
    if extension is None:
        # Another server than ours: an answer that breaks off is the nearest thing to none.
        headers = [(b"content-length", b"1"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        return
    extension["abort"]()
    await _until_disconnect(receive)
