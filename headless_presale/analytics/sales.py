"""Sales over time: slots and money, from sums that are kept beside the books.

The database writes down each change of what is charted in the transaction that makes it
(``sales_change``); :func:`sum_up` moves those rows into sums by the hour and, for time zones that
need it, by the quarter (``sales_sum``). A chart reads both in one statement, so it is right at any
moment, whether they were moved a second ago or never, and costs what its time is long, not what
was sold in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

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
_NOTHING: Mapping[str, int] = dict.fromkeys(_COLUMNS, 0)
_NAMES = ", ".join(_COLUMNS)
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in _COLUMNS)
_ADDED = ", ".join(f"{name} = s.{name} + excluded.{name}" for name in _COLUMNS)
_NEGATED = ", ".join(f"-{name}" for name in _COLUMNS)
_DIFFERS = " OR ".join(f"sum({name}) <> 0" for name in _COLUMNS)
_HOUR = 60
_QUARTER = 15
_BIN = "date_bin(make_interval(mins => minutes), at, 'epoch')"
_EACH = (
    "LATERAL (VALUES (shop_id), (campaign_id)) AS subject(subject_id), "
    f"(VALUES ({_QUARTER}), ({_HOUR})) AS bins(minutes)"
)

_READ = f"""
SELECT width_bucket(at, $3::timestamptz[]) - 1 AS bucket, currency, {_SUMS}
FROM (
    SELECT at, currency, {_NAMES} FROM sales_sum
    WHERE subject_id = coalesce($2::uuid, $1) AND minutes = $6 AND at >= $4 AND at < $5
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
    INSERT INTO sales_sum AS s (subject_id, minutes, at, currency, {_NAMES})
    SELECT subject_id, minutes, {_BIN}, currency, {_SUMS} FROM moved, {_EACH} GROUP BY 1, 2, 3, 4
    ON CONFLICT (subject_id, minutes, at, currency) DO UPDATE SET {_ADDED}
)
SELECT count(*) AS moved FROM moved
"""
# Of one snapshot: a change commits together with what it is of, so what is booked less what waits
# is what the sums have to be.
_BOOKED = f"""
SELECT shop_id, campaign_id, date_bin('{_QUARTER} minutes', at, 'epoch') AS at, currency, {_SUMS}
FROM (
    SELECT shop_id, campaign_id, at, currency, {_NAMES} FROM sales_booked
    UNION ALL
    SELECT shop_id, campaign_id, at, currency, {_NEGATED} FROM sales_change
) AS every WHERE %s GROUP BY 1, 2, 3, 4
"""
_REBUILD = f"""
INSERT INTO sales_sum (subject_id, minutes, at, currency, {_NAMES})
SELECT subject_id, minutes, {_BIN}, currency, {_SUMS}
FROM ({_BOOKED % "shop_id = $1"}) AS booked, {_EACH}
GROUP BY 1, 2, 3, 4 HAVING {_DIFFERS}
"""
_ONE_AT_A_TIME = UUID(int=0)

DRIFT = f"""
SELECT subject_id || ' ' || at FROM (
    SELECT subject_id, minutes, {_BIN} AS at, currency, {_NAMES}
    FROM ({_BOOKED % "true"}) AS booked, {_EACH}
    UNION ALL SELECT subject_id, minutes, at, currency, {_NEGATED} FROM sales_sum
) AS compared
GROUP BY subject_id, minutes, at, currency HAVING {_DIFFERS}
"""
"""What finds the sums that are not what is booked: a subject's id and the time, as text."""


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
    is_hourly = all(bound.timestamp() % 3600 == 0 for bound in bounds)
    minutes = _HOUR if is_hourly else _QUARTER
    async with unit_of_work() as work:
        if campaign_id is not None:
            await _check_campaign(work, shop.id, campaign_id)
        rows = await work.fetch(_READ, shop.id, campaign_id, bounds, bounds[0], bounds[-1], minutes)
    currencies = sorted({shop.currency, *(row["currency"] for row in rows)})
    found: dict[int, dict[str, Mapping[str, int]]] = {}
    for row in rows:
        found.setdefault(row["bucket"], {})[row["currency"]] = dict(row)
    nothing = _sales_of({}, currencies)
    sales = [
        _sales_of(found[n], currencies) if n in found else nothing for n in range(len(bounds) - 1)
    ]
    buckets = [
        SalesBucket(begins, ends, slots, money)
        for begins, ends, (slots, money) in zip(bounds, bounds[1:], sales, strict=False)
    ]
    whole = {
        currency: {
            name: sum(row[name] for row in rows if row["currency"] == currency) for name in _COLUMNS
        }
        for currency in currencies
    }
    total = SalesBucket(bounds[0], bounds[-1], *_sales_of(whole, currencies))
    return SalesChart(shop.timezone, buckets, total)


async def _check_campaign(work: UnitOfWork, shop_id: UUID, campaign_id: UUID) -> None:
    if not await work.fetchrow(
        "SELECT 1 FROM campaign WHERE id = $1 AND shop_id = $2", campaign_id, shop_id
    ):
        raise CampaignNotFound()


def _sales_of(
    rows: Mapping[str, Mapping[str, int]], currencies: Sequence[str]
) -> tuple[SlotFlow, Mapping[str, MoneyByLeg]]:
    """Return slots and money of the rows of a bucket, by currency; slots over all of them."""
    slots = SlotFlow(**{name: sum(row[name] for row in rows.values()) for name in _SLOTS})
    money = {}
    for currency in currencies:
        row = rows.get(currency, _NOTHING)
        money[currency] = {
            leg: LegMoney(
                Money(row[f"{leg.lower()}_captured"], currency),
                Money(row[f"{leg.lower()}_refunded"], currency),
            )
            for leg in PaymentLeg
        }
    return slots, money


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
        await work.execute("SET LOCAL work_mem = '64MB'")
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
