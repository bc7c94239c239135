"""A case: bytes on a connection, or frames on a socket of its own."""

from dataclasses import dataclass

BROKEN_MESSAGE = frozenset({4400, 4401, 4403, 4409, 4429})
"""What a socket closes with whose client breaks the protocol of the messages."""
BROKEN_FRAME = frozenset({1002, 1003, 1007, 1009})
"""What it closes with where the frames themselves are broken (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes on a connection.

    Attributes:
        is_last: the connection is of no use afterwards, or the request is never whole: the
            sender says that nothing more comes.
    """

    family: str
    data: bytes
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames on a socket of its own.

    Attributes:
        ends_with: the codes that it may be closed with; empty: it goes on.
        answers: how many operations are answered before that, be it by an error.
    """

    family: str
    data: bytes
    ends_with: frozenset[int] = frozenset()
    answers: int = 0


Case = Request | Frames
