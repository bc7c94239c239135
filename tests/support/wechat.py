"""WeChat's ``jscode2session`` as its documentation describes it, on a port of its own.

Every answer is a 200 with JSON that is called plain text. A code is good for one exchange, by the
mini-program that it was made for; every mini-program calls people by other names. What it leaves
out: codes that grow old, and the signatures of what a mini-program seals with the session key.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.support.servers import bind_free_port, serving

APPID = "wx0123456789abcdef"
SECRET = "c4n4ry-wechat-secret"
SESSION_KEY = "c4n4rySessionKey/w=="

OK = 0
BUSY = -1
INVALID_CODE = 40029
INVALID_SECRET = 40125
INVALID_APPID = 40013
CODE_USED = 40163
RATE_LIMITED = 45011
BLOCKED = 40226


@dataclass
class WeChat:
    """WeChat's state.

    Attributes:
        programs: secrets of the mini-programs there are, by appid.
        errcodes: what the next exchanges are answered with, whatever was sent.
        raw: an answer to give instead: status and body.
        asked: the parameters of every exchange, in order.
        has_union_ids: whether the mini-programs belong to a company's platform account.
        silence: answers wait for this, where it is set.
    """

    url: str
    programs: dict[str, str] = field(default_factory=lambda: {APPID: SECRET})
    errcodes: list[int] = field(default_factory=list)
    raw: tuple[int, bytes] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    has_union_ids: bool = False
    silence: asyncio.Event | None = None
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def login(self, person: str, appid: str = APPID) -> str:
        """Return the code that ``wx.login`` gives a mini-program for a person."""
        code = f"0{uuid4().hex}"
        self._codes[code] = (appid, person)
        return code

    async def exchange(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        if self.silence is not None:
            await self.silence.wait()
        if self.raw is not None:
            return Response(self.raw[1], self.raw[0])
        errcode = self.errcodes.pop(0) if self.errcodes else self._fault(request)
        if errcode:
            return _say({"errcode": errcode, "errmsg": f"errmsg of {errcode}, rid: 6-1"})
        code = request.query_params["js_code"]
        appid, person = self._codes[code]
        self._used.add(code)
        said = {"session_key": SESSION_KEY, "openid": openid_of(appid, person)}
        return _say({**said, "unionid": f"u-{person}"} if self.has_union_ids else said)

    def _fault(self, request: Request) -> int:
        asked = request.query_params
        if asked.get("appid") not in self.programs:
            return INVALID_APPID
        if asked.get("secret") != self.programs[asked["appid"]]:
            return INVALID_SECRET
        code = asked.get("js_code", "")
        if code in self._used:
            return CODE_USED
        known = self._codes.get(code)
        is_good = known is not None and known[0] == asked["appid"]
        return OK if is_good and asked.get("grant_type") == "authorization_code" else INVALID_CODE


def openid_of(appid: str, person: str) -> str:
    """Return what a mini-program calls a person."""
    return f"o{hashlib.sha256(f'{appid}:{person}'.encode()).hexdigest()[:27]}"


def _say(said: dict[str, Any]) -> Response:
    return PlainTextResponse(orjson.dumps(said))


@asynccontextmanager
async def running_wechat() -> AsyncIterator[WeChat]:
    """Let it listen for as long as the block lasts."""
    listener = bind_free_port()
    wechat = WeChat(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(routes=[Route("/sns/jscode2session", wechat.exchange)])
    config = uvicorn.Config(app, lifespan="off", ws="none", log_level="critical")
    async with serving(uvicorn.Server(config), listener):
        yield wechat
