"""A process whose work may wait gives way to those that buyers wait for."""

import os
import time
from pathlib import Path

import structlog

BESIDE_AN_API = 5
"""How nice the worker of ``run`` is: where both want the processor the API has three times as much.
More, and on a busy machine holds would expire late as well."""
AUTOGROUP = Path("/proc/self/autogroup")
ATTEMPTS = 10

log = structlog.get_logger(__name__)


def give_way(niceness: int) -> None:
    """Let this process have the processors after others: 0 as they do, 19 last of all.

    Linux may weigh whole sessions against each other, and niceness within one of them alone
    (``sched_autogroup_enabled``): a process that leads its own, as those of ``run`` do, has to be
    nice as a session too.
    """
    if niceness == 0:
        return
    try:
        # One that was started nicer stays so: only root may take that back.
        os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
        if os.getsid(0) == os.getpid() and AUTOGROUP.exists():
            _give_way_as_session(niceness)
    except OSError as error:
        # Then it works as fast as it may.
        log.info("priority.kept", error=repr(error))


def _give_way_as_session(niceness: int) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            AUTOGROUP.write_text(str(niceness))
        except BlockingIOError:
            # The kernel takes ten of these a second, whoever sends them.
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.1)
        else:
            return
