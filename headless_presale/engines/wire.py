"""What the users of a data folder and its keeper say to each other.

One JSON object a line over a Unix socket. A user that connects says what it wants and gets the
addresses or an error; it then keeps the connection for as long as it uses the engines. The end of
the connection, however it comes about, is the end of the use.
"""

import json
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Message = dict[str, Any]
_MESSAGE_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """What a keeper is started with.

    Attributes:
        data_dir: The data folder.
        durable: Whether written data survives a crash of the machine.
        discard: Whether the data folder is removed when the last user is gone.
        postgres_install: PostgreSQL's folder where it is not the bundled one.
    """

    data_dir: Path
    durable: bool
    discard: bool
    postgres_install: Path | None

    def dump(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, text: str) -> "KeeperOptions":
        values = json.loads(text)
        install = values["postgres_install"]
        return cls(
            data_dir=Path(values["data_dir"]),
            durable=values["durable"],
            discard=values["discard"],
            postgres_install=Path(install) if install else None,
        )


@dataclass(slots=True)
class Line:
    """One end of a conversation."""

    connection: socket.socket
    _received: bytes = field(default=b"", init=False)

    def send(self, message: Message) -> None:
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> Message | None:
        """Wait for the next message; None when the other side has gone.

        Raises:
            TimeoutError: The connection's own timeout has passed.
            ValueError: What came is no message.
        """
        while b"\n" not in self._received:
            if not self._read():
                return None
        return self._next()

    def receive_available(self) -> list[Message] | None:
        """Read once and return the complete messages; None when the other side has gone."""
        if not self._read():
            return None
        messages = []
        while b"\n" in self._received:
            messages.append(self._next())
        return messages

    def close(self) -> None:
        self.connection.close()

    def _read(self) -> bool:
        try:
            chunk = self.connection.recv(4096)
        except ConnectionError:
            return False
        self._received += chunk
        if len(self._received) > _MESSAGE_LIMIT_BYTES:
            raise ValueError("message too long")
        return bool(chunk)

    def _next(self) -> Message:
        text, _, self._received = self._received.partition(b"\n")
        message = json.loads(text)
        if not isinstance(message, dict):
            raise ValueError("a message is an object")
        return message
