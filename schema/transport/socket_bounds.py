"""What one socket may take, what all of them together may, and who is asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.websockets import WebSocket

OperationHook = Callable[[WebSocket, Any], Awaitable[None]]
SocketHook = Callable[[Any, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Bounds for one socket; ``max_operations`` counts everything that has not ended yet."""

    init_timeout_seconds: float = 10.0
    max_operations: int = 20
    max_message_bytes: int = 100 * 1024


class Place(Protocol):
    """A place among what the server works on at once."""

    def leave(self) -> None:
        """Give it back; further calls do nothing."""


class Door(Protocol):
    """What lets operations in, or refuses them."""

    def enter(self) -> Place:
        """Take a place; a public exception says that there is none."""
