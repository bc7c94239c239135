"""Telling many: 2,000 subscribers of one sale, and 500 sales that change once a second each."""

import asyncio
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
from redis.asyncio import Redis

from bench.broadcast import CHANNEL
from bench.followers import NUMBER, Plan, number_in, plan_line
from bench.report import Row, Target
from bench.run import Run
from bench.sale import open_sale, order_of
from bench.servers import Server, api, broadcast_floor
from bench.turns import Spread, ratios
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.checkout import place_order
from headless_presale.kernel import live
from headless_presale.kernel.unit_of_work import set_publisher
from headless_presale.slots import Admitted, admit
from resolvers.global_ids import seal

SUBSCRIBERS, TOPICS = 2_000, 500
TOPIC_SLOTS = 1_000
TOGETHER = 10
"""Updates published at a time, every fiftieth of a second: whoever publishes is not measured."""
PAUSE_SECONDS = 1.0
"""Between updates: longer than updates of one topic are held back to be sent together."""
TOLD_WITHIN_SECONDS = 120.0
STEADY_SECONDS, QUICK_SECONDS = 15, 4
LAST_WITHIN_SECONDS = 3.0
FILES = 16_384

AVAILABILITY = """
subscription ($id: ID!) {
  campaignAvailability(campaignId: $id) { status items { itemId slotsLeft capacity } }
}
"""


async def run(run: Run) -> list[Row]:
    """Measure how long an update takes to the last subscriber, memory, and a steady stream."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The processes that are started here inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, FILES), most))
    return [*await _one_topic(run), *await _many_topics(run)]


async def _one_topic(run: Run) -> list[Row]:
    sale = await open_sale("fan-out", capacity=10_000)
    updates = run.rounds if run.is_quick else 2 * run.rounds
    async with api(run.folder) as ours:
        before = ours.memory_mb()["rss"]
        async with _followers(ours, SUBSCRIBERS, [_subscribe(sale)]) as crowd:
            memory = (ours.memory_mb()["rss"] - before) / SUBSCRIBERS * 1e3
            first = crowd.sample
            async with broadcast_floor(run.folder, {"first": first}) as bare:
                before = bare.memory_mb()["rss"]
                async with _followers(bare, SUBSCRIBERS, [_subscribe(sale)]) as others:
                    bare_memory = (bare.memory_mb()["rss"] - before) / SUBSCRIBERS * 1e3
                    run.tell(f"{SUBSCRIBERS:,} subscribers follow each")
                    mine, theirs = await _by_turns(run, sale, crowd, others, first, updates)
    return [
        Row(
            case=f"an update to the last of {SUBSCRIBERS:,} subscribers",
            unit="ms",
            ours=Spread.of(mine).median,
            floor=Spread.of(theirs).median,
            ratio=ratios(mine, theirs),
            target=Target(at_most=1.5),
            figures={"ours_ms": mine, "floor_ms": theirs},
        ),
        Row(
            case="memory of an idle subscriber",
            unit="KB",
            ours=memory,
            floor=bare_memory,
            target=Target(at_most=35),
        ),
    ]


async def _by_turns(
    run: Run,
    sale: CampaignSnapshot,
    crowd: "_Crowd",
    others: "_Crowd",
    first: str,
    updates: int,
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each update, from when it is published to the last subscriber."""
    redis: Redis = Redis.from_url(run.redis_url)
    left = number_in(first.encode())
    assert left is not None
    text = NUMBER.decode()
    mine, theirs = [], []
    try:
        for update in range(updates + 1):
            left -= 1
            took = [await _order(sale, crowd, 70_000_000 + update, left)]
            await asyncio.sleep(PAUSE_SECONDS)
            message = first.replace(f"{text}{left + 1 + update}", f"{text}{left}")
            began = time.monotonic()
            await redis.publish(CHANNEL, message)
            took.append(await others.all_have(left) - began)
            await asyncio.sleep(PAUSE_SECONDS)
            # The first of each warms up what the next ones use.
            if update > 0:
                mine.append(took[0] * 1e3)
                theirs.append(took[1] * 1e3)
    finally:
        await redis.aclose()
    return mine, theirs


async def _order(sale: CampaignSnapshot, crowd: "_Crowd", buyer: int, left: int) -> float:
    """Place an order; return the seconds from its news to the last subscriber."""
    published: list[float] = []

    async def publish(news: Sequence[tuple[str, int]]) -> None:
        published.append(time.monotonic())
        await live.publish(news)

    set_publisher(publish)
    try:
        await place_order(order_of(sale, buyer))
    finally:
        set_publisher(live.publish)
    return await crowd.all_have(left) - published[0]


