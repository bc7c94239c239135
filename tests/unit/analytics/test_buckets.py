"""Where hours, days and weeks of a time zone begin, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.analytics import MOST_BUCKETS, SalesInterval
from headless_presale.analytics.rules import bucket_bounds
from headless_presale.kernel.errors import InvalidInput

HOUR, DAY, WEEK = SalesInterval.HOUR, SalesInterval.DAY, SalesInterval.WEEK


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bounds(zone: str, begins: str, ends: str, by: SalesInterval) -> list[str]:
    found = bucket_bounds(at(begins), at(ends), by, ZoneInfo(zone))
    assert all(bound.utcoffset() == timedelta(0) for bound in found)
    return [f"{bound:%m-%dT%H:%M}" for bound in found]


def hours(zone: str, begins: str, ends: str, by: SalesInterval) -> list[float]:
    found = bucket_bounds(at(begins), at(ends), by, ZoneInfo(zone))
    return [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(found)]


def test_a_day_is_the_shops_day() -> None:
    # 1 March in Shanghai begins at 16:00 UTC of 28 February.
    assert bounds("Asia/Shanghai", "2026-03-01T00:00", "2026-03-02T00:00", DAY) == [
        "02-28T16:00",
        "03-01T16:00",
        "03-02T16:00",
    ]


def test_days_have_as_many_hours_as_the_clocks_give_them() -> None:
    # The clocks of Paris go forward on 29 March 2026 and back on 25 October.
    assert hours("Europe/Paris", "2026-03-27T23:00", "2026-03-30T22:00", DAY) == [24, 23, 24]
    assert hours("Europe/Paris", "2026-10-23T22:00", "2026-10-26T23:00", DAY) == [24, 25, 24]
    assert hours("Europe/Paris", "2026-03-22T23:00", "2026-03-29T22:00", WEEK) == [167]


def test_an_hour_that_comes_twice_is_two_buckets() -> None:
    # 02:00 to 03:00 in Paris, twice: at 00:00 and at 01:00 UTC.
    assert bounds("Europe/Paris", "2026-10-25T00:00", "2026-10-25T02:00", HOUR) == [
        "10-25T00:00",
        "10-25T01:00",
        "10-25T02:00",
    ]


def test_hours_and_days_of_zones_beside_the_full_hour() -> None:
    assert bounds("Asia/Kathmandu", "2026-03-01T12:00", "2026-03-01T13:00", HOUR) == [
        "03-01T11:15",
        "03-01T12:15",
        "03-01T13:15",
    ]
    assert bounds("Asia/Kolkata", "2026-03-01T12:00", "2026-03-01T13:00", DAY) == [
        "02-28T18:30",
        "03-01T18:30",
    ]


def test_a_day_whose_midnight_does_not_exist_begins_when_the_clock_jumps() -> None:
    # Cairo's clocks went from 23:59:59 to 01:00 in the night to 24 April 2026: 22:00 UTC.
    assert hours("Africa/Cairo", "2026-04-22T22:00", "2026-04-24T21:00", DAY) == [24, 23]


def test_a_clock_that_moves_by_half_an_hour_gives_one_longer_hour() -> None:
    # Lord Howe Island, 5 April 2026: 02:00 becomes 01:30, so the hour from 01:00 has 90 minutes.
    assert hours("Australia/Lord_Howe", "2026-04-04T13:00", "2026-04-04T17:00", HOUR) == [
        1,
        1.5,
        1,
        1,
    ]


def test_a_day_that_was_left_out_is_no_bucket() -> None:
    # Samoa went from 29 to 31 December 2011.
    assert hours("Pacific/Apia", "2011-12-29T10:00", "2011-12-31T10:00", DAY) == [24, 24]


def test_a_week_begins_on_monday_and_buckets_are_whole() -> None:
    # 1 March 2026 is a Sunday.
    assert bounds("UTC", "2026-03-01T23:59", "2026-03-02T00:01", WEEK) == [
        "02-23T00:00",
        "03-02T00:00",
        "03-09T00:00",
    ]
    assert bounds("UTC", "2026-03-01T23:59", "2026-03-02T00:00", WEEK) == [
        "02-23T00:00",
        "03-02T00:00",
    ]


@pytest.mark.parametrize(
    ("begins", "ends", "by", "field"),
    [
        ("2026-03-01T00:00", "2026-03-01T00:00", DAY, "until"),
        ("2026-03-02T00:00", "2026-03-01T00:00", DAY, "until"),
        ("2026-01-01T00:00", "2026-01-17T17:00", HOUR, "until"),
        ("2026-01-01T00:00", "2027-02-06T00:00", DAY, "until"),
        ("0001-01-01T00:00", "9999-12-31T00:00", HOUR, "until"),
        ("9999-12-31T20:00", "9999-12-31T23:00", DAY, "from"),
        ("0001-01-01T00:30", "0001-01-01T01:00", HOUR, "from"),
    ],
)
def test_what_cannot_be_charted_is_refused(
    begins: str, ends: str, by: SalesInterval, field: str
) -> None:
    zone = ZoneInfo("America/New_York" if begins.startswith("0001") else "Asia/Shanghai")
    with pytest.raises(InvalidInput) as refused:
        bucket_bounds(at(begins), at(ends), by, zone)
    assert refused.value.field == (field,)


def test_as_many_buckets_as_allowed_are_allowed() -> None:
    assert len(hours("UTC", "2026-01-01T00:00", "2026-01-17T16:00", HOUR)) == MOST_BUCKETS
    assert len(hours("UTC", "2026-01-01T00:00", "2027-02-05T00:00", DAY)) == MOST_BUCKETS


@given(
    zone=st.sampled_from(
        ["UTC", "Asia/Shanghai", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu"]
    ),
    begins=st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),
    length=st.timedeltas(timedelta(microseconds=1), timedelta(days=16)),
    by=st.sampled_from(SalesInterval),
)
def test_buckets_cover_what_was_asked_and_are_made_of_quarters(
    zone: str, begins: datetime, length: timedelta, by: SalesInterval
) -> None:
    begins = begins.replace(tzinfo=UTC)
    found = bucket_bounds(begins, begins + length, by, ZoneInfo(zone))

    assert found[0] <= begins < found[1]
    assert found[-2] < begins + length <= found[-1]
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(bound.timestamp() % 900 == 0 for bound in found)
