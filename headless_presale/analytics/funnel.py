"""The funnel of a campaign: how many saw it, looked, put it into a cart, went to pay.

Counted, not recorded: there is no row of an event and nothing of a person. Each process adds up in
memory what it is told and writes it once a second, in one statement, into one row per campaign and
hour. A busy storefront costs the database what a quiet one does. What is not written, because the
database is away or a process dies, is lost and, where somebody is left to count it, counted in a
metric. Orders are not told of: they are in the books.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from headless_presale.kernel import clock, metrics
from headless_presale.kernel.errors import InvalidInput, Unavailable
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
MOST_WAITING = 5_000
"""How many campaigns one process counts for between two writes; what is beyond is dropped."""
_HOUR = timedelta(hours=1)


class FunnelStep(StrEnum):
    """What a visitor does, in the order in which he does it."""

    EXPOSURE = "EXPOSURE"
    VIEW = "VIEW"
    ADD_TO_CART = "ADD_TO_CART"
    CHECKOUT = "CHECKOUT"


_COLUMNS = {
    FunnelStep.EXPOSURE: "exposures",
    FunnelStep.VIEW: "views",
    FunnelStep.ADD_TO_CART: "adds_to_cart",
    FunnelStep.CHECKOUT: "checkouts",
}
_NAMES = ", ".join(_COLUMNS.values())
_ADDED = ", ".join(f"{name} = f.{name} + excluded.{name}" for name in _COLUMNS.values())
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in _COLUMNS.values())

# Sorted, so that processes which meet on rows queue up. A campaign that nobody may see has none.
_ADD = f"""
INSERT INTO funnel_hour AS f (campaign_id, at, {_NAMES})
SELECT n.campaign_id, n.at, {", ".join(f"n.{name}" for name in _COLUMNS.values())}
FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
     AS n(campaign_id, at, {_NAMES})
JOIN campaign c ON c.id = n.campaign_id AND c.published_at IS NOT NULL
ORDER BY n.campaign_id, n.at
ON CONFLICT (campaign_id, at) DO UPDATE SET {_ADDED}
"""
_READ = f"""
SELECT seen.*, placed.*
FROM (SELECT {_SUMS} FROM funnel_hour WHERE campaign_id = $1 AND at >= $2 AND at < $3) AS seen,
     (SELECT count(*) AS orders, count(sold_at) AS paid FROM sales_order
      WHERE campaign_id = $1 AND placed_at >= $2 AND placed_at < $3) AS placed
"""


class FunnelCounts:
    """What one process has counted and not written yet.

    Args:
        most: for how many campaigns and hours it counts at most.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: dict[tuple[UUID, datetime], Counter[FunnelStep]] = {}

    def add(self, campaign_id: UUID, step: FunnelStep) -> None:
        """Count a step that was made now. Costs no statement."""
        key = (campaign_id, floor_to_hour(clock.now()))
        counts = self._waiting.get(key)
        if counts is None:
            if len(self._waiting) >= self._most:
                metrics.FUNNEL_STEPS_DROPPED.inc()
                return
            counts = self._waiting[key] = Counter()
        counts[step] += 1

    async def flush(self) -> int:
        """Write what waits, in one statement; return how many steps that were.

        While the database is away they are dropped: better too few than some of them twice.
        """
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return 0
        steps = sum(counts.total() for counts in waiting.values())
        try:
            await _write(waiting)
        except Unavailable:
            metrics.FUNNEL_STEPS_DROPPED.inc(steps)
            return 0
        return steps


@shielded
async def _write(waiting: dict[tuple[UUID, datetime], Counter[FunnelStep]]) -> None:
    async with unit_of_work() as work:
        await work.execute(
            _ADD,
            [campaign_id for campaign_id, _ in waiting],
            [at for _, at in waiting],
            *([counts[step] for counts in waiting.values()] for step in _COLUMNS),
        )
        reach("analytics.funnel_counted")


_counts = FunnelCounts()


def count_step(campaign_id: UUID, step: FunnelStep) -> None:
    """Count what a visitor did; written within a second, if nothing goes wrong."""
    _counts.add(campaign_id, step)


async def flush_funnel() -> int:
    """Write what this process has counted; return how many steps that were."""
    return await _counts.flush()


@asynccontextmanager
async def writing_funnel() -> AsyncIterator[None]:
    """Write what is counted each second, and at the end what is left."""
    stop = asyncio.Event()
    task = asyncio.create_task(_keep_writing(stop), name="funnel")
    try:
        yield
    finally:
        stop.set()
        await task


async def _keep_writing(stop: asyncio.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
        await _flush_or_log()
    await _flush_or_log()


async def _flush_or_log() -> None:
    try:
        await flush_funnel()
    except Exception:
        # Nothing that goes wrong here is worth a storefront.
        log.warning("funnel.write_failed", exc_info=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """What was made of a campaign within whole hours.

    Attributes:
        orders: placed within the time, whatever became of them.
        paid: those of them that were paid, the first leg at least, by now.
    """

    begins_at: datetime
    ends_at: datetime
    exposures: int
    views: int
    adds_to_cart: int
    checkouts: int
    orders: int
    paid: int


@shielded
async def read_funnel(campaign_id: UUID, *, begins_at: datetime, ends_at: datetime) -> Funnel:
    """Return the funnel of a campaign: of every hour that the time touches.

    Raises:
        InvalidInput: the time is empty.
    """
    if begins_at >= ends_at:
        raise InvalidInput(reason="the end must be later than the start", field=("until",))
    try:
        first, last = floor_to_hour(begins_at), floor_to_hour(ends_at)
        last = last if last == ends_at else last + _HOUR
    except OverflowError:
        raise InvalidInput(reason="this is not a time to ask for", field=("until",)) from None
    async with unit_of_work() as work:
        row = await work.fetchrow(_READ, campaign_id, first, last)
    assert row is not None
    return Funnel(begins_at=first, ends_at=last, **dict(row))


def floor_to_hour(at: datetime) -> datetime:
    """Return when the hour of a moment began, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
