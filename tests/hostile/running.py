"""Runs cases against a process of the product, and reports what they did to it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import httpx

from tests.hostile.cases import Case
from tests.hostile.sending import Lane
from tests.support.processes import ApiProcess

LANES = 4
MOST_FAULTS = 20
WARM_UP = 0.2
"""So much of a run fills caches; memory is measured from there."""
MEMORY_BYTES = 64 * 1024 * 1024
"""How much more a process may hold at the end: its documents are remembered in 32 MiB, and what is
freed does not all go back to the system."""
LOG_BYTES_A_CASE = 64
"""How much of log one hostile request may cause, as a mean over all of them."""
CHECK = {"query": "query ($slug: String!) { shop(slug: $slug) { slug } }"}


@dataclass(slots=True)
class Report:
    """What a run saw.

    Attributes:
        outcomes: how often each answer came, by what was sent: ``request 400``,
            ``frames closed 4400``.
        log_bytes: what the process wrote into its log meanwhile.
    """

    cases: int = 0
    seconds: float = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    log_bytes: int = 0
    rss_warm: int = 0
    rss_end: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def log_bytes_a_case(self) -> float:
        return self.log_bytes / max(self.cases, 1)

    def to_json(self) -> dict[str, Any]:
        """Return it for a file."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**named, "log_bytes_a_case": round(self.log_bytes_a_case, 1)}

    def judge(self) -> list[str]:
        """Return what must not have been."""
        found = list(self.faults)
        if self.log_bytes_a_case > LOG_BYTES_A_CASE:
            found.append(f"{self.log_bytes_a_case:.0f} bytes of log a case")
        if self.rss_end - self.rss_warm > MEMORY_BYTES:
            found.append(f"memory grew from {self.rss_warm} to {self.rss_end} bytes")
        return found


async def run(api: ApiProcess, cases: Iterator[Case], *, count: int, slug: str) -> Report:
    """Send the cases, several at a time, and look at the process afterwards.

    Args:
        slug: a shop that no case has a token for; the process still has to know it at the end.
    """
    report = Report()
    log_before = api.log.stat().st_size
    began = time.monotonic()
    waiting = enumerate(cases)

    async def work() -> None:
        lane = Lane(api.url)
        for number, case in waiting:
            reply = await lane.send(case)
            report.cases += 1
            report.outcomes[f"{type(case).__name__} {reply.outcome}".lower()] += 1
            report.families[case.family] += 1
            if reply.faults and len(report.faults) < MOST_FAULTS:
                report.faults.append(
                    f"case {number} ({case.family}): {'; '.join(reply.faults)}\n"
                    f"{case.data[:1500]!r}"
                )
            if report.cases == int(count * WARM_UP):
                report.rss_warm = api.rss_bytes()
        lane.close()

    await asyncio.gather(*(work() for _ in range(LANES)))
    report.rss_end = api.rss_bytes()
    report.seconds = round(time.monotonic() - began, 1)
    report.log_bytes = api.log.stat().st_size - log_before
    await _ask_it(api, slug, report)
    _read_log(api, log_before, report)
    return report


async def _ask_it(api: ApiProcess, slug: str, report: Report) -> None:
    async with httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=30) as client:
        answer = await client.post("/graphql", json={**CHECK, "variables": {"slug": slug}})
    if answer.json().get("data") != {"shop": {"slug": slug}}:
        report.faults.append(f"afterwards it answers {answer.text[:200]}")


def _read_log(api: ApiProcess, start: int, report: Report) -> None:
    with api.log.open("rb") as log:
        log.seek(start)
        for line in log:
            if (b"Traceback" in line or b'"level": "error"' in line) and len(
                report.faults
            ) < 2 * MOST_FAULTS:
                report.faults.append(f"in the log: {line[:3000].decode(errors='replace')}")
