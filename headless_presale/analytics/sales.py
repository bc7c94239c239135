"""Sales over time: slots and money, from sums that are kept beside the books.

The database writes down each change of what is charted in the transaction that makes it
(``sales_change``); :func:`sum_up` moves those rows into sums by quarter of an hour
(``sales_sum``). A chart reads both in one statement, so it is right at any moment, whether they
were moved a second ago or never, and costs what its time is long, not what was sold in it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from headless_presale.analytics.rules import SalesInterval, bucket_bounds
from headless_presale.campaigns import CampaignNotFound
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.money import Money
from headless_presale.kernel.postgres import allow_slow_statements
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.payments import PaymentLeg
from headless_presale.shops import Shop

BATCH = 20_000

_SLOTS = ("held", "sold", "returned", "returned_sold")
_MONEY = tuple(f"{leg.lower()}_{flow}" for leg in PaymentLeg for flow in ("captured", "refunded"))
_COLUMNS = (*_SLOTS, *_MONEY)
_NAMES = ", ".join(_COLUMNS)
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in _COLUMNS)
_ADDED = ", ".join(f"{name} = s.{name} + excluded.{name}" for name in _COLUMNS)
_NEGATED = ", ".join(f"-{name}" for name in _COLUMNS)
_DIFFERS = " OR ".join(f"sum({name}) <> 0" for name in _COLUMNS)
_QUARTER = "date_bin('15 minutes', at, 'epoch')"
_BY_SUBJECT = "LATERAL (VALUES (shop_id), (campaign_id)) AS subject(subject_id)"

_READ = f"""
SELECT width_bucket(at, $3::timestamptz[]) - 1 AS bucket, currency, {_SUMS}
FROM (
    SELECT at, currency, {_NAMES} FROM sales_sum
    WHERE subject_id = coalesce($2::uuid, $1) AND at >= $4 AND at < $5
    UNION ALL
    SELECT at, currency, {_NAMES} FROM sales_change
    WHERE shop_id = $1 AND ($2::uuid IS NULL OR campaign_id = $2) AND at >= $4 AND at < $5
) AS sales
GROUP BY 1, 2
"""
_MOVE = f"""
WITH moved AS (
    DELETE FROM sales_change WHERE id IN (SELECT id FROM sales_change ORDER BY id LIMIT $1)
    RETURNING *
), added AS (
    INSERT INTO sales_sum AS s (subject_id, at, currency, {_NAMES})
    SELECT subject_id, {_QUARTER}, currency, {_SUMS} FROM moved, {_BY_SUBJECT} GROUP BY 1, 2, 3
    ON CONFLICT (subject_id, at, currency) DO UPDATE SET {_ADDED}
)
SELECT count(*) AS moved FROM moved
"""
# Of one snapshot: a change commits together with what it is of, so what is booked less what waits
# is what the sums have to be.
_REBUILD = f"""
INSERT INTO sales_sum (subject_id, at, currency, {_NAMES})
SELECT subject_id, {_QUARTER} AS at, currency, {_SUMS}
FROM (
    SELECT shop_id, campaign_id, at, currency, {_NAMES} FROM sales_booked WHERE shop_id = $1
    UNION ALL
    SELECT shop_id, campaign_id, at, currency, {_NEGATED}
    FROM sales_change WHERE shop_id = $1
) AS booked, {_BY_SUBJECT}
GROUP BY 1, 2, 3 HAVING {_DIFFERS}
"""
_ONE_AT_A_TIME = UUID(int=0)

DRIFT = f"""
SELECT subject_id || ' ' || at FROM (
    SELECT subject_id, {_QUARTER} AS at, currency, {_NAMES} FROM (
        SELECT shop_id, campaign_id, at, currency, {_NAMES} FROM sales_booked
        UNION ALL
        SELECT shop_id, campaign_id, at, currency, {_NEGATED} FROM sales_change
    ) AS booked, {_BY_SUBJECT}
    UNION ALL SELECT subject_id, at, currency, {_NEGATED} FROM sales_sum
) AS compared
GROUP BY subject_id, at, currency HAVING {_DIFFERS}
"""
"""What finds the sums that are not what is booked: a subject's id and the quarter, as text."""


@dataclass(frozen=True, slots=True)
class SlotFlow:
    """What slots did within a time.

    Attributes:
        held: taken by orders that were placed.
        sold: made somebody's own by the first payment.
        returned: given back for good: the hold ran out, or the order ended.
        returned_sold: those of the returned that had been sold.
    """

    held: int = 0
    sold: int = 0
    returned: int = 0
    returned_sold: int = 0


