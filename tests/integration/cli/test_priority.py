"""A worker that gives way, alone and as the leader of a session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headless_presale.cli.priority import AUTOGROUP

GIVE_WAY = """
import os, sys
from headless_presale.cli.priority import AUTOGROUP, give_way
give_way(int(sys.argv[1]))
print(os.getpriority(os.PRIO_PROCESS, 0))
print(AUTOGROUP.read_text() if AUTOGROUP.exists() else "")
"""
REPOSITORY = Path(__file__).resolve().parents[3]


def give_way(niceness: int, *, leads_session: bool) -> list[str]:
    """Let a process give way; return how nice it is then, and its session as the kernel tells."""
    told = subprocess.run(
        [sys.executable, "-c", GIVE_WAY, str(niceness)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=leads_session,
        timeout=60,
    )
    return told.stdout.split()


OWN = os.getpriority(os.PRIO_PROCESS, 0)


def test_it_is_nice_and_one_that_need_not_be_stays_as_it_was() -> None:
    assert give_way(10, leads_session=False)[0] == str(max(10, OWN))
    assert give_way(0, leads_session=False)[0] == str(OWN)


def are_sessions_weighed() -> bool:
    """Tell whether this kernel does so, and lets us: then it says how nice our session is."""
    return os.access(AUTOGROUP, os.W_OK) and AUTOGROUP.read_text() != ""


@pytest.mark.skipif(not are_sessions_weighed(), reason="this kernel does not weigh sessions")
def test_a_session_of_its_own_is_nice_as_a_whole_and_one_of_others_is_not() -> None:
    before = AUTOGROUP.read_text()

    assert give_way(10, leads_session=True)[-1] == "10"

    assert AUTOGROUP.read_text() == before
    give_way(10, leads_session=False)
    assert AUTOGROUP.read_text() == before
