"""httpx over the guarded network: for libraries that ask what a merchant names.

An answer is read for so many bytes as it came, or not at all: no compression that unfolds into
more, no redirect that is followed by itself (httpx's default), no proxy of the environment.
"""

import asyncio
import ssl

import httpcore
import httpx

from headless_presale.kernel.addresses import AddressRefused
from headless_presale.kernel.guarded_network import GuardedNetwork
from headless_presale.kernel.outward import Resolve, resolve, trusting_the_machine

MAX_ANSWER_BYTES = 262_144
TOTAL_SECONDS = 5.0


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests to public addresses alone, by https, unless private ones are allowed."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolve = resolve,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._allow_private = allow_private
        self._total_seconds = total_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusting_the_machine(),
            network_backend=GuardedNetwork(allow_private=allow_private, resolve=resolve),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer to the end.

        Raises:
            httpx.TransportError: nothing may be sent there, or nothing whole came back.
        """
        if request.url.scheme != "https" and not self._allow_private:
            raise httpx.UnsupportedProtocol("only https is asked", request=request)
        headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"accept-encoding"]
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=[*headers, (b"Accept-Encoding", b"identity")],
            content=await request.aread(),
            extensions=request.extensions,
        )
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._read(asked)
        except TimeoutError:
            raise httpx.ReadTimeout("no whole answer in time", request=request) from None
        except (
            AddressRefused,
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            ssl.SSLError,
            OSError,
            ValueError,
        ) as error:
            raise httpx.ConnectError(f"{type(error).__name__}: {error}", request=request) from error

    async def _read(self, asked: httpcore.Request) -> httpx.Response:
        response = await self._pool.handle_async_request(asked)
        try:
            headers = httpx.Headers(response.headers)
            if headers.get("content-encoding", "identity") != "identity":
                raise ValueError("the answer is compressed, which was not asked for")
            body = b""
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise ValueError("the answer is too long")
        finally:
            await response.aclose()
        headers.pop("transfer-encoding", None)
        return httpx.Response(response.status, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()
