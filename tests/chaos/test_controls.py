"""Controls: with a part of the product removed the same suite finds what it is there to find.

``python -m tests.chaos.controls guarded`` and ``reconciled`` are the same storms on all of it.
"""

from pathlib import Path

import pytest

from tests.chaos.reading import weather


@pytest.mark.timeout(330)
def test_without_the_guard_in_the_database_the_suite_finds_oversold_slots(tmp_path: Path) -> None:
    code, report, said = weather(tmp_path, "tests.chaos.controls", "unguarded")

    assert code == 1, said
    assert report["oversold"] > 0, said
    broken = {violation["sentence"] for violation in report["violations"]}
    assert "an order owns the very numbers its lines name" in broken


@pytest.mark.timeout(330)
def test_without_the_reconciler_the_suite_finds_slots_nobody_can_buy(tmp_path: Path) -> None:
    code, report, said = weather(tmp_path, "tests.chaos.controls", "unreconciled")

    assert code == 1, said
    assert report["undersell"] > 0, said
    # Nothing worse: numbers that wait for ever harm nobody but the seller.
    assert report["oversold"] == report["lost"] == report["double_effects"] == 0, said
