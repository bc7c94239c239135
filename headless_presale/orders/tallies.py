"""How far campaigns have sold: counted by their orders, never by their slots.

A pool may have a million slots. What is held and sold follows from the orders that hold and claim
them, by the index that charts of a campaign read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.orders.states import CLAIMING, HOLDING

_HELD = sorted(HOLDING)
_SOLD = sorted(CLAIMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What orders have of a campaign, or of one of its items.

    Attributes:
        sold: slots that somebody has paid for, at least in part.
        held: slots that wait for a first payment.
        orders: orders of both kinds.
    """

    sold: int = 0
    held: int = 0
    orders: int = 0


BY_CAMPAIGN = """
SELECT campaign_id AS id,
       coalesce(sum(quantity) FILTER (WHERE status = ANY($2::text[])), 0)::bigint AS sold,
       coalesce(sum(quantity) FILTER (WHERE status = ANY($3::text[])), 0)::bigint AS held,
       count(*) AS orders
FROM sales_order
WHERE campaign_id = ANY($1::uuid[]) AND status = ANY($2::text[] || $3::text[])
GROUP BY campaign_id
"""

BY_ITEM = """
SELECT l.item_id AS id,
       coalesce(sum(l.quantity) FILTER (WHERE o.status = ANY($2::text[])), 0)::bigint AS sold,
       coalesce(sum(l.quantity) FILTER (WHERE o.status = ANY($3::text[])), 0)::bigint AS held,
       count(*) AS orders
FROM order_line l JOIN sales_order o ON o.id = l.order_id
WHERE l.item_id = ANY($1::uuid[]) AND o.status = ANY($2::text[] || $3::text[])
GROUP BY l.item_id
"""


async def tally_campaigns(campaign_ids: Sequence[UUID]) -> Mapping[UUID, Tally]:
    """Return what orders have of each campaign, in one statement."""
    return await _tally(BY_CAMPAIGN, campaign_ids)


async def tally_items(item_ids: Sequence[UUID]) -> Mapping[UUID, Tally]:
    """Return what orders have of each item, in one statement."""
    return await _tally(BY_ITEM, item_ids)


@shielded
async def _tally(sql: str, ids: Collection[UUID]) -> Mapping[UUID, Tally]:
    async with unit_of_work() as work:
        rows = await work.fetch(sql, list(ids), _SOLD, _HELD)
    found = {
        row["id"]: Tally(sold=row["sold"], held=row["held"], orders=row["orders"]) for row in rows
    }
    return {id_: found.get(id_, Tally()) for id_ in ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRefund:
    """What goes back of one leg: so many payments, so much in all."""

    leg: str
    currency: str
    payments: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPreview:
    """What calling a campaign off does to its orders, as of one moment.

    Attributes:
        orders: orders that will be cancelled, those that only hold slots included.
        held_orders, held_slots: of these, what waits for a first payment and is dropped.
        refunds: what was paid and has not gone back yet, by leg and currency.
    """

    orders: int
    held_orders: int
    held_slots: int
    refunds: tuple[LegRefund, ...] = ()

    @property
    def refund_minor(self) -> int:
        """All refunds together; a campaign sells in one currency."""
        return sum(refund.amount_minor for refund in self.refunds)


_REFUNDS = """
SELECT p.leg, p.currency, count(*) AS payments,
       sum(p.amount_minor - coalesce(r.back, 0))::bigint AS amount_minor
FROM sales_order o
JOIN payment p ON p.order_id = o.id AND p.status = 'CAPTURED'
LEFT JOIN (SELECT payment_id, sum(amount_minor) AS back FROM refund GROUP BY payment_id) r
       ON r.payment_id = p.id
WHERE o.campaign_id = $1 AND o.status = ANY($2::text[]) AND p.amount_minor > coalesce(r.back, 0)
GROUP BY p.leg, p.currency ORDER BY p.leg, p.currency
"""


@shielded
async def preview_cancellation(campaign_id: UUID) -> CancelPreview:
    """Return what calling the campaign off would do now."""
    async with unit_of_work() as work:
        return await read_cancel_preview(work, campaign_id)


async def read_cancel_preview(work: UnitOfWork, campaign_id: UUID) -> CancelPreview:
    """Return the preview as this transaction sees it."""
    counts = await work.fetchrow(
        "SELECT count(*) AS orders, "
        "count(*) FILTER (WHERE status = ANY($3::text[])) AS held_orders, "
        "coalesce(sum(quantity) FILTER (WHERE status = ANY($3::text[])), 0)::bigint AS held_slots "
        "FROM sales_order WHERE campaign_id = $1 AND status = ANY($2::text[] || $3::text[])",
        campaign_id,
        _SOLD,
        _HELD,
    )
    assert counts is not None
    refunds = await work.fetch(_REFUNDS, campaign_id, _SOLD)
    return CancelPreview(**dict(counts), refunds=tuple(LegRefund(**dict(row)) for row in refunds))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePreview:
    """What closing a campaign early leaves as it is, as of one moment.

    Attributes:
        held_orders, held_slots: can still be paid until their holds run out.
        unpaid_balances, unpaid_balance_minor: deposits whose balance is asked for as agreed.
    """

    held_orders: int
    held_slots: int
    unpaid_balances: int
    unpaid_balance_minor: int


@shielded
async def preview_close(campaign_id: UUID) -> ClosePreview:
    """Return what stays open when the campaign closes now."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT count(*) FILTER (WHERE status = ANY($2::text[])) AS held_orders, "
            "coalesce(sum(quantity) FILTER (WHERE status = ANY($2::text[])), 0)::bigint "
            "  AS held_slots, "
            "count(*) FILTER (WHERE status = ANY($3::text[])) AS unpaid_balances, "
            "coalesce(sum(balance_minor) FILTER (WHERE status = ANY($3::text[])), 0)::bigint "
            "  AS unpaid_balance_minor "
            "FROM sales_order WHERE campaign_id = $1 AND status = ANY($2::text[] || $3::text[])",
            campaign_id,
            _HELD,
            ["AWAITING_BALANCE", "DEPOSIT_PAID"],
        )
    assert row is not None
    return ClosePreview(**dict(row))