async def _many_topics(run: Run) -> list[Row]:
    """Change each sale once a second, evenly spread; no number may come late or not at all."""
    seconds = QUICK_SECONDS if run.is_quick else STEADY_SECONDS
    sales = [await open_sale(f"topic-{n}", capacity=TOPIC_SLOTS) for n in range(TOPICS)]
    run.tell(f"opened {TOPICS} sales")
    async with api(run.folder) as server:
        subscriptions = [_subscribe(sale) for sale in sales]
        async with _followers(server, TOPICS, subscriptions, is_told_each=True) as crowd:
            before = server.cpu_seconds()
            published, late = await _change(sales, seconds)
            await asyncio.sleep(LAST_WITHIN_SECONDS)
            spent = server.cpu_seconds() - before
            lags = lags_of(published, await crowd.each())
    count = TOPICS * seconds
    lags.sort()
    return [
        Row(
            case=f"{TOPICS} updates a second over {TOPICS} topics, told within a second",
            unit="%",
            ours=100 * sum(lag <= 1 for lag in lags) / count,
            p50_ms=lags[len(lags) // 2] * 1e3,
            p99_ms=lags[len(lags) * 99 // 100] * 1e3,
            cpu_us=spent / count * 1e6,
            target=Target(at_least=99),
            figures={"told": len(lags), "updates": count, "published_late_ms": late * 1e3},
        )
    ]


async def _change(
    sales: Sequence[CampaignSnapshot], seconds: int
) -> tuple[dict[tuple[int, int], float], float]:
    """Take a slot of each sale in turn and say so; return when, and how late at most.

    By topic and the number that is left.
    """
    published: dict[tuple[int, int], float] = {}
    began, late = time.monotonic(), 0.0

    async def take(place: int) -> None:
        taken = await admit(sales[place].items[0].pool_id, uuid4(), uuid4(), 1)
        assert isinstance(taken, Admitted)

    for first in range(0, TOPICS * seconds, TOGETHER):
        due = began + first / TOPICS
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        updates = range(first, first + TOGETHER)
        await asyncio.gather(*(take(update % TOPICS) for update in updates))
        now = time.monotonic()
        late = max(late, now - due)
        for update in updates:
            published[update % TOPICS, TOPIC_SLOTS - 1 - update // TOPICS] = now
        await live.publish([(f"availability:{sales[u % TOPICS].id}", 0) for u in updates])
    return published, late


def lags_of(
    published: dict[tuple[int, int], float], each: Sequence[tuple[int, int, float]]
) -> list[float]:
    """Return how long each update took that was told; a later number of its topic tells it too."""
    told: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for place, number, at in each:
        told[place].append((at, number))
    lags = []
    for (place, number), at in published.items():
        arrived = next((when for when, left in sorted(told[place]) if left <= number), None)
        if arrived is not None:
            lags.append(arrived - at)
    return lags


def _subscribe(sale: CampaignSnapshot) -> str:
    payload = {"query": AVAILABILITY, "variables": {"id": seal("Campaign", sale.id)}}
    return orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode()


@dataclass(slots=True)
class _Crowd:
    process: asyncio.subprocess.Process
    sample: str = ""

    async def all_have(self, number: int) -> float:
        """Wait until a number has come to everybody; return when."""
        while (told := await self.next())["number"] != number:
            pass
        return float(told["last"])

    async def each(self) -> list[tuple[int, int, float]]:
        """End it; return place, number and moment of everything that has come."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return [(place, number, at) for place, number, at in (await self.next())["each"]]

    async def next(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self.process.stdout is not None
        async with asyncio.timeout(TOLD_WITHIN_SECONDS):
            line = await self.process.stdout.readline()
        told: dict[str, Any] = json.loads(line or b'{"failed": "it has ended"}')
        if "failed" in told:
            raise RuntimeError(f"the subscribers have failed: {told['failed']}")
        return told


@asynccontextmanager
async def _followers(
    server: Server, sockets: int, subscriptions: list[str], *, is_told_each: bool = False
) -> AsyncIterator[_Crowd]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.followers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    assert process.stdin is not None
    port = urlsplit(server.url).port
    assert port is not None
    plan = Plan(port=port, sockets=sockets, subscriptions=subscriptions, is_told_each=is_told_each)
    try:
        process.stdin.write(plan_line(plan))
        crowd = _Crowd(process)
        while "ready" not in (told := await crowd.next()):
            pass
        crowd.sample = told["sample"]
        yield crowd
    finally:
        process.kill()
        await process.wait()
