"""What telling a long list does to those who buy meanwhile, in one run.

One API process and one worker, as ``run`` has them, on one machine. They take turns: buyers alone
while the worker is frozen, buyers while it tells, and the worker alone. What carries over to
another machine are the ratios, and the processor time of a mail.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg
import orjson
import psutil

from bench.load import Rate, rate_of
from bench.orders import api_process, order_body, wait_until_ready
from bench.sale import open_sale
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.cli.priority import BESIDE_AN_API
from headless_presale.kernel import clock
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

ROUNDS = 6
BUYERS = 4
WARM_UP_SECONDS = 2.0
SLOTS = 50_000
WAITING = 100_000
"""Who wait for the campaign. Of these and of the slots there are more than a run takes."""

PUT_ON_LIST = """
INSERT INTO campaign_watcher (id, campaign_id, person, email, locale, source, consented_at,
    confirmed_at)
SELECT gen_random_uuid(), $1, gen_random_uuid(), 'ann' || n || '@example.com', 'en', '', $2, $2
FROM generate_series(1, $3::int) AS n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Medians over the rounds; ``_ms`` are a buyer's wait.

    Attributes:
        mails_beside: mails a second while orders were placed.
        mails_alone: mails a second while nobody bought.
        mail_cpu_us: processor time of a mail, worker and database together, while nobody bought.
        mail_writes: transactions of a mail that wrote something, and so waited for the disk.
        mail_wal_bytes: what they wrote to the log of the database.
    """

    alone_p50_ms: float
    alone_p99_ms: float
    beside_p50_ms: float
    beside_p99_ms: float
    alone_per_second: float
    beside_per_second: float
    mails_beside: float
    mails_alone: float
    mail_cpu_us: float
    mail_writes: float
    mail_wal_bytes: float

    def to_json(self) -> dict[str, float]:
        """Return the figures, and the ratios that carry over to other machines."""
        return {
            **asdict(self),
            "p50_ratio": self.beside_p50_ms / self.alone_p50_ms,
            "p99_ratio": self.beside_p99_ms / self.alone_p99_ms,
        }


async def run(database_url: str, *, seconds: float) -> Telling:
    """Take turns of so many seconds. The engines are migrated and open in this process."""
    sale = await open_sale("telling", capacity=SLOTS)
    connection = await asyncpg.connect(database_url)
    await connection.execute(PUT_ON_LIST, sale.id, clock.now(), WAITING)
    await connection.execute("ANALYZE campaign_watcher")
    try:
        with api_process() as url, _worker() as worker:
            headers = {"Content-Type": "application/json"}
            async with aiohttp.ClientSession(url, headers=headers) as client:
                await wait_until_ready(client)
                return await _Bench(sale, client, connection, worker).run(seconds)
    finally:
        await connection.close()


@contextmanager
def _worker() -> Iterator["subprocess.Popen[bytes]"]:
    """Run the worker as ``run`` does: in a session of its own, and as nice."""
    nice = {"PRESALE_WORKER_NICENESS": str(BESIDE_AN_API)}
    process = subprocess.Popen(
        [sys.executable, "-m", "headless_presale.cli", "worker"],
        env={**nice, **os.environ, "PRESALE_LOG_LEVEL": "WARNING"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    mails: int = 0
    cpu_seconds: float = 0.0
    writes: int = 0
    wal_bytes: int = 0

    def __add__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            mails=self.mails + other.mails,
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            writes=self.writes + other.writes,
            wal_bytes=self.wal_bytes + other.wal_bytes,
        )

    def __sub__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            mails=self.mails - other.mails,
            cpu_seconds=self.cpu_seconds - other.cpu_seconds,
            writes=self.writes - other.writes,
            wal_bytes=self.wal_bytes - other.wal_bytes,
        )


class _Bench:
    def __init__(
        self,
        sale: CampaignSnapshot,
        client: aiohttp.ClientSession,
        connection: asyncpg.Connection,
        worker: "subprocess.Popen[bytes]",
    ) -> None:
        self._sale, self._client, self._worker = sale, client, worker
        self._connection = connection
        self._buyers = 0

    async def run(self, seconds: float) -> Telling:
        await _tell(self._sale)
        await self._until_mails_go_out()
        await self._buy(WARM_UP_SECONDS)
        alone: list[Rate] = []
        beside: list[Rate] = []
        mails_beside: list[int] = []
        mails_alone: list[int] = []
        spent = _Spent()
        for _ in range(ROUNDS):
            with self._frozen():
                alone.append(await self._buy(seconds))
            before = await self._spent()
            beside.append(await self._buy(seconds))
            between = await self._spent()
            mails_beside.append((between - before).mails)
            await asyncio.sleep(seconds)
            turn = await self._spent() - between
            mails_alone.append(turn.mails)
            spent += turn
        mails = max(spent.mails, 1)
        return Telling(
            alone_p50_ms=median(rate.p50_ms for rate in alone),
            alone_p99_ms=median(rate.p99_ms for rate in alone),
            beside_p50_ms=median(rate.p50_ms for rate in beside),
            beside_p99_ms=median(rate.p99_ms for rate in beside),
            alone_per_second=median(rate.per_second for rate in alone),
            beside_per_second=median(rate.per_second for rate in beside),
            mails_beside=median(mails_beside) / seconds,
            mails_alone=median(mails_alone) / seconds,
            mail_cpu_us=spent.cpu_seconds / mails * 1e6,
            mail_writes=spent.writes / mails,
            mail_wal_bytes=spent.wal_bytes / mails,
        )

    async def _buy(self, seconds: float) -> Rate:
        until, waits = time.perf_counter() + seconds, list[float]()

        async def one_buyer() -> None:
            while (began := time.perf_counter()) < until:
                self._buyers += 1
                body = order_body(self._sale, str(self._buyers))
                async with self._client.post("/graphql", data=body) as answer:
                    told = orjson.loads(await answer.read())
                assert not told["data"]["orderPlace"]["userErrors"], told
                waits.append(time.perf_counter() - began)

        async with asyncio.TaskGroup() as group:
            for _ in range(BUYERS):
                group.create_task(one_buyer())
        return rate_of(waits, seconds)

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        self._worker.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._worker.send_signal(signal.SIGCONT)

    async def _spent(self) -> _Spent:
        """Return what has been spent so far."""
        row = await self._connection.fetchrow(
            "SELECT pg_current_xact_id()::text::bigint AS writes, "
            "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal_bytes"
        )
        assert row is not None
        return _Spent(mails=await self._sent(), cpu_seconds=self._cpu_seconds(), **dict(row))

    async def _sent(self) -> int:
        count: int = await self._connection.fetchval(
            "SELECT count(*) FROM message WHERE sent_at IS NOT NULL AND kind = 'campaign_opened'"
        )
        return count

    def _cpu_seconds(self) -> float:
        """Return the processor time of the worker and of every process of the database."""
        postgres = psutil.Process(self._connection.get_server_pid()).parent()
        assert postgres is not None
        pids = [self._worker.pid, postgres.pid, *(child.pid for child in postgres.children())]
        return sum(_cpu_seconds_of(pid) for pid in pids)

    async def _until_mails_go_out(self) -> None:
        for _ in range(600):
            if await self._sent() > 0:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("no mail went out")


def _cpu_seconds_of(pid: int) -> float:
    # The kernel's own count in nanoseconds: psutil's moves in steps of ten milliseconds.
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@shielded
async def _tell(sale: CampaignSnapshot) -> None:
    async with unit_of_work():
        await defer(
            "notifications:tell_watchers",
            queue="announcements",
            queueing_lock=f"notifications:tell:{sale.id}",
            campaign_id=str(sale.id),
        )
