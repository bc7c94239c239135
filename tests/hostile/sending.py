"""Sends a case as it is and reads what comes back, to the end of the answer or of the socket."""

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from tests.hostile.cases import Case, Frames, Request
from tests.hostile.frames import frame

SECONDS = 60.0
MOST_HEADER_BYTES = 256 * 1024
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
STAYS = b"still there?"


@dataclass(slots=True)
class Reply:
    """What a case was answered.

    Attributes:
        outcome: an HTTP status, ``closed 4400``, ``open``, or ``dropped`` for a connection that
            was closed without a word.
        faults: what must not be.
    """

    outcome: str
    faults: list[str] = field(default_factory=list)


class Lane:
    """One connection after another to a server; requests share one while it lasts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, case: Case) -> Reply:
        """Send a case; a server that is silent, or that has gone, is a fault."""
        try:
            async with asyncio.timeout(SECONDS):
                if isinstance(case, Frames):
                    return await self._send_frames(case)
                return await self._send_request(case)
        except TimeoutError:
            self.close()
            return Reply("silence", ["no answer, and the connection stays open"])
        except ConnectionRefusedError:
            return Reply("refused", ["the server has gone"])

    def close(self) -> None:
        """Drop the connection."""
        if self._open is not None:
            self._open[1].transport.abort()
            self._open = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port, limit=MOST_HEADER_BYTES)

    async def _send_request(self, case: Request) -> Reply:
        if case.is_last:
            self.close()
        is_used = self._open is not None
        if self._open is None:
            self._open = await self._connect()
        reader, writer = self._open
        try:
            writer.write(case.data)
            if case.is_last:
                writer.write_eof()
            status, headers = await _read_head(reader)
            body = await _read_body(reader, headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            if is_used:
                # It had been idle for too long, as every client has to expect.
                return await self._send_request(case)
            return Reply("dropped", [] if case.is_last else ["dropped a whole request"])
        except OSError:
            self.close()
            return Reply("dropped")
        if case.is_last or body is None or headers.get("connection") == "close":
            self.close()
        return Reply(str(status), _faults_of(status, body or b""))

    async def _send_frames(self, case: Frames) -> Reply:
        reader, writer = await self._connect()
        try:
            key = base64.b64encode(b"sixteen bytes...").decode()
            writer.write(HANDSHAKE.format(host=f"{self._host}:{self._port}", key=key).encode())
            status, _ = await _read_head(reader)
            if status != 101:
                return Reply(str(status), ["no handshake"])
            writer.write(case.data)
            if not case.answers and not case.ends_with:
                writer.write(frame(9, STAYS))
            return await _follow(reader, writer, case)
        except (asyncio.IncompleteReadError, ConnectionError):
            return Reply("dropped", ["a socket that was dropped without a word"])
        finally:
            writer.transport.abort()


async def _follow(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: Frames
) -> Reply:
    """Read a socket until it is closed, or says that it goes on."""
    faults: list[str] = []
    answered: set[str] = set()
    while True:
        opcode, payload = await _read_frame(reader)
        if opcode == 8:
            code = int.from_bytes(payload[:2], "big")
            if code not in case.ends_with:
                faults.append(f"closed with {code}: {payload[2:]!r}")
            return Reply(f"closed {code}", faults)
        if opcode == 10 and payload == STAYS:
            break
        if opcode == 1:
            if b'"INTERNAL"' in payload:
                faults.append(f"an error of ours: {payload[:400]!r}")
            answered.add(str(orjson.loads(payload).get("id")))
            if case.answers and len(answered - {"None"}) == case.answers:
                break
    if case.ends_with:
        faults.append("the socket goes on")
    writer.write(frame(8, (1000).to_bytes(2, "big")))
    return Reply("open", faults)


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    return first & 0x0F, await reader.readexactly(size)


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        if status >= 101 or (status == 100 and not lines):
            headers = (line.split(":", 1) for line in lines if ":" in line)
            return status, {name.strip().lower(): value.strip() for name, value in headers}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes | None:
    """Return the body; of a stream its beginning, and then None is what is left."""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") != "chunked":
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return None
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size + 2)
        if b"event: next" in body and b"\n\n" in body.partition(b"event: next")[2]:
            # Whether more comes is not asked: a subscription may go on for ever.
            return None if b'"INTERNAL"' not in body else body
    await reader.readexactly(2)
    return body


def _faults_of(status: int, body: bytes) -> list[str]:
    faults = []
    if status >= 500:
        faults.append(f"answered {status}")
    if b'"INTERNAL"' in body or b"Traceback" in body:
        faults.append(f"an error of ours: {body[:400]!r}")
    return faults
