"""Ratios of contenders that take turns."""

import pytest

from bench import turns
from bench.report import Target, compare
from bench.turns import Spread, Turn, alternate, ratios, summary


def turn(per_second: float, p50_ms: float = 1.0, cpu_us: float | None = None) -> Turn:
    return Turn(per_second=per_second, p50_ms=p50_ms, p99_ms=2 * p50_ms, cpu_us=cpu_us)


def test_a_ratio_is_taken_within_its_round() -> None:
    # A machine that is three times as fast in the second round: half is half in both.
    assert ratios([100, 300, 150], [200, 600, 200]) == Spread(0.5, 0.5, 0.625)


def test_rounds_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1, 2], [1])


def test_one_round_has_no_quartiles_of_its_own() -> None:
    assert Spread.of([0.4]) == Spread(0.4, 0.4, 0.4)


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    assert Spread.of([1, 2, 3, 4]) == Spread(2.5, 1.75, 3.25)


def test_a_summary_is_the_medians() -> None:
    assert summary([turn(10, 1, 5), turn(30, 9, 7), turn(20, 2, 6)]) == turn(20, 2, 6)
    assert summary([turn(10)]).cpu_us is None


async def test_contenders_take_turns_by_turns_first_and_one_round_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0)
    taken: list[str] = []

    async def take(name: str) -> Turn:
        taken.append(name)
        return turn(len(taken))

    found = await alternate(
        {"ours": lambda: take("ours"), "floor": lambda: take("floor")}, rounds=2
    )

    assert taken == ["ours", "floor", "floor", "ours", "ours", "floor"]
    assert [each.per_second for each in found["ours"]] == [4, 5]
    assert [each.per_second for each in found["floor"]] == [3, 6]


@pytest.mark.parametrize(("ours", "is_met"), [(99.0, False), (100.0, True), (300.0, True)])
def test_a_target_is_of_the_median_ratio(ours: float, is_met: bool) -> None:
    row = compare("case", [turn(ours)], [turn(200)], target=Target(at_least=0.5))
    assert row.is_met is is_met
    assert row.cells()[-3:] == (
        f"{ours / 200:.2f} ({ours / 200:.2f}-{ours / 200:.2f})",
        ">= 0.5",
        "yes" if is_met else "no",
    )


def test_a_target_may_have_two_bounds() -> None:
    within = Target(at_least=0.9, at_most=1.1)
    assert [within.is_met_by(value) for value in (0.89, 0.9, 1.1, 1.11)] == [
        *(False, True, True, False),
    ]
    assert str(within) == "0.9 to 1.1"
