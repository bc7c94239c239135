"""The ledger: what the database itself refuses, and what the books say."""

from uuid import UUID

import asyncpg
import pytest

from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.payments import Account, book
from tests.support.money import books_of
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "clock")


@shielded
async def capture(shop_id: UUID, order_id: UUID, source: str, minor: int) -> bool:
    """Book money that came in."""
    async with unit_of_work() as work:
        return await book(
            work,
            shop_id=shop_id,
            order_id=order_id,
            kind="capture",
            source=source,
            debit=Account.GATEWAY,
            credit=Account.CUSTOMER_FUNDS,
            amount=Money(minor, "CNY"),
        )


@pytest.fixture
async def order_id() -> UUID:
    """An order with 100.00 in the books."""
    shop = await make_shop()
    order_id = new_id()
    assert await capture(shop.id, order_id, "capture:1", 10_000)
    return order_id


async def _transaction(connection: asyncpg.Connection, order_id: UUID) -> UUID:
    transaction_id = new_id()
    await connection.execute(
        "INSERT INTO ledger_transaction (id, shop_id, kind, source, order_id, booked_at) "
        "SELECT $1, shop_id, 'by hand', $2, $3, now() FROM ledger_transaction LIMIT 1",
        transaction_id,
        str(transaction_id),
        order_id,
    )
    return transaction_id


async def test_one_cause_is_booked_once(order_id: UUID, database_admin: asyncpg.Connection) -> None:
    shop_id = await database_admin.fetchval("SELECT id FROM shop")

    assert not await capture(shop_id, order_id, "capture:1", 10_000)
    assert await capture(shop_id, order_id, "capture:2", 1)

    assert await books_of(order_id) == {"GATEWAY": 10_001, "CUSTOMER_FUNDS": -10_001}


@pytest.mark.parametrize(
    "entries",
    [
        [("GATEWAY", 100, "CNY")],
        [("GATEWAY", 100, "CNY"), ("CUSTOMER_FUNDS", -99, "CNY")],
        [("GATEWAY", 100, "CNY"), ("CUSTOMER_FUNDS", -100, "USD")],
    ],
    ids=["one side", "a cent short", "two currencies"],
)
async def test_the_database_refuses_what_does_not_balance(
    order_id: UUID, database_admin: asyncpg.Connection, entries: list[tuple[str, int, str]]
) -> None:
    async def book_by_hand() -> None:
        async with database_admin.transaction():
            transaction_id = await _transaction(database_admin, order_id)
            await database_admin.executemany(
                "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
                "VALUES ($1, $2, $3, $4)",
                [(transaction_id, *entry) for entry in entries],
            )

    with pytest.raises(asyncpg.CheckViolationError, match="not balanced"):
        await book_by_hand()

    assert await books_of(order_id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}
    assert await database_admin.fetchval("SELECT count(*) FROM ledger_transaction") == 1


async def test_an_entry_of_nothing_is_refused(
    order_id: UUID, database_admin: asyncpg.Connection
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="ledger_entry_not_zero"):
        await database_admin.execute(
            "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
            "SELECT id, 'GATEWAY', 0, 'CNY' FROM ledger_transaction"
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entry SET amount_minor = amount_minor * 2",
        "UPDATE ledger_entry SET account = 'FORFEITED_DEPOSITS'",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transaction SET kind = 'gift'",
        "DELETE FROM ledger_transaction",
    ],
)
async def test_what_is_booked_stays(
    order_id: UUID, database_admin: asyncpg.Connection, change: str
) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await database_admin.execute(change)

    assert await books_of(order_id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}


async def test_a_booking_goes_with_the_transaction_that_made_it(order_id: UUID) -> None:
    @shielded
    async def book_and_fail() -> None:
        async with unit_of_work() as work:
            await book(
                work,
                shop_id=new_id(),
                order_id=order_id,
                kind="capture",
                source="capture:9",
                debit=Account.GATEWAY,
                credit=Account.CUSTOMER_FUNDS,
                amount=Money(5, "CNY"),
            )

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await book_and_fail()

    assert await books_of(order_id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}
