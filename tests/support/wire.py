"""HTTP/1.1 over one keep-alive connection: cheap enough not to be what a rush measures."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

MOST_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``retry_after_seconds`` is what the server asked to wait for, if it did."""

    status: int
    retry_after_seconds: int | None
    body: bytes


class Wire:
    """One connection to a server; every failure of it is an OSError."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> None:
        self._reader, self._writer = reader, writer
        self._host = host

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the host and port of an address."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port, limit=MOST_HEADER_BYTES
        )
        return cls(reader, writer, parts.netloc)

    @classmethod
    async def open_socket(cls, url: str) -> Self:
        """Connect and become a graphql-transport-ws socket, initialised but not acknowledged."""
        wire = await cls.open(url)
        key = base64.b64encode(b"sixteen bytes...").decode()
        wire.write(
            f"GET /graphql HTTP/1.1\r\nHost: {wire._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        try:
            # What is sent before the server has switched over would be lost.
            await wire._read_head()
        except OSError:
            wire.abort()
            raise
        wire.write(text_frame({"type": "connection_init"}))
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    async def post(self, body: bytes, *, path: str = "/graphql") -> Answer:
        """Send JSON and read the answer.

        Raises:
            ConnectionError: the connection broke; whether the request was served is unknown.
        """
        self._writer.write(self.request(body, path=path))
        return await self.read()

    def request(self, body: bytes, *, path: str = "/graphql", headers: str = "") -> bytes:
        """Return a request's bytes; ``headers`` are further lines, each with its line break."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        return head.encode() + body

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def read(self) -> Answer:
        """Read one answer that states its length."""
        status, headers = await self._read_head()
        try:
            body = await self._reader.readexactly(int(headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server went away") from error
        retry_after = headers.get("retry-after")
        return Answer(status, int(retry_after) if retry_after else None, body)

    async def _read_head(self) -> tuple[int, dict[str, str]]:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server went away") from error
        first, *lines = head.decode("latin-1").lower().split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in lines if line)

    async def drain(self) -> None:
        """Wait until what was written is handed over, or nearly all of it."""
        await self._writer.drain()

    def close(self) -> None:
        """Close in order: the server reads the end of the stream."""
        self._writer.close()

    def abort(self) -> None:
        """Drop the connection at once; what is not sent yet is lost."""
        self._writer.transport.abort()


def text_frame(message: Mapping[str, Any]) -> bytes:
    """Return a text frame under the mask of zeros, which leaves the payload as it is."""
    payload = orjson.dumps(message)
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + payload