@dataclass(frozen=True, slots=True)
class LegMoney:
    """What gateways took in for a leg and paid back of it, as the ledger has it."""

    captured: Money
    refunded: Money

    @property
    def taken(self) -> Money:
        """What is left; negative where more went back than came in within the time."""
        return self.captured - self.refunded


MoneyByLeg = Mapping[PaymentLeg, LegMoney]


@dataclass(frozen=True, slots=True)
class SalesBucket:
    """Slots and money from one moment to before another, in UTC."""

    begins_at: datetime
    ends_at: datetime
    slots: SlotFlow
    money: Mapping[str, MoneyByLeg]
    """By currency; every bucket of a chart has the same currencies, the shop's among them."""


@dataclass(frozen=True, slots=True)
class SalesChart:
    """The buckets of a time without a gap, and all of them as one."""

    zone: str
    buckets: Sequence[SalesBucket]
    total: SalesBucket


@shielded
async def read_sales(
    shop: Shop,
    *,
    begins_at: datetime,
    ends_at: datetime,
    by: SalesInterval,
    campaign_id: UUID | None = None,
) -> SalesChart:
    """Return the sales of a shop, or of one of its campaigns, in the shop's time zone.

    Raises:
        InvalidInput: the time is empty, or too long for such buckets.
        CampaignNotFound: the shop has no such campaign.
    """
    bounds = bucket_bounds(begins_at, ends_at, by, ZoneInfo(shop.timezone))
    async with unit_of_work() as work:
        if campaign_id is not None:
            await _check_campaign(work, shop.id, campaign_id)
        rows = await work.fetch(_READ, shop.id, campaign_id, bounds, bounds[0], bounds[-1])
    currencies = sorted({shop.currency, *(row["currency"] for row in rows)})
    found = {(row["bucket"], row["currency"]): row for row in rows}
    buckets = [
        _bucket(begins, ends, currencies, {c: [found.get((n, c))] for c in currencies})
        for n, (begins, ends) in enumerate(itertools.pairwise(bounds))
    ]
    by_currency = {c: [row for row in rows if row["currency"] == c] for c in currencies}
    total = _bucket(bounds[0], bounds[-1], currencies, by_currency)
    return SalesChart(shop.timezone, buckets, total)


async def _check_campaign(work: UnitOfWork, shop_id: UUID, campaign_id: UUID) -> None:
    if not await work.fetchrow(
        "SELECT 1 FROM campaign WHERE id = $1 AND shop_id = $2", campaign_id, shop_id
    ):
        raise CampaignNotFound()


def _bucket(
    begins_at: datetime,
    ends_at: datetime,
    currencies: Sequence[str],
    rows: Mapping[str, Sequence[asyncpg.Record | None]],
) -> SalesBucket:
    """Add rows up; their slots over all currencies."""

    def total(name: str, currency: str) -> int:
        return sum(row[name] for row in rows[currency] if row is not None)

    return SalesBucket(
        begins_at,
        ends_at,
        SlotFlow(**{name: sum(total(name, c) for c in currencies) for name in _SLOTS}),
        {
            currency: {
                leg: LegMoney(
                    Money(total(f"{leg.lower()}_captured", currency), currency),
                    Money(total(f"{leg.lower()}_refunded", currency), currency),
                )
                for leg in PaymentLeg
            }
            for currency in currencies
        },
    )


async def sum_up() -> int:
    """Move what has changed into the sums; return how many rows that were. Safe anywhere, anytime.

    A batch is one transaction: killed half way, a change is in the sums or still waits.
    """
    moved = 0
    while batch := await _sum_up_batch():
        moved += batch
        if batch < BATCH:
            break
    return moved


@shielded
async def _sum_up_batch() -> int:
    async with unit_of_work() as work:
        await work.lock("sales", _ONE_AT_A_TIME)
        row = await work.fetchrow(_MOVE, BATCH)
        reach("analytics.sums_moved")
    assert row is not None
    return int(row["moved"])


@shielded
async def rebuild_sales(shop_id: UUID) -> int:
    """Make a shop's sums anew from the books; return how many there are.

    Nothing else has to stand still: what changes meanwhile waits in ``sales_change``. Takes as
    long as the shop's orders are many.
    """
    async with unit_of_work() as work:
        await allow_slow_statements(work.connection, 0)
        await work.lock("sales", _ONE_AT_A_TIME)
        await work.execute(
            "DELETE FROM sales_sum WHERE subject_id = $1 OR subject_id IN "
            "(SELECT id FROM campaign WHERE shop_id = $1)",
            shop_id,
        )
        reach("analytics.sums_removed")
        made = await work.execute(_REBUILD, shop_id)
        reach("analytics.sums_rebuilt")
    return made
