"""A process of its own that does one thing and dies at one place, as ``kill -9`` would end it."""

import asyncio
import signal
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headless_presale import checkout
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.failpoints import killing, observed
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings
from tests.failpoints import (
    authorizing,
    buying,
    carts,
    cataloguing,
    charting,
    customers,
    ending,
    merchant,
    personal,
    privacy,
    running,
    uploading,
    waiting,
    webhooks,
)
from tests.failpoints.world import Scenario
from tests.support.forks import fork, preload

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        *buying.SCENARIOS,
        *authorizing.SCENARIOS,
        *ending.SCENARIOS,
        *charting.SCENARIOS,
        *carts.SCENARIOS,
        *customers.SCENARIOS,
        *personal.SCENARIOS,
        *privacy.SCENARIOS,
        *cataloguing.SCENARIOS,
        *merchant.SCENARIOS,
        *running.SCENARIOS,
        *uploading.SCENARIOS,
        *waiting.SCENARIOS,
        *webhooks.SCENARIOS,
    )
}
LONGEST_SECONDS = 30

preload(__name__)


@dataclass(frozen=True)
class Death:
    """Who dies where.

    Attributes:
        time: which time the place is reached, counted from 1.
    """

    scenario: str
    argument: Any
    at: datetime
    failpoint: str
    time: int


async def die(settings: dict[str, Any], death: Death) -> bool:
    """Run a process until it dies; return whether it did, there and by SIGKILL."""
    process = fork(_run, settings, death)
    await asyncio.to_thread(process.join, LONGEST_SECONDS)
    if process.exitcode is None:
        process.kill()
    return process.exitcode == -signal.SIGKILL


def _run(settings: dict[str, Any], death: Death) -> None:
    asyncio.run(_act(Settings(**settings), death))


async def _act(settings: Settings, death: Death) -> None:
    with use_clock(ManualClock(death.at)):
        async with open_runtime(settings):
            with observed(killing(death.failpoint, time=death.time)):
                await SCENARIOS[death.scenario].act(death.argument)
                await checkout.drain()
