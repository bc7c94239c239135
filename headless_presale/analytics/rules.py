"""Time in pieces, as people at the shop count it: hours, days and weeks of its time zone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from headless_presale.kernel.errors import InvalidInput

MOST_BUCKETS = 400
"""A year by day, two weeks by hour, seven years by week."""

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class SalesInterval(StrEnum):
    """How long a bucket of a chart is. A week begins on Monday."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"


_LENGTHS: Mapping[SalesInterval, timedelta] = {
    SalesInterval.HOUR: _HOUR,
    SalesInterval.DAY: _DAY,
    SalesInterval.WEEK: 7 * _DAY,
}


def bucket_bounds(
    begins_at: datetime, ends_at: datetime, by: SalesInterval, zone: ZoneInfo
) -> list[datetime]:
    """Return where the buckets of a chart begin, and behind them where the last one ends, in UTC.

    Whole buckets: the first is the one that ``begins_at`` lies in, the last one ends at
    ``ends_at`` or is the one it lies in. A day has 23, 24 or 25 hours, as the clocks go: 29 March
    2026 in Paris is from 23:00 UTC of the day before to 22:00 UTC. Where the clock is turned back
    by an hour, that hour is there twice.

    Raises:
        InvalidInput: the time is empty, or more buckets than ``MOST_BUCKETS``.
    """
    if begins_at >= ends_at:
        raise InvalidInput(reason="the end must be later than the start", field=("until",))
    # Before any is made, so that a span of ages costs nothing.
    if ends_at - begins_at > 2 * MOST_BUCKETS * _LENGTHS[by]:
        raise _too_many()
    try:
        bounds = _cut(begins_at, ends_at, by, zone)
    except OverflowError:
        raise InvalidInput(reason="this is not a time to ask for", field=("from",)) from None
    if len(bounds) - 1 > MOST_BUCKETS:
        raise _too_many()
    return bounds


def _too_many() -> InvalidInput:
    return InvalidInput(
        reason="this would be more than {most} buckets: ask for less time, or for longer ones",
        most=MOST_BUCKETS,
        field=("until",),
    )


def _cut(
    begins_at: datetime, ends_at: datetime, by: SalesInterval, zone: ZoneInfo
) -> list[datetime]:
    if by is SalesInterval.HOUR:
        bounds = [_floor_to_hour(begins_at, zone)]
        while bounds[-1] < ends_at:
            bounds.append(_next_hour(bounds[-1], zone))
        return bounds
    day = begins_at.astimezone(zone).date()
    if by is SalesInterval.WEEK:
        day -= timedelta(days=day.weekday())
    bounds = [_midnight(day, zone)]
    while bounds[-1] < ends_at:
        day += _LENGTHS[by]
        # A day that a time zone left out, as Samoa did, has no length and is no bucket.
        if (midnight := _midnight(day, zone)) > bounds[-1]:
            bounds.append(midnight)
    return bounds


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins; where its first hour is left out, that is when the clock jumps."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _floor_to_hour(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at.astimezone(UTC) - into


def _next_hour(at: datetime, zone: ZoneInfo) -> datetime:
    # Lord Howe Island moves its clocks by half an hour: the hour around that is a longer one.
    later = at + _HOUR
    minute = later.astimezone(zone).minute
    return later + timedelta(minutes=60 - minute) if minute else later
