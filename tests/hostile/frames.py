"""Hostile frames, on a socket of their own."""

import contextlib
import random
from typing import Any

import orjson

from tests.hostile.cases import BROKEN_FRAME, BROKEN_MESSAGE, Frames
from tests.hostile.documents import Documents
from tests.hostile.values import Values, encode

MOST_BYTES = 90_000
"""A message above the limit is a case of its own, see `broken_frames`."""


class SocketCases:
    """Draws what one socket is sent.

    Attributes:
        weighted: what draws it, and how often.
    """

    def __init__(
        self,
        chance: random.Random,
        values: Values,
        documents: Documents,
    ) -> None:
        self.chance = chance
        self.values = values
        self.documents = documents
        self.weighted = (
            (self.messages, 4),
            (self.damaged_message, 4),
            (self.out_of_order, 3),
            (self.broken_frames, 4),
            (self.operations, 4),
            (self.pieces, 2),
        )

    def messages(self) -> Frames:
        """A message of no known shape, after a beginning in order."""
        message = self.values.json()
        if isinstance(message, dict):
            message["type"] = self.chance.choice(("start", "connection_ack", "next", "", None, 1))
        return Frames("message", INIT + text(encode(message)), BROKEN_MESSAGE)

    def damaged_message(self) -> Frames:
        """What is no JSON at all, as text or as bytes."""
        subscribe = self._subscribe("1")
        bad = self.chance.choice((b"", b"{", subscribe[:-1], b"nul", b"[1,", b"{'a':1}", b"NaN"))
        sent = frame(2, subscribe) if self.chance.random() < 0.3 else text(bad)
        return Frames("no message", self.chance.choice((b"", INIT)) + sent, BROKEN_MESSAGE)

    def out_of_order(self) -> Frames:
        subscribe = text(self._subscribe("1"))
        bad_id: Any = self.chance.choice((None, 1, "", [], {}, False))
        bad_payload: Any = self.chance.choice((None, 1, "a", [], {}, {"query": 1}, {"query": ""}))
        of_type = self.chance.choice(("ping", "pong", "connection_init"))
        return Frames(
            "order",
            self.chance.choice(
                (
                    subscribe,
                    INIT + INIT,
                    INIT + text(encode({"type": "subscribe", "id": bad_id, "payload": {}})),
                    INIT + text(encode({"type": "subscribe", "id": "1", "payload": bad_payload})),
                    INIT + text(encode({"type": "complete", "id": bad_id})),
                    text(encode({"type": of_type, "payload": self.chance.choice((1, "a", [1]))})),
                    text(encode({"type": "connection_init", "payload": {"authorization": 1}})),
                    text(encode({"type": "connection_init", "payload": {"authorization": "B x"}})),
                )
            ),
            BROKEN_MESSAGE,
        )

    def broken_frames(self) -> Frames:
        body = self._subscribe("1")
        bad = self.chance.choice(
            (
                frame(self.chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), b"a"),
                frame(1, body, reserved=self.chance.choice((0x40, 0x20, 0x10, 0x70))),
                frame(0, body),
                frame(1, body, is_masked=False),
                frame(1, b'{"type":"ping"}\xff\xfe'),
                frame(1, b"\xed\xa0\x80"),
                frame(9, b"a" * 126),
                frame(9, b"a", is_final=False),
                frame(1, b"a", is_final=False) + frame(1, b"b"),
                frame(8, b"\x00"),
                frame(8, (999).to_bytes(2, "big")),
                frame(8, (1005).to_bytes(2, "big") + b"\xff"),
                frame(1, b" " * 120_000),
                b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + body,
                b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff" + body,
                b"\x81\xfe\x00\x01\x00\x00\x00\x00a" * 1,
            )
        )
        return Frames("frame", self.chance.choice((b"", INIT)) + bad, BROKEN_FRAME | BROKEN_MESSAGE)

    def operations(self) -> Frames:
        """Operations in order with values that are not; the socket goes on."""
        count = self.chance.randrange(1, 4)
        sent = b"".join(text(self._subscribe(str(number))) for number in range(count))
        return Frames("operations", INIT + sent, answers=count)

    def pieces(self) -> Frames:
        """A beginning in many pieces, with pings in between; the socket goes on."""
        body = b'{"type":"connection_init"}'
        cut = sorted(self.chance.sample(range(len(body)), self.chance.randrange(1, 6)))
        parts = [body[a:b] for a, b in zip([0, *cut], [*cut, len(body)], strict=True)]
        sent = b"".join(
            frame(1 if at == 0 else 0, part, is_final=at == len(parts) - 1)
            + (frame(9, self.values.noise(100)) if at < len(parts) - 1 else b"")
            for at, part in enumerate(parts)
        )
        return Frames("pieces", sent + text(encode({"type": "ping", "payload": {"a": 1}})))

    def _subscribe(self, operation_id: str) -> bytes:
        while True:
            request = self.documents.request()
            message = encode({"id": operation_id, "type": "subscribe", "payload": request})
            # Halves of surrogate pairs are no text: such a message is none.
            if len(message) > MOST_BYTES:
                continue
            with contextlib.suppress(orjson.JSONDecodeError):
                orjson.loads(message)
                return message


def text(payload: bytes) -> bytes:
    """Return a whole frame of text."""
    return frame(1, payload)


def frame(
    opcode: int,
    payload: bytes,
    *,
    is_final: bool = True,
    is_masked: bool = True,
    reserved: int = 0,
) -> bytes:
    """Return a client's frame, under the mask of zeros, which leaves the payload as it is."""
    size = len(payload)
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        length = bytes([mask_bit | size])
    elif size < 1 << 16:
        length = bytes([mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([mask_bit | 127]) + size.to_bytes(8, "big")
    head = bytes([(0x80 if is_final else 0) | reserved | opcode]) + length
    return head + (b"\0\0\0\0" if is_masked else b"") + payload


INIT = text(b'{"type":"connection_init"}')
