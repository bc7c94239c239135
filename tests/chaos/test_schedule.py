"""The plan of a run follows from its seed."""

from collections import Counter
from itertools import pairwise

import pytest

from headless_presale.kernel.failpoints import FAILPOINTS as FAILPOINTS_OF_THE_PRODUCT
from tests.chaos.schedule import (
    APIS_ALONE,
    CUTS,
    MERCHANTS_ALONE,
    WORKERS_ALONE,
    Kind,
    make_plan,
)

FAILPOINTS = ("slots.reserved", "transaction.committed")


def test_the_same_seed_gives_the_same_plan() -> None:
    plans = [make_plan(7, 2, failpoints=FAILPOINTS) for _ in range(3)]

    assert plans[0] == plans[1] == plans[2]


def test_another_seed_gives_another_plan() -> None:
    plans = {make_plan(seed, 2, failpoints=FAILPOINTS) for seed in range(20)}

    assert len(plans) == 20


@pytest.mark.parametrize("minutes", [0.4, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_plan_has_every_kind(seed: int, minutes: float) -> None:
    plan = make_plan(seed, minutes, failpoints=FAILPOINTS)

    assert {fault.kind for fault in plan} == set(Kind)


def test_faults_come_in_order_within_the_run_and_one_every_two_seconds() -> None:
    plan = make_plan(3, 1, failpoints=FAILPOINTS)

    # 60 seconds, less 1.5 before the first and 1 after the last, one every 2.
    assert len(plan) == 28
    assert plan[0].at_seconds >= 1.5
    assert plan[-1].at_seconds <= 59.0
    assert all(one.at_seconds < next_.at_seconds for one, next_ in pairwise(plan))


def test_targets_are_the_processes_there_are() -> None:
    plan = make_plan(5, 10, apis=3, workers=2, failpoints=FAILPOINTS)

    targets = Counter(fault.target for fault in plan)
    apis, workers = {"api-0", "api-1", "api-2"}, {"worker-0", "worker-1"}
    assert set(targets) == apis | workers | set(CUTS.values()) | {"postgres", "redis", "gateway"}
    assert {f.variant for f in plan if f.kind is Kind.FAILPOINT} == set(FAILPOINTS)
    assert {f.target for f in plan if f.kind is Kind.FAILPOINT} == apis | workers


def test_a_failpoint_is_armed_in_a_process_that_comes_there() -> None:
    plan = make_plan(5, 20)

    armed = [fault for fault in plan if fault.kind is Kind.FAILPOINT]
    apis_alone = [f for f in armed if f.variant in APIS_ALONE]
    workers_alone = [f for f in armed if f.variant in WORKERS_ALONE]
    assert {f.target for f in apis_alone} == {"api-0", "api-1"}
    assert {f.target for f in workers_alone} == {"worker-0"}
    assert not [f for f in armed if f.variant in MERCHANTS_ALONE]


def test_every_place_that_is_told_apart_exists() -> None:
    assert set(FAILPOINTS_OF_THE_PRODUCT) >= (WORKERS_ALONE | APIS_ALONE | MERCHANTS_ALONE)


def test_a_run_too_short_for_every_kind_has_no_fault_after_its_end() -> None:
    plan = make_plan(1, 0.1, failpoints=FAILPOINTS)

    # 6 seconds, less 2.5, one every second at the most.
    assert len(plan) == 3
    assert plan[-1].at_seconds <= 5.0
