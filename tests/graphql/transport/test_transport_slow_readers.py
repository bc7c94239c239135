"""A client that does not read on is spared what is overtaken, and holds up nobody."""

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from headless_presale.cli.socket_protocol import text_frame
from schema.transport.execution import Outcome
from schema.transport.shared import SharedRun
from schema.transport.socket_member import SocketMember
from tests.support.servers import until


class Wire:
    """A client that reads when it is told to."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.reads.set()
        self.written: list[bytes] = []

    def write(self, text: bytes) -> bool:
        if self.reads.is_set():
            self.written.append(text)
        return self.reads.is_set()

    async def drained(self) -> None:
        await self.reads.wait()


class Socket:
    """What a member needs of its socket; ``told`` is what was sent in the ordinary way."""

    def __init__(self) -> None:
        self.wire: Wire | None = Wire()
        self.told: list[object] = []
        self.kept: list[asyncio.Task[None]] = []

    async def tell(self, member: SocketMember, outcome: Outcome | None) -> None:
        self.told.append(None if outcome is None else outcome.data)

    def keep(self, sending: "asyncio.Task[None]") -> None:
        self.kept.append(sending)


def outcome(number: int) -> Outcome:
    return Outcome(data={"n": number}, encoded=b'{"data":{"n":%d}}' % number)


def member_of(socket: Socket) -> SocketMember:
    run = SharedRun(lambda: None, lambda: None)  # type: ignore[arg-type, return-value]
    run._following.cancel()
    return SocketMember(socket, run, operation_id="a", name=None)


async def test_a_slow_reader_gets_the_newest_once_he_reads_on() -> None:
    socket = Socket()
    assert socket.wire is not None
    member = member_of(socket)
    member.deliver(outcome(1))
    # When he stops to read while three events come
    socket.wire.reads.clear()
    for number in (2, 3, 4):
        member.deliver(outcome(number))
    await asyncio.sleep(0.05)
    assert (socket.wire.written, socket.told) == (
        [b'{"id":"a","type":"next","payload":{"data":{"n":1}}}'],
        [],
    )
    assert len(socket.kept) == 1
    # Then it is the newest that he reads, and after it what follows
    socket.wire.reads.set()
    await until(lambda: socket.told == [{"n": 4}] and not member.is_sending)
    member.deliver(outcome(5))
    assert socket.wire.written[1:] == [b'{"id":"a","type":"next","payload":{"data":{"n":5}}}']


async def test_the_end_comes_after_the_newest() -> None:
    socket = Socket()
    assert socket.wire is not None
    member = member_of(socket)
    socket.wire.reads.clear()
    for said in (outcome(1), outcome(2), None):
        member.deliver(said)
    socket.wire.reads.set()
    await until(lambda: socket.told == [{"n": 2}, None])


async def test_who_leaves_is_told_no_more() -> None:
    socket = Socket()
    assert socket.wire is not None
    member = member_of(socket)
    socket.wire.reads.clear()
    member.deliver(outcome(1))
    member.leave()
    socket.wire.reads.set()
    await asyncio.wait(socket.kept)
    assert (socket.wire.written, socket.told) == ([], [])


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_message_is_framed_as_the_library_frames_it(length: int) -> None:
    text = b"x" * length
    assert text_frame(text) == Frame(Opcode.TEXT, text).serialize(mask=False)
