"""A provider of challenges that speaks ``siteverify``, as Turnstile, hCaptcha and reCAPTCHA do.

It takes the form ``secret, response, remoteip`` and answers ``success``, ``error-codes`` and, where
it was solved, ``challenge_ts``, ``hostname`` and ``action``. A response counts once. It shows
nobody a puzzle: whatever :meth:`Challenges.solve` gave out is solved.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.servers import bind_free_port, serving

SECRET = "0x4AAAAAAADnPIDROrmt1Wwj8uQ"
SITE_KEY = "0x4AAAAAAAC3DHQFLr1GavRN"


@dataclass
class Challenges:
    """The provider.

    Attributes:
        url: where it is asked.
        asked: the forms it was sent.
        is_broken: it answers 503.
        body: what it answers whatever it is asked.
        chokes_on: a response that it answers 400.
        double_spending: a response counts any number of times, which no provider allows.
    """

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    is_broken: bool = False
    body: bytes | None = None
    chokes_on: str | None = None
    double_spending: bool = False
    _open: set[str] = field(default_factory=set)

    def solve(self) -> str:
        """Return what a browser is given whose user has solved the challenge."""
        response = uuid4().hex
        self._open.add(response)
        return response

    async def verify(self, request: Request) -> Response:
        """Answer ``siteverify``."""
        form = dict(await request.form())
        self.asked.append(form)
        if self.is_broken:
            return Response(status_code=503)
        if self.body is not None:
            return Response(self.body)
        if form.get("response") == self.chokes_on:
            return Response(status_code=400)
        if form.get("secret") != SECRET:
            return _failed("invalid-input-secret")
        response = str(form.get("response", ""))
        if not response:
            return _failed("missing-input-response")
        if response not in self._open:
            return _failed("timeout-or-duplicate")
        if not self.double_spending:
            self._open.discard(response)
        answer = {"challenge_ts": "2026-11-30T12:00:00Z", "hostname": "shop.test", "action": ""}
        return JSONResponse({"success": True, "error-codes": [], **answer})


def _failed(code: str) -> JSONResponse:
    return JSONResponse({"success": False, "error-codes": [code]})


@asynccontextmanager
async def challenges() -> AsyncIterator[Challenges]:
    """Let a provider listen."""
    provider, listener = Challenges(), bind_free_port()
    provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}/siteverify"
    app = Starlette(routes=[Route("/siteverify", provider.verify, methods=["POST"])])
    async with serving(uvicorn.Server(uvicorn.Config(app, log_config=None)), listener):
        yield provider
