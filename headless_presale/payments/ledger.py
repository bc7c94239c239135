"""The double-entry ledger: append-only bookings that add up to zero.

Accounts, seen from the shop:

- ``GATEWAY``: money the gateways hold for us (asset, debit side).
- ``CUSTOMER_FUNDS``: what buyers paid for things not delivered yet: owed to them (liability).
- ``REFUNDS_PAYABLE``: what was promised back and has not left yet (liability).
- ``FORFEITED_DEPOSITS``: deposits that became ours (income).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


class Account(StrEnum):
    """Where money is booked."""

    GATEWAY = "GATEWAY"
    CUSTOMER_FUNDS = "CUSTOMER_FUNDS"
    REFUNDS_PAYABLE = "REFUNDS_PAYABLE"
    FORFEITED_DEPOSITS = "FORFEITED_DEPOSITS"


async def book(
    work: UnitOfWork,
    *,
    shop_id: UUID,
    order_id: UUID,
    kind: str,
    source: str,
    debit: Account,
    credit: Account,
    amount: Money,
) -> bool:
    """Book an amount from ``credit`` to ``debit``; return False if this source is booked already.

    Args:
        source: what caused it, e.g. ``capture:<payment id>``; one booking per source, ever.
    """
    row = await work.fetchrow(
        "INSERT INTO ledger_transaction (id, shop_id, kind, source, order_id, booked_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source) DO NOTHING RETURNING id",
        new_id(),
        shop_id,
        kind,
        source,
        order_id,
        clock.now(),
    )
    if row is None:
        return False
    reach("ledger.transaction_written")
    await work.execute(
        "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
        "VALUES ($1, $2, $4, $5), ($1, $3, -$4::bigint, $5)",
        row["id"],
        debit,
        credit,
        amount.amount_minor,
        amount.currency,
    )
    reach("ledger.booked")
    return True


async def balances_of(work: UnitOfWork, order_id: UUID) -> dict[Account, int]:
    """Return each account's balance over one order, in minor units; debits are positive."""
    rows = await work.fetch(
        "SELECT account, sum(amount_minor)::bigint AS balance FROM ledger_entry "
        "WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE order_id = $1) "
        "GROUP BY account",
        order_id,
    )
    return {Account(row["account"]): row["balance"] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An amount that was booked from ``credit`` to ``debit``."""

    order_id: UUID
    kind: str
    booked_at: datetime
    debit: Account
    credit: Account
    amount: Money


@shielded
async def list_bookings(order_ids: Collection[UUID]) -> list[Booking]:
    """Return what was booked on these orders, oldest first."""
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT t.order_id, t.kind, t.booked_at, d.account AS debit, c.account AS credit, "
            "d.amount_minor, d.currency FROM ledger_transaction t "
            "JOIN ledger_entry d ON d.transaction_id = t.id AND d.amount_minor > 0 "
            "JOIN ledger_entry c ON c.transaction_id = t.id AND c.amount_minor < 0 "
            "WHERE t.order_id = ANY($1::uuid[]) ORDER BY t.booked_at, t.id",
            list(order_ids),
        )
    return [
        Booking(
            order_id=row["order_id"],
            kind=row["kind"],
            booked_at=row["booked_at"],
            debit=Account(row["debit"]),
            credit=Account(row["credit"]),
            amount=Money(row["amount_minor"], row["currency"]),
        )
        for row in rows
    ]
