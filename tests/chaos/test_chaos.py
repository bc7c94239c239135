"""A short storm with every kind of fault: nothing is lost, doubled, oversold or undersold."""

from pathlib import Path

import pytest

from tests.chaos.reading import weather
from tests.chaos.schedule import Kind

SEED = 1
MINUTES = 0.35


@pytest.mark.timeout(330)
def test_the_shop_weathers_a_short_storm(tmp_path: Path) -> None:
    code, report, said = weather(
        tmp_path, "tests.chaos", "--seed", str(SEED), "--minutes", str(MINUTES)
    )

    assert report["violations"] == [], said
    assert code == 0, said
    figures = ("oversold", "lost", "double_effects", "undersell")
    assert {name: report[name] for name in figures} == dict.fromkeys(figures, 0)
    # It was a storm, and a sale: all but the failpoint, which waits for chance, came true.
    assert set(report["faults"]) >= set(Kind) - {Kind.FAILPOINT}
    assert report["acknowledged"] >= 20
    assert report["captured"] >= 5
