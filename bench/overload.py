"""Twice the capacity: what becomes of those who are let in, and of those who are not."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from bench.arrivals import Plan
from bench.orders import order_body
from headless_presale.campaigns import CampaignSnapshot

CLOSED_LOOP = 32
"""Buyers at a time when looking for the capacity."""
OPEN_CONNECTIONS = 1_000
TIMES_CAPACITY = 2.0
WARM_UP_SECONDS = 2.0
SECONDS = 12.0
TURNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """What was measured. ``wrong`` is every answer that is neither an order nor a typed refusal.

    Attributes:
        capacity: orders a second in a closed loop.
        offered: arrivals a second in the open one.
        goodput: orders a second in the open one.
        unsent: arrivals that found no free connection of the generator.
    """

    capacity: float
    capacity_p99_ms: float
    offered: float
    goodput: float
    accepted_p50_ms: float
    accepted_p99_ms: float
    refused: int
    refused_p50_ms: float
    refused_p99_ms: float
    unsent: int
    wrong: dict[str, int]

    @property
    def goodput_ratio(self) -> float:
        return self.goodput / self.capacity

    def to_json(self) -> dict[str, object]:
        """Return every figure."""
        return {**asdict(self), "goodput_ratio": self.goodput_ratio}


@dataclass(slots=True)
class _Answers:
    accepted: list[float]
    refused: list[float]
    wrong: dict[str, int]
    unsent: int

    def add(self, more: "_Answers") -> None:
        """Take in the answers of another turn."""
        self.accepted.extend(more.accepted)
        self.refused.extend(more.refused)
        for what, count in more.wrong.items():
            self.wrong[what] = self.wrong.get(what, 0) + count
        self.unsent += more.unsent


async def overload(campaign: CampaignSnapshot, url: str, *, seconds: float = SECONDS) -> Overload:
    """Find the capacity of one API process, then offer it twice as much for some seconds."""
    body = order_body(campaign, "~").decode()

    def plan(first: int, *, seconds: float, connections: int, rate: float | None = None) -> Plan:
        at = urlsplit(url)
        assert at.hostname
        assert at.port
        return Plan(
            host=at.hostname,
            port=at.port,
            body=body,
            first=first,
            seconds=seconds,
            connections=connections,
            rate=rate,
        )

    await _send(plan(1, seconds=WARM_UP_SECONDS, connections=CLOSED_LOOP))
    alone, flood = _Answers([], [], {}, 0), _Answers([], [], {}, 0)
    # By turns: the machine's own speed changes from one second to the next.
    for turn in range(1, TURNS + 1):
        first = turn * 10_000_000
        closed = await _send(plan(first, seconds=seconds / TURNS, connections=CLOSED_LOOP))
        alone.add(closed)
        offered = TIMES_CAPACITY * len(closed.accepted) / (seconds / TURNS)
        flood.add(
            await _send(
                plan(
                    first + 5_000_000,
                    seconds=seconds / TURNS,
                    connections=OPEN_CONNECTIONS,
                    rate=offered,
                )
            )
        )
    capacity = len(alone.accepted) / seconds
    return Overload(
        capacity=capacity,
        capacity_p99_ms=_ms(alone.accepted, 0.99),
        offered=TIMES_CAPACITY * capacity,
        goodput=len(flood.accepted) / seconds,
        accepted_p50_ms=_ms(flood.accepted, 0.5),
        accepted_p99_ms=_ms(flood.accepted, 0.99),
        refused=len(flood.refused),
        refused_p50_ms=_ms(flood.refused, 0.5),
        refused_p99_ms=_ms(flood.refused, 0.99),
        unsent=flood.unsent,
        wrong=flood.wrong,
    )


async def _send(plan: Plan) -> _Answers:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.arrivals",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    return _Answers(**json.loads(printed))


def _ms(seconds: Sequence[float], quantile: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))] * 1000 if ordered else 0.0
