"""Sockets as they are served: cut off in time, and written to without waiting."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from headless_presale.cli.cut_off import CutsOff
from headless_presale.cli.waiting import Gate, Letterbox


class SocketProtocol(CutsOff, WebSocketsSansIOProtocol):
    """Sockets, ended where their client does not read.

    The application may write to them without awaiting it: what it knows as ``Wire``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Letterbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()

    def handle_connect(self, event: Request) -> None:
        """Start the application, which finds this end of the socket in the state."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["state"]["wire"] = self
        # It is in the scope, and nobody looks at it again.
        del self.request

    def handle_text(self, event: Frame) -> None:
        """Take a message: there is none before the handshake is over, and its answer sent."""
        self.response = None  # type: ignore[assignment]
        super().handle_text(event)

    def write(self, text: bytes) -> bool:
        """Send a text; False, and nothing is sent, where the client reads too slowly or is gone."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(text_frame(text))
        return True

    async def drained(self) -> None:
        """Return when the client has read on, or is gone."""
        await self.writable.wait()


def text_frame(text: bytes) -> bytes:
    """Return a whole message as servers send it: neither masked nor compressed."""
    length = len(text)
    if length < 126:
        return b"\x81%c%b" % (length, text)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), text)
