"""``python -m bench.followers``: many WebSocket subscribers in one process, as cheap as can be.

The same program follows the API and a bare broadcast. It reads a plan as one line of JSON, tells
when everybody has been sent the state once, and then the moment at which a number of free slots
has come to all of them. Moments are of the clock that all processes of a machine share.
"""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TextIO, cast

from bench.servers import FAR_AWAY

AT_ONCE = 32
"""How many connect at a time: what is measured comes afterwards."""
NUMBER = b'"slotsLeft":'
ACKNOWLEDGED, PING_TEXT = b'"connection_ack"', b'"type":"ping"'
TEXT, PING, PONG = 0x1, 0x9, 0xA
_MASK = b"\x00\x00\x00\x00"
"""A mask of zeros leaves a frame as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to follow.

    Attributes:
        subscriptions: messages that subscribe; socket ``n`` sends the one at ``n`` modulo their
            number.
        is_told_each: tell of each number at each socket at the end, not of those that all have.
    """

    port: int
    sockets: int
    subscriptions: Sequence[str]
    is_told_each: bool = False


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one whole frame of a client."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    else:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    return head + _MASK + payload


def read_frame(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Return opcode, payload and end of the frame that begins there; None if it is not whole."""
    if len(data) < at + 2:
        return None
    length, begin = data[at + 1] & 0x7F, at + 2
    if length == 126:
        if len(data) < at + 4:
            return None
        (length,), begin = struct.unpack_from("!H", data, begin), at + 4
    elif length == 127:
        if len(data) < at + 10:
            return None
        (length,), begin = struct.unpack_from("!Q", data, begin), at + 10
    end = begin + length
    return None if len(data) < end else (data[at] & 0x0F, data[begin:end], end)


def number_in(payload: bytes) -> int | None:
    """Return the free slots that a message tells of; None if it is another message."""
    at = payload.find(NUMBER)
    if at < 0:
        return None
    begin = end = at + len(NUMBER)
    while payload[end : end + 1].isdigit():
        end += 1
    return int(payload[begin:end])


class Follower(asyncio.Protocol):
    """One socket: it subscribes, and notes when a number comes."""

    def __init__(self, crowd: "Crowd", place: int) -> None:
        self._crowd, self._place = crowd, place
        self._data, self._is_upgraded = b"", False
        self._last: int | None = None
        self._transport: asyncio.WriteTransport
        self.is_told = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket, from an address of one's own."""
        # uvloop's is one in all but name.
        self._transport = cast(asyncio.WriteTransport, transport)
        address = f"{FAR_AWAY}{self._place // 10_000:04}:{self._place % 10_000:04}::1"
        head = (
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{self._crowd.plan.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcy4uLg==\r\n"
            f"Sec-WebSocket-Protocol: graphql-transport-ws\r\nX-Forwarded-For: {address}\r\n\r\n"
        )
        self._transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """Read what is whole."""
        data = self._data + data if self._data else data
        at = 0
        if not self._is_upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._data = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"no socket: {data[:at].decode()}")
            self._is_upgraded = True
            self._transport.write(frame(TEXT, b'{"type":"connection_init"}'))
        while (found := read_frame(data, at)) is not None:
            opcode, payload, at = found
            self._read(opcode, payload)
        self._data = data[at:]

    def _read(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(frame(PONG, payload))
        elif opcode != TEXT:
            raise RuntimeError(f"a socket was closed: {payload!r}")
        elif (number := number_in(payload)) is not None:
            if number != self._last:
                self._last = number
                self._crowd.note(self._place, number)
            if not self.is_told.done():
                self._crowd.sample = payload
                self.is_told.set_result(None)
        elif ACKNOWLEDGED in payload:
            messages = self._crowd.plan.subscriptions
            self._transport.write(frame(TEXT, messages[self._place % len(messages)].encode()))
        elif PING_TEXT in payload:
            self._transport.write(frame(TEXT, b'{"type":"pong"}'))
        else:
            raise RuntimeError(f"not a state: {payload!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up: nobody is to leave."""
        if not self._crowd.is_over and not self._crowd.failed.done():
            self._crowd.failed.set_result(f"socket {self._place} was lost: {exc!r}")


class Crowd:
    """All followers, and what has come to them."""

    def __init__(self, plan: Plan, said: TextIO) -> None:
        self.plan, self._said = plan, said
        self.sample, self.is_over = b"", False
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reached: dict[int, int] = {}
        self._each: list[tuple[int, int, float]] = []

    def note(self, place: int, number: int) -> None:
        """Note that a number has come to a socket; tell when all have it."""
        now = time.monotonic()
        if self.plan.is_told_each:
            self._each.append((place, number, now))
            return
        reached = self._reached[number] = self._reached.get(number, 0) + 1
        if reached == self.plan.sockets:
            self.say({"number": number, "last": now})

    def say(self, what: dict[str, Any]) -> None:
        """Tell whoever has started this."""
        self._said.write(json.dumps(what) + "\n")
        self._said.flush()

    async def follow(self) -> None:
        """Connect all; go on until the input ends."""
        loop = asyncio.get_running_loop()
        places = iter(range(self.plan.sockets))

        async def some() -> None:
            for place in places:
                _, follower = await loop.create_connection(
                    partial(Follower, self, place), "127.0.0.1", self.plan.port
                )
                await follower.is_told

        connecting = asyncio.gather(*(some() for _ in range(AT_ONCE)))
        ended = loop.run_in_executor(None, sys.stdin.read)
        await asyncio.wait((connecting, self.failed), return_when=asyncio.FIRST_COMPLETED)
        if not self.failed.done():
            await connecting
            self.say({"ready": self.plan.sockets, "sample": self.sample.decode()})
        await asyncio.wait((ended, self.failed), return_when=asyncio.FIRST_COMPLETED)
        if self.failed.done():
            self.say({"failed": self.failed.result()})
            return
        self.is_over = True
        self.say({"each": self._each})


def plan_line(plan: Plan) -> bytes:
    """Return the plan as it is read."""
    return json.dumps(asdict(plan)).encode() + b"\n"


async def _main() -> None:
    plan = Plan(**json.loads(sys.stdin.readline()))
    await Crowd(plan, sys.stdout).follow()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main())
