"""WeChat's side of a mini-program's login: ``auth.code2Session``.

``GET /sns/jscode2session?appid=&secret=&js_code=&grant_type=authorization_code`` answers 200,
whatever happens: with ``openid``, ``session_key`` and perhaps ``unionid``, or with ``errcode`` and
``errmsg``. The session key opens what WeChat seals for the mini-program; nobody needs it here, and
it goes no further than this file. The address carries the secret: it is in no log and no error.
"""

import asyncio
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlencode

import orjson
import structlog

from headless_presale.kernel.later import later
from headless_presale.kernel.outward import trusting_the_machine

if TYPE_CHECKING:
    import httpcore
else:
    httpcore = later("httpcore")

log = structlog.get_logger(__name__)

TOTAL_SECONDS = 5.0
BUSY_PAUSE_SECONDS = 0.2
MAX_ANSWER_BYTES = 65_536
MAX_ID_LENGTH = 255
CONNECTIONS = 20

BUSY = -1


class WeChatFault(StrEnum):
    """Why WeChat names nobody."""

    CODE = "code"
    """The code is wrong, too old or was used."""
    BLOCKED = "blocked"
    """WeChat takes the user for a risk."""
    RATE = "rate"
    """This user's codes were exchanged too often."""
    AWAY = "away"
    """No answer, none that can be read, or busy twice; or appid and secret do not belong together,
    which is for the merchant to mend."""


_FAULTS = {
    40029: WeChatFault.CODE,
    40163: WeChatFault.CODE,
    40226: WeChatFault.BLOCKED,
    45011: WeChatFault.RATE,
}


class WeChatRefused(Exception):
    """WeChat did not say who it is."""

    def __init__(self, fault: WeChatFault) -> None:
        self.fault = fault
        super().__init__(fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatUser:
    """Who it is: to this mini-program, and to all that one company has."""

    openid: str
    union_id: str | None


class WeChatApi:
    """A client. One per process; connections are opened as they are needed.

    Args:
        url: ``https://api.weixin.qq.com``, or what stands in for it.
    """

    def __init__(self, url: str, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._total_seconds = total_seconds
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def exchange(self, *, appid: str, secret: str, code: str) -> WeChatUser:
        """Return whose code it is; it counts once. Asked a second time where WeChat is busy.

        Raises:
            WeChatRefused: WeChat does not say.
        """
        query = {
            "appid": appid,
            "secret": secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        url = f"{self._url}/sns/jscode2session?{urlencode(query)}"
        said = await self._get(url)
        if said.get("errcode") == BUSY:
            await asyncio.sleep(BUSY_PAUSE_SECONDS)
            said = await self._get(url)
        errcode = said.get("errcode", 0)
        if errcode != 0:
            fault = _FAULTS.get(errcode, WeChatFault.AWAY) if type(errcode) is int else None
            log.warning("wechat.refused", appid=appid, errcode=repr(errcode)[:40])
            raise WeChatRefused(fault or WeChatFault.AWAY)
        openid, union_id = said.get("openid"), said.get("unionid")
        if not _is_id(openid):
            log.warning("wechat.unreadable", appid=appid)
            raise WeChatRefused(WeChatFault.AWAY)
        return WeChatUser(openid=openid, union_id=union_id if _is_id(union_id) else None)

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with (
                asyncio.timeout(self._total_seconds),
                self._connections().stream("GET", url) as response,
            ):
                body = b""
                async for chunk in response.aiter_stream():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ValueError("the answer is too long")
            said = orjson.loads(body)
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            ssl.SSLError,
            OSError,
            ValueError,
        ) as error:
            # Its type alone: what it says may quote the address.
            log.warning("wechat.away", error=type(error).__name__)
            raise WeChatRefused(WeChatFault.AWAY) from None
        if response.status != 200 or not isinstance(said, dict):
            log.warning("wechat.away", status=response.status)
            raise WeChatRefused(WeChatFault.AWAY)
        return said

    def _connections(self) -> "httpcore.AsyncConnectionPool":
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=trusting_the_machine(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=30.0,
            )
        return self._pool

    async def close(self) -> None:
        """Close what is open."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and value.isprintable()
