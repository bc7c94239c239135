"""What buyers were told of their orders, beside what the database has kept of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from headless_presale.audits.findings import Finding, finding_of
from headless_presale.kernel.ids import customer_id_of, reservation_id_of
from headless_presale.orders import RELEASED


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What a buyer was told of an order, and what the buyer had asked with.

    ``numbers`` are the slot numbers by campaign item. A buyer who asked several times under one
    key has been told several times; all of it must be true.
    """

    order_id: UUID
    shop_id: UUID
    email: str
    idempotency_key: str
    total_minor: int
    numbers: Mapping[UUID, Collection[int]]

    @property
    def customer_id(self) -> UUID:
        return customer_id_of(self.shop_id, self.email)


@dataclass(slots=True)
class _Kept:
    """What the database has of an acknowledged order."""

    customer_id: UUID
    total_minor: int
    is_owner: bool
    is_late: bool
    numbers: dict[UUID, set[int]] = field(default_factory=dict)


async def audit_acknowledged(
    connection: asyncpg.Connection, acknowledgements: Collection[Acknowledged]
) -> list[Finding]:
    """Compare what buyers were told with what the database has kept.

    The numbers of an order stay what was told, with one exception: an order whose hold ran out
    and that was paid late may have got others, as many.
    """
    kept = await _find_kept(connection, {told.order_id for told in acknowledgements})
    lost: list[str] = []
    second: list[str] = []
    changed: list[str] = []
    owners: dict[tuple[UUID, int], set[UUID]] = {}
    for told in acknowledgements:
        subject = str(told.order_id)
        order = kept.get(told.order_id)
        if order is None:
            lost.append(subject)
            continue
        if reservation_id_of(told.customer_id, told.idempotency_key) != told.order_id:
            second.append(subject)
        if not _is_as_told(told, order):
            changed.append(subject)
        if order.is_owner and not order.is_late:
            for item_id, numbers in told.numbers.items():
                for number in numbers:
                    owners.setdefault((item_id, number), set()).add(told.order_id)
    shared = [f"{item_id} {number}" for (item_id, number), ids in owners.items() if len(ids) > 1]
    return [
        finding_of("every acknowledged order exists", lost),
        finding_of("a buyer's key stands for one order", second),
        finding_of("an order has the buyer, the total and the numbers that were told", changed),
        finding_of("no number was told to two orders that both own it", sorted(shared)),
    ]


def _is_as_told(told: Acknowledged, order: _Kept) -> bool:
    numbers = {item_id: set(given) for item_id, given in told.numbers.items()}
    if order.is_late:
        has_numbers = _counted(numbers) == _counted(order.numbers)
    else:
        has_numbers = numbers == order.numbers
    return has_numbers and (told.customer_id, told.total_minor) == (
        order.customer_id,
        order.total_minor,
    )


def _counted(numbers: Mapping[UUID, set[int]]) -> dict[UUID, int]:
    return {item_id: len(given) for item_id, given in numbers.items()}


async def _find_kept(
    connection: asyncpg.Connection, order_ids: Collection[UUID]
) -> dict[UUID, _Kept]:
    rows = await connection.fetch(
        "SELECT o.id, o.customer_id, o.total_minor, o.status, l.item_id, named.n::int AS number, "
        "  EXISTS (SELECT 1 FROM event e WHERE e.topic = 'order:' || o.id "
        "    AND e.type = 'order.confirmed' AND (e.payload ->> 'is_late')::boolean) AS is_late "
        "FROM sales_order o LEFT JOIN order_line l ON l.order_id = o.id "
        "LEFT JOIN LATERAL jsonb_array_elements_text(l.numbers) AS named(n) ON true "
        "WHERE o.id = ANY($1::uuid[])",
        list(order_ids),
    )
    kept: dict[UUID, _Kept] = {}
    for row in rows:
        order = kept.setdefault(
            row["id"],
            _Kept(
                customer_id=row["customer_id"],
                total_minor=row["total_minor"],
                is_owner=row["status"] not in RELEASED,
                is_late=row["is_late"],
            ),
        )
        if row["number"] is not None:
            order.numbers.setdefault(row["item_id"], set()).add(row["number"])
    return kept
