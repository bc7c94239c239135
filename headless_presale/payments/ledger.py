"""The double-entry ledger: append-only bookings that add up to zero.

Accounts, seen from the shop:

- ``GATEWAY``: money the gateways hold for us (asset, debit side).
- ``CUSTOMER_FUNDS``: what buyers paid for things not delivered yet: owed to them (liability).
- ``REFUNDS_PAYABLE``: what was promised back and has not left yet (liability).
- ``FORFEITED_DEPOSITS``: deposits that became ours (income).
"""

from enum import StrEnum
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import UnitOfWork


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
