"""The way out: a POST to an address that a merchant chose, and nothing that he could make of it.

A name is resolved once per connection, every address it has is looked at, and the connection goes
to one of those: a name that answers otherwise the next time is of no use. Redirects are answers
like any other, proxies of the environment are not asked, an answer is read for a kilobyte, and
the whole of it has a time.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from headless_presale import __version__
from headless_presale.kernel.addresses import AddressRefused
from headless_presale.kernel.later import later
from headless_presale.kernel.outward import Resolve, resolve, trusting_the_machine

if TYPE_CHECKING:
    import httpcore
else:
    httpcore = later("httpcore")

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MAX_RESPONSE_BYTES = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a request.

    Attributes:
        code: the status; None where no answer came.
        body: how the answer begins, as text.
        error: why no answer came; empty where one did.
        retry_after: what the receiver asks for.
    """

    code: int | None
    body: str
    error: str
    duration_ms: int
    retry_after: timedelta | None = None

    @property
    def is_accepted(self) -> bool:
        return self.code is not None and 200 <= self.code < 300


class Line:
    """Connections to one endpoint for as long as it is being told things."""

    def __init__(self, pool: "httpcore.AsyncConnectionPool", *, total_seconds: float) -> None:
        self._pool = pool
        self._total_seconds = total_seconds

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request and return what came of it; what goes wrong is part of the reply."""
        began = time.monotonic()
        code, text, error, wait = None, b"", "", None
        try:
            async with (
                asyncio.timeout(self._total_seconds),
                self._pool.stream(
                    "POST",
                    url,
                    headers=[
                        ("content-type", "application/json"),
                        ("user-agent", f"HeadlessPresale/{__version__}"),
                        ("accept-encoding", "identity"),
                        *headers.items(),
                    ],
                    content=body,
                    extensions={"timeout": {"connect": CONNECT_SECONDS}},
                ) as response,
            ):
                code, wait = response.status, _retry_after(response.headers)
                async for chunk in response.aiter_stream():
                    text += chunk
                    if len(text) >= MAX_RESPONSE_BYTES:
                        break
        except AddressRefused as refusal:
            error = str(refusal)
        except TimeoutError:
            # A status alone is no answer: whoever does not finish may not have taken it in.
            code, error = None, f"no whole answer within {self._total_seconds:g} s"
        except ssl.SSLError as failure:
            error = f"TLS: {failure.reason or failure}"
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as broken:
            code, error = None, f"{type(broken).__name__}: {broken}".rstrip(": ")
        except (OSError, ValueError, httpcore.UnsupportedProtocol) as failure:
            code, error = None, f"{type(failure).__name__}: {failure}".rstrip(": ")
        return Reply(
            code=code,
            body=_readable(text[:MAX_RESPONSE_BYTES]),
            error=_readable(error.encode(errors="replace"))[:200],
            duration_ms=round((time.monotonic() - began) * 1_000),
            retry_after=wait,
        )


def _retry_after(headers: Sequence[tuple[bytes, bytes]]) -> timedelta | None:
    for name, value in headers:
        # A date would mean trusting the receiver's clock; seconds say the same.
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= 6:
            return timedelta(seconds=int(value))
    return None


def _readable(raw: bytes) -> str:
    """Return bytes as text that can be stored and shown."""
    text = raw.decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)


class Outlet:
    """Makes lines. One per process; it holds nothing open itself."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.allow_private = allow_private
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._total_seconds = total_seconds

    @asynccontextmanager
    async def line(self, *, connections: int) -> AsyncIterator[Line]:
        """Open connections as they are needed, at most so many, and close them at the end."""
        # A library with its network: few of the processes that have an outlet send anything.
        from headless_presale.kernel.guarded_network import GuardedNetwork

        async with httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context or trusting_the_machine(),
            max_connections=connections,
            max_keepalive_connections=connections,
            network_backend=GuardedNetwork(allow_private=self.allow_private, resolve=self._resolve),
        ) as pool:
            yield Line(pool, total_seconds=self._total_seconds)


_outlet: Outlet | None = None


def set_outlet(outlet: Outlet | None) -> None:
    """Install the way out. Called by the composition root."""
    global _outlet
    _outlet = outlet


def current_outlet() -> Outlet:
    """Return the way out.

    Raises:
        RuntimeError: none is installed.
    """
    if _outlet is None:
        raise RuntimeError("no way out for webhooks is set")
    return _outlet
