"""Each audit passes on a played-through shop, and each one sees the damage it is there for."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.audits import DATABASE_AUDITS, audit_database, audit_redis
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import cancel_order, sweep_orders
from headless_presale.slots.admission import keys_of
from tests.support.shop import Sale, deposit_plan, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def broken(admin: asyncpg.Connection) -> set[str]:
    """Return the sentences that do not hold."""
    return {finding.sentence for finding in await audit_database(admin) if not finding.holds}


@pytest.fixture
async def sale(clock: ManualClock) -> Sale:
    """Sell ten slots to some, cancel one, let one expire."""
    sale = await open_sale(
        capacity=10, limit=3, payment_plan=deposit_plan(clock.now() + timedelta(days=7))
    )
    await place_order(order_for(sale, email="expires@example.com"))
    clock.advance(timedelta(minutes=10))
    kept = await place_order(order_for(sale, email="keeps@example.com", quantity=2))
    gone = await place_order(order_for(sale, email="cancels@example.com"))
    assert len(kept.lines[0].numbers) == 2
    await cancel_order(gone.id, reason="changed my mind")
    clock.advance(timedelta(minutes=6))
    await sweep_orders()
    await drain()
    return sale


async def test_a_played_through_shop_passes_every_audit(
    sale: Sale, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    assert await broken(database_admin) == set()
    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]


DAMAGE = {
    "a pool has exactly the slots 1 to its capacity, so sold and held never exceed it": (
        "INSERT INTO slot SELECT id, capacity + 1 FROM slot_pool",
    ),
    "production batches cover the capacity of their pool without a gap": (
        "UPDATE production_batch SET last_number = last_number - 1",
    ),
    "an order owns as many slots as it ordered while it holds or claims them, and none after": (
        "UPDATE slot SET order_id = NULL WHERE order_id IS NOT NULL",
    ),
    "an order owns the very numbers its lines name": (
        "UPDATE order_line SET numbers = '[9, 10]' WHERE quantity = 2",
    ),
    "no slot belongs to an order that does not exist": (
        f"UPDATE slot SET order_id = '{uuid4()}' WHERE number = 10",
    ),
    "a customer's quota equals what the customer owns": (
        "UPDATE customer_quota SET taken = taken + 1",
    ),
    "no customer owns more than the limit": ("UPDATE slot_pool SET limit_per_customer = 1",),
    "deposit and balance add up to the total, and the total to its lines": (
        "UPDATE order_line SET unit_price_minor = unit_price_minor + 1",
    ),
    "every booking is balanced": (
        "SET session_replication_role = replica",
        "INSERT INTO ledger_transaction SELECT gen_random_uuid(), 'test', 'test:1', o.id, now(), "
        "o.shop_id FROM sales_order o LIMIT 1",
        "INSERT INTO ledger_entry (account, amount_minor, currency, transaction_id) "
        "SELECT 'GATEWAY', 5, 'CNY', id FROM ledger_transaction",
        "SET session_replication_role = DEFAULT",
    ),
    "refunds never exceed what was captured": (
        "INSERT INTO payment SELECT gen_random_uuid(), o.id, 'DEPOSIT', 'sandbox', 'PENDING', 100, "
        "'CNY', 'pi', NULL, '', now(), NULL, o.shop_id FROM sales_order o LIMIT 1",
        "INSERT INTO refund SELECT gen_random_uuid(), 'SUCCEEDED', 101, 'CNY', 'x', NULL, now(), "
        "NULL, 0, id FROM payment",
    ),
    "an order that counts as paid has the captured payments for it": (
        "UPDATE sales_order SET status = 'PAID' WHERE status = 'AWAITING_DEPOSIT'",
    ),
    "money of an order that is over is refunded or kept, never forgotten": (
        "INSERT INTO ledger_transaction SELECT gen_random_uuid(), 'test', 'test:1', o.id, now(), "
        "o.shop_id FROM sales_order o WHERE status = 'CANCELLED'",
        "INSERT INTO ledger_entry (account, amount_minor, currency, transaction_id) "
        "SELECT a, m, 'CNY', id FROM ledger_transaction, "
        "(VALUES ('GATEWAY', 5), ('CUSTOMER_FUNDS', -5)) AS v(a, m)",
    ),
    "every captured payment is booked, once": (
        "INSERT INTO payment SELECT gen_random_uuid(), o.id, 'DEPOSIT', 'sandbox', 'CAPTURED', "
        "100, 'CNY', 'pi', NULL, '', now(), NULL, o.shop_id FROM sales_order o LIMIT 1",
    ),
    "no payment differs from what was asked for": (
        "INSERT INTO payment SELECT gen_random_uuid(), o.id, 'DEPOSIT', 'sandbox', 'MISMATCHED', "
        "100, 'CNY', 'pi', NULL, '', now(), NULL, o.shop_id FROM sales_order o LIMIT 1",
    ),
    "a refund that is owed has a job that asks for it, or has been asked for": (
        "INSERT INTO payment SELECT gen_random_uuid(), o.id, 'DEPOSIT', 'sandbox', 'CAPTURED', "
        "100, 'CNY', 'pi', NULL, '', now(), NULL, o.shop_id FROM sales_order o LIMIT 1",
        "INSERT INTO refund SELECT gen_random_uuid(), 'REQUESTED', 1, 'CNY', 'x', NULL, now(), "
        "NULL, 0, id FROM payment",
    ),
    "a message that is written has a job that sends it": (
        "INSERT INTO message (id, kind, subject_id, recipient, locale, context, created_at, "
        "failure) VALUES (gen_random_uuid(), 'k', gen_random_uuid(), 'a@b.c', 'en', '{}', now(), "
        "'')",
    ),
    "every order has its first event": ("DELETE FROM event WHERE type = 'order.placed'",),
}


def test_every_audit_has_a_damage_that_proves_it() -> None:
    assert DAMAGE.keys() == DATABASE_AUDITS.keys()


@pytest.mark.parametrize("sentence", DATABASE_AUDITS)
async def test_an_audit_sees_its_damage(
    sale: Sale, database_admin: asyncpg.Connection, sentence: str
) -> None:
    for statement in DAMAGE[sentence]:
        await database_admin.execute(statement)

    assert sentence in await broken(database_admin)


async def test_numbers_that_redis_offers_wrongly_or_withholds_are_seen(
    sale: Sale, database_admin: asyncpg.Connection, redis: Redis
) -> None:
    keys = keys_of(sale.pool_id)
    owned = await database_admin.fetchval("SELECT min(number) FROM slot WHERE order_id IS NOT NULL")
    await redis.zadd(keys["free"], {str(owned): owned})
    await redis.hset(keys["meta"], "next", "10")

    offered, withheld = await audit_redis(database_admin, redis)

    assert offered.broken == (f"{sale.pool_id} {owned}",)
    assert [subject.split()[1] for subject in withheld.broken] == [
        str(number) for number in range(5, 10)
    ]
