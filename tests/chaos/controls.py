"""Controls: the suite with a part of the product removed, in which it must find what it seeks.

``python -m tests.chaos.controls unguarded`` runs APIs that claim slots whoever owns them, while
Redis comes back empty and from an older state; ``unreconciled`` runs without the reconciler, while
API processes die between a reservation and its commit. ``guarded`` and ``reconciled`` are the same
storms on the whole product, which weathers them.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.cluster import Programs
from tests.chaos.command import weather
from tests.chaos.run import Storm
from tests.chaos.schedule import Fault, Kind

SEED = 1


@dataclass(frozen=True, slots=True)
class Control:
    """A short storm of one cause.

    Attributes:
        apis: as few processes as show the effect: each takes seconds to start.
    """

    plan: Sequence[Fault]
    seconds: float
    apis: int
    programs: Programs = field(default_factory=Programs)
    abandon_chance: float = 0.0
    is_reconciled: bool = True
    workers: int = 1
    stops_early: bool = False


REDIS_FORGETS = (
    Fault(1.0, Kind.REDIS_STALE, "redis", 1.5),
    Fault(4.0, Kind.REDIS_STALE, "redis", 1.0),
)
# Orders wait for their commit; their process dies, and nobody but Redis knows of their numbers.
APIS_DIE_PLACING = (
    Fault(2.0, Kind.CUT_DATABASE, "database", 2.0, "hold"),
    Fault(3.5, Kind.API_KILL, "api-0", 0.3),
)
CONTROLS: Mapping[str, Control] = {
    "guarded": Control(REDIS_FORGETS, 6.0, apis=1),
    "unguarded": Control(
        REDIS_FORGETS,
        6.0,
        apis=1,
        programs=Programs(api="tests.chaos.unguarded"),
        workers=0,
        stops_early=True,
    ),
    "reconciled": Control(APIS_DIE_PLACING, 4.0, apis=1, abandon_chance=1.0),
    "unreconciled": Control(
        APIS_DIE_PLACING,
        4.0,
        apis=1,
        programs=Programs(worker="tests.chaos.unreconciled"),
        abandon_chance=1.0,
        is_reconciled=False,
    ),
}


def main() -> int:
    """Run one control; exit code 1 says that the suite found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.controls", description=__doc__)
    parser.add_argument("name", choices=CONTROLS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--report", type=Path)
    chosen = parser.parse_args()
    control = CONTROLS[chosen.name]

    def storm(folder: Path) -> Storm:
        return Storm(
            seed=SEED,
            minutes=control.seconds / 60,
            folder=folder,
            plan=control.plan,
            apis=control.apis,
            programs=control.programs,
            abandon_chance=control.abandon_chance,
            is_reconciled=control.is_reconciled,
            workers=control.workers,
            stops_early=control.stops_early,
        )

    return weather(storm, folder=chosen.folder, report_file=chosen.report)


if __name__ == "__main__":
    sys.exit(main())
