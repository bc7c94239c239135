"""A socket among those that follow a shared run."""

import asyncio
from typing import Protocol

import orjson

from schema.transport.execution import Outcome
from schema.transport.shared import Inbox, SharedRun


class Wire(Protocol):
    """The server's end of a socket, which takes a message there and then. It is in the socket's
    state, as ``wire``, where the server offers it.

    What ASGI offers is to await each message: two thousand coroutines, or tasks, for one update.
    """

    def write(self, text: bytes) -> bool:
        """Send a text; False, and nothing is sent, where the client reads too slowly or is gone."""

    async def drained(self) -> None:
        """Return when the client has read on, or is gone."""


class Teller(Protocol):
    """The socket, as its member needs it."""

    @property
    def wire(self) -> Wire | None:
        """Its server's end, where that is offered."""

    async def tell(self, member: "SocketMember", outcome: Outcome | None) -> None:
        """Send an event, or the end, in the ordinary way. Raises nothing."""

    def keep(self, sending: "asyncio.Task[None]") -> None:
        """Stop it with the socket."""


class SocketMember:
    """One operation of a socket. Where its client keeps up, an event costs it one write."""

    __slots__ = ("_inbox", "_opening", "_run", "_sending", "_socket", "name", "operation_id")

    def __init__(
        self, socket: Teller, run: SharedRun, *, operation_id: str, name: str | None
    ) -> None:
        self._socket = socket
        self._run = run
        self.operation_id = operation_id
        self.name = name
        self._opening = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)
        self._inbox: Inbox | None = None
        self._sending: asyncio.Task[None] | None = None

    def join(self) -> None:
        """Follow the run from now on."""
        self._run.join(self)

    def leave(self) -> "asyncio.Task[None] | None":
        """Follow it no more; returns what ends the run, where this was the last."""
        if self._sending is not None:
            self._sending.cancel()
        return self._run.leave(self)

    @property
    def is_sending(self) -> bool:
        """Whether there is a task at work for it."""
        return self._sending is not None

    def deliver(self, outcome: Outcome | None) -> None:
        """Send the newest event; what the client has no room for is replaced by what follows."""
        if (
            self._sending is None
            and outcome is not None
            and outcome.encoded is not None
            and self._socket.wire is not None
            and self._socket.wire.write(b"%b%b}" % (self._opening, outcome.encoded))
        ):
            return
        if self._inbox is None:
            self._inbox = Inbox()
        self._inbox.put(outcome)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
            self._socket.keep(self._sending)

    async def _send(self) -> None:
        try:
            while self._inbox:
                if self._socket.wire is not None:
                    # Only then is it decided which is the newest.
                    await self._socket.wire.drained()
                await self._socket.tell(self, self._inbox.take())
        finally:
            self._sending = self._inbox = None
