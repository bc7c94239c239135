"""The plan of a run: which fault, on what, when and for how long. A pure function of the seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from headless_presale.kernel.failpoints import FAILPOINTS


class Kind(StrEnum):
    """What can be done to a running shop."""

    POSTGRES_KILL = "postgres_kill"
    POSTGRES_FREEZE = "postgres_freeze"
    REDIS_KILL = "redis_kill"
    REDIS_FREEZE = "redis_freeze"
    REDIS_EMPTY = "redis_empty"
    REDIS_STALE = "redis_stale"
    API_KILL = "api_kill"
    API_FREEZE = "api_freeze"
    WORKER_KILL = "worker_kill"
    WORKER_FREEZE = "worker_freeze"
    GATEWAY_KILL = "gateway_kill"
    GATEWAY_FREEZE = "gateway_freeze"
    CUT_CLIENTS = "cut_clients"
    CUT_DATABASE = "cut_database"
    CUT_REDIS = "cut_redis"
    CUT_GATEWAY = "cut_gateway"
    FAILPOINT = "failpoint"


CUTS = {
    Kind.CUT_CLIENTS: "clients",
    Kind.CUT_DATABASE: "database",
    Kind.CUT_REDIS: "redis",
    Kind.CUT_GATEWAY: "gateway",
}
"""Which connections a cut is made in."""

CUT_WAYS = ("lose_answers", "lose_answers", "hold", "refuse", "stall")
"""The first twice: an answer that never comes leaves the outcome unknown, and is the worst."""

EXTRA_FAILPOINTS = 4
"""So many more of them in each round: there are dozens of places, and a run knows few of them."""

WORKERS_ALONE = frozenset(
    {
        "messages.claimed",
        "messages.sending_noted",
        "messages.sent",
        "orders.reminder_noted",
        "payments.intent_cancelled",
        "refunds.asked",
        "refunds.begun_again",
    }
)
APIS_ALONE = frozenset(
    {
        "orders.numbers_exchanged",
        "orders.written",
        "payments.captured",
        "payments.failure_noted",
        "payments.intent_created",
        "payments.intent_kept",
        "payments.key_kept",
        "payments.notice_judged",
        "payments.notice_stored",
        "payments.opened",
        "slots.claimed",
        "slots.quota_taken",
        "slots.reserved",
    }
)
MERCHANTS_ALONE = frozenset({"campaigns.written", "slots.pools_closed"})
"""Places that only one kind of process comes to; merchants' process is the run's own."""

REACHED = tuple(sorted(name for name in FAILPOINTS if not name.startswith("webhooks.")))
"""The places to die at: nobody listens for webhooks of the run's shop."""

SECONDS_BETWEEN = 2.0
FIRST_AT_SECONDS = 1.5
CALM_AT_THE_END_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        at_seconds: since the first buyer came.
        target: ``postgres``, ``redis``, ``gateway``, ``api-0``, ``worker-0``, or the connections
            that are cut.
        seconds: how long it lasts: until it comes back, is thawed, or passes again; for a
            failpoint how long, once it serves, the process may take to get there.
        variant: the way of a cut, or the name of a failpoint.
    """

    at_seconds: float
    kind: Kind
    target: str
    seconds: float
    variant: str = ""


def make_plan(
    seed: int,
    minutes: float,
    *,
    apis: int = 2,
    workers: int = 1,
    failpoints: Sequence[str] = REACHED,
) -> tuple[Fault, ...]:
    """Return the faults of a run in the order of their times.

    The same arguments give the same plan. A run of a minute or more has every kind; a shorter one
    has them closer together, and every kind from 20 seconds on.
    """
    dice = random.Random(f"chaos:{seed}")
    length = minutes * 60 - FIRST_AT_SECONDS - CALM_AT_THE_END_SECONDS
    kinds = list(Kind)
    count = max(int(length / SECONDS_BETWEEN), min(len(kinds), int(length)))
    chosen: list[Kind] = []
    while len(chosen) < count:
        every_kind = kinds if not chosen else kinds + [Kind.FAILPOINT] * EXTRA_FAILPOINTS
        chosen += dice.sample(every_kind, len(every_kind))
    gap = length / max(1, count)
    return tuple(
        _make_fault(
            dice,
            kind,
            at_seconds=round(FIRST_AT_SECONDS + (index + dice.random() * 0.8) * gap, 2),
            apis=apis,
            workers=workers,
            failpoints=failpoints,
        )
        for index, kind in enumerate(chosen[:count])
    )


def _make_fault(
    dice: random.Random,
    kind: Kind,
    *,
    at_seconds: float,
    apis: int,
    workers: int,
    failpoints: Sequence[str],
) -> Fault:
    api, worker = f"api-{dice.randrange(apis)}", f"worker-{dice.randrange(workers)}"
    variant = ""
    if kind in CUTS:
        target, variant, seconds = CUTS[kind], dice.choice(CUT_WAYS), dice.uniform(0.6, 2.5)
    elif kind is Kind.FAILPOINT:
        target = worker if dice.random() < 0.35 else api
        others = MERCHANTS_ALONE | (APIS_ALONE if target == worker else WORKERS_ALONE)
        known = [name for name in failpoints if name not in others]
        variant, seconds = dice.choice(known), dice.uniform(2.0, 4.0)
    else:
        named = kind.value.partition("_")[0]
        target = {"api": api, "worker": worker}.get(named, named)
        is_freeze = kind.value.endswith("freeze")
        seconds = dice.uniform(0.4, 3.0) if is_freeze else dice.uniform(0.2, 1.5)
        if kind is Kind.REDIS_STALE:
            # The snapshot is taken at the beginning and put back at the end.
            seconds = dice.uniform(1.0, 2.5)
    return Fault(at_seconds, kind, target, round(seconds, 2), variant)
