"""A worker that gives way, alone and as the leader of a session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headless_presale.cli.priority import AUTOGROUP

GIVE_WAY = """
import os
from headless_presale.cli.priority import AUTOGROUP, give_way

def tell():
    group = AUTOGROUP.read_text().split() if AUTOGROUP.exists() else []
    print(os.getpriority(os.PRIO_PROCESS, 0), group[-1] if group else "none")

give_way(0)
tell()
give_way(1)
tell()
os.setsid()
give_way(2)
tell()
"""
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def told() -> list[list[str]]:
    """How nice a process is, and its session: as it began, one nicer, and as leader of its own."""
    process = subprocess.run(
        [sys.executable, "-c", GIVE_WAY], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [line.split() for line in process.stdout.splitlines()]


def test_it_is_as_nice_as_it_was_told_to_be(told: list[list[str]]) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)

    assert [int(nice) for nice, _ in told] == [own, max(own, 1), max(own, 2)]


def are_sessions_weighed() -> bool:
    """Tell whether this kernel does so, and lets us: then it says how nice our session is."""
    return os.access(AUTOGROUP, os.W_OK) and AUTOGROUP.read_text() != ""


@pytest.mark.skipif(not are_sessions_weighed(), reason="this kernel does not weigh sessions")
def test_a_session_of_its_own_is_nice_as_a_whole_and_one_of_others_is_not(
    told: list[list[str]],
) -> None:
    ours = AUTOGROUP.read_text().split()[-1]

    assert [group for _, group in told] == [ours, ours, "2"]
