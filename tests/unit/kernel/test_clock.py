"""The clock: one for everybody, replaced for a while, never running back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from headless_presale.kernel import clock
from headless_presale.kernel.clock import ManualClock, use_clock

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    before = datetime.now(UTC)

    at = clock.now()

    assert at.tzinfo is UTC
    assert before <= at <= datetime.now(UTC)


def test_a_clock_in_place_is_everybodys_until_the_block_ends() -> None:
    with use_clock(ManualClock(NOON)) as outer:
        assert clock.now() == NOON
        with use_clock(ManualClock(NOON + timedelta(days=1))):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == outer.now() == NOON
    assert clock.now() != NOON


def test_the_clock_comes_back_after_an_error() -> None:
    with pytest.raises(LookupError), use_clock(ManualClock(NOON)):
        raise LookupError
    assert clock.now() != NOON


def test_a_manual_clock_moves_forward_only() -> None:
    manual = ManualClock(datetime(2026, 3, 1, 20, 0, tzinfo=timezone(timedelta(hours=8))))
    assert manual.now() == NOON
    assert manual.now().tzinfo is UTC

    manual.advance(timedelta(microseconds=1))
    manual.move_to(NOON + timedelta(hours=1))

    assert manual.now() == NOON + timedelta(hours=1)
    with pytest.raises(ValueError, match="only moves forward"):
        manual.move_to(NOON)
    assert manual.now() == NOON + timedelta(hours=1)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 3, 1))
