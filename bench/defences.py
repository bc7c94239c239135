"""What the defences cost on placing an order and on a campaign's page, in one run.

The same API runs several times side by side: without any defence, with all, and without each one.
They take short turns, in an order drawn anew for each round, and what is compared is the processor
time that the server's process spends on a request. A ratio is taken within each round, where the
machine is as fast for all of them, and its median told. What Redis does is in the wait alone.
"""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import orjson

from bench.orders import order_body, wait_until_ready
from bench.sale import open_sale
from bench.undefended import DEFENCES
from headless_presale.campaigns import CampaignSnapshot

NONE, ALL = "none of the defences", "all of them"
ROUNDS = 40
CONCURRENCY = 8
WARM_UP = 200
FAR_AWAY = "203.0.113.7"
"""Whom the requests say to come from: this machine itself is not counted."""
UNREACHED = "100000000"
"""What a limit is set to: every request is counted, none refused."""

PAGE = """
query Page($shop: String!, $handle: String!) {
  shop(slug: $shop) {
    name
    campaign(handle: $handle) {
      id title status opensAt closesAt
      terms { version shipsBy refundPolicy }
      items {
        id title capacity slotsLeft limitPerCustomer
        listPrice { minor currency }
        currentPrice { price { minor amount } reason tier endsAt }
        depositDue { minor }
      }
    }
  }
}
"""


@dataclass(slots=True)
class Costs:
    """What requests of one kind cost one server.

    Attributes:
        cpu_us: processor time of the server's process for a request, one figure a round.
        wait_us: how long a client waited at the median, one figure a round.
    """

    cpu_us: list[float] = field(default_factory=list)
    wait_us: list[float] = field(default_factory=list)

    def compared_with(self, bare: "Costs") -> dict[str, float]:
        """Return the medians over all rounds, and those of the ratios within each round.

        ``cpu_ratio_low`` and ``cpu_ratio_high`` are the quartiles of ``cpu_ratio``.
        """
        ratios = [mine / theirs for mine, theirs in zip(self.cpu_us, bare.cpu_us, strict=True)]
        waits = [mine / theirs for mine, theirs in zip(self.wait_us, bare.wait_us, strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        return {
            "cpu_us": median(self.cpu_us),
            "cpu_ratio": middle,
            "cpu_ratio_low": low,
            "cpu_ratio_high": high,
            "wait_us": median(self.wait_us),
            "wait_ratio": median(waits),
        }


_Answer = dict[str, dict[str, dict[str, object]]]
Table = Mapping[str, Mapping[str, Costs]]
"""By what is asked, and by server."""


async def run(*, requests: int) -> Table:
    """Measure so many requests of each kind, in each round, at each server.

    The engines of this environment are migrated and open in this process.
    """
    variants = {
        NONE: DEFENCES,
        ALL: (),
        **{f"all but: {name}": (name,) for name in DEFENCES},
        "all but: both limits": ("limit of requests", "limits of mutations"),
    }
    sale = await open_sale("defences", capacity=len(variants) * (ROUNDS * requests + WARM_UP) + 1)
    table: dict[str, dict[str, Costs]] = defaultdict(lambda: defaultdict(Costs))
    async with AsyncExitStack() as stack:
        servers: dict[str, _Server] = {}
        for name, without in variants.items():
            url, process = stack.enter_context(_process(without))
            session = aiohttp.ClientSession(
                url, headers={"Content-Type": "application/json", "X-Forwarded-For": FAR_AWAY}
            )
            client = await stack.enter_async_context(session)
            await wait_until_ready(client)
            servers[name] = _Server(process, client, sale)
            await servers[name].send_all(WARM_UP)
        for _ in range(ROUNDS):
            for name in random.sample(list(servers), k=len(servers)):
                for what, (cpu, wait) in (await servers[name].send_all(requests)).items():
                    table[what][name].cpu_us.append(cpu)
                    table[what][name].wait_us.append(wait)
    return {what: {name: costs[name] for name in variants} for what, costs in table.items()}


@dataclass(slots=True)
class _Server:
    process: subprocess.Popen[bytes]
    client: aiohttp.ClientSession
    sale: CampaignSnapshot
    buyers: int = 0

    async def send_all(self, requests: int) -> dict[str, tuple[float, float]]:
        return {
            "orderPlace": await self._timed(self._place, requests),
            "campaign page": await self._timed(self._look, requests),
        }

    async def _timed(
        self, send: Callable[[], Awaitable[None]], requests: int
    ) -> tuple[float, float]:
        waits: list[float] = []
        left = iter(range(requests))

        async def one_client() -> None:
            for _ in left:
                began = time.perf_counter()
                await send()
                waits.append(time.perf_counter() - began)

        before = self._cpu_seconds()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(one_client())
        return (self._cpu_seconds() - before) / requests * 1e6, median(waits) * 1e6

    def _cpu_seconds(self) -> float:
        # The kernel's own count in nanoseconds: psutil's moves in steps of ten milliseconds.
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    async def _place(self) -> None:
        self.buyers += 1
        body = order_body(self.sale, f"{self.process.pid}-{self.buyers}")
        assert not (await self._send(body))["orderPlace"]["userErrors"]

    async def _look(self) -> None:
        variables = {"shop": "bench", "handle": self.sale.handle}
        data = await self._send(orjson.dumps({"query": PAGE, "variables": variables}))
        assert data["shop"]["campaign"]["status"] == "LIVE"

    async def _send(self, body: bytes) -> _Answer:
        async with self.client.post("/graphql", data=body) as answer:
            assert answer.status == 200, await answer.text()
            data: dict[str, dict[str, dict[str, object]]] = orjson.loads(await answer.read())[
                "data"
            ]
        return data


@contextmanager
def _process(without: tuple[str, ...]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    limits = ("REQUESTS", "PLACEMENTS", "PAYMENTS", "CODES", "LOGINS", "MAILS", "CHANGES")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.undefended", "--port", str(port)]
        + [argument for name in without for argument in ("--without", name)],
        env={
            **os.environ,
            "PRESALE_TRUSTED_PROXIES": "127.0.0.0/8",
            "PRESALE_DATABASE_POOL_SIZE": "8",
            **{f"PRESALE_RATE_LIMIT_{name}": UNREACHED for name in limits},
        },
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)
