"""Faults come true: the plan is carried out on a cluster, each fault in a task of its own."""

import asyncio
import time
from collections.abc import Sequence

from tests.chaos.cluster import Cluster
from tests.chaos.engines import EngineProcess
from tests.chaos.journal import Journal
from tests.chaos.proxy import Way
from tests.chaos.schedule import CUTS, Fault, Kind
from tests.support.servers import until

ALIVE_SECONDS = 5.0
"""How long a process that is just being started again is waited for, to be disturbed."""


class Injector:
    """Carries a plan out. Faults on different targets overlap, those on the same one queue up."""

    def __init__(self, cluster: Cluster, journal: Journal) -> None:
        self._cluster = cluster
        self._journal = journal
        self._locks: dict[str, asyncio.Lock] = {}

    async def carry_out(self, plan: Sequence[Fault]) -> None:
        """Begin each fault at its time; return when the last one is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                await asyncio.sleep(max(0.0, began + fault.at_seconds - time.monotonic()))
                group.create_task(self._inject(fault))

    async def _inject(self, fault: Fault) -> None:
        async with self._locks.setdefault(fault.target, asyncio.Lock()):
            took_place = True
            if fault.kind in CUTS:
                await self._cut(fault)
            elif fault.kind is Kind.FAILPOINT:
                took_place = await self._cluster.arm(
                    fault.target, fault.variant, seconds=fault.seconds
                )
            elif fault.target == "postgres":
                await self._disturb(self._cluster.engines.postgres, fault)
            elif fault.target == "redis":
                await self._disturb(self._cluster.engines.redis, fault)
            else:
                took_place = await self._disturb_process(fault)
        facts = {"target": fault.target, "seconds": fault.seconds, "variant": fault.variant}
        if took_place:
            self._journal.fault(fault.kind, **facts)
        else:
            self._journal.note("fault_missed", kind=fault.kind, **facts)

    async def _cut(self, fault: Fault) -> None:
        wire = self._cluster.wires.named(fault.target)
        wire.behave(Way(fault.variant))
        await asyncio.sleep(fault.seconds)
        wire.behave(Way.PASS)

    async def _disturb(self, engine: EngineProcess, fault: Fault) -> None:
        engines = self._cluster.engines
        if fault.kind.value.endswith("freeze"):
            engine.freeze(at_most_seconds=fault.seconds)
            await asyncio.sleep(fault.seconds)
            engine.thaw()
            return
        if fault.kind is Kind.REDIS_STALE:
            engines.keep_snapshot()
            await asyncio.sleep(fault.seconds)
        await engine.kill()
        if fault.kind is Kind.REDIS_STALE:
            engines.put_snapshot_back()
        else:
            if fault.kind is Kind.REDIS_EMPTY:
                engines.forget()
            await asyncio.sleep(fault.seconds)
        await engine.start()

    async def _disturb_process(self, fault: Fault) -> bool:
        process = self._cluster.members[fault.target].process
        try:
            await until(process.is_alive, seconds=ALIVE_SECONDS)
        except AssertionError:
            return False
        if fault.kind.value.endswith("kill"):
            self._cluster.kill(fault.target, away_seconds=fault.seconds)
            return True
        process.freeze()
        await asyncio.sleep(fault.seconds)
        if process.is_alive():
            process.thaw()
        return True
