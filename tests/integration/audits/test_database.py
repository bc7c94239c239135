"""Each audit of the database holds on a played-through shop and sees the damage it is there for."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.audits import DATABASE_AUDITS, audit_database
from headless_presale.campaigns import cancel_campaign
from headless_presale.kernel.clock import ManualClock
from tests.integration.audits.conftest import PlayedShop
from tests.support.money import work_off


async def broken(admin: asyncpg.Connection) -> set[str]:
    """Return the sentences that do not hold."""
    return {finding.sentence for finding in await audit_database(admin) if not finding.holds}


async def test_a_played_through_shop_passes_every_audit(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    assert await broken(database_admin) == set()


async def test_a_campaign_that_is_being_called_off_passes_every_audit(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    await cancel_campaign(played.sale.campaign.id, reason="the plant burned down")
    assert await broken(database_admin) == set()

    await work_off(database_admin, "orders", "payments")

    assert await broken(database_admin) == set()


async def test_jobs_that_were_forgotten_after_hours_break_nothing(
    played: PlayedShop, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    await work_off(database_admin, "payments")
    await database_admin.execute("DELETE FROM procrastinate_jobs WHERE status = 'succeeded'")
    called_off = "a payment that was called off has a job that tells its gateway"
    assert await broken(database_admin) == {called_off}

    clock.advance(timedelta(hours=6))

    assert await broken(database_admin) == set()


def of(name: str) -> str:
    """Return the SQL for the id of an order."""
    return f"(SELECT id FROM sales_order WHERE buyer ->> 'email' = '{name}@example.com')"


def customer_of(name: str) -> str:
    """Return the SQL for the customer of an order."""
    return of(name).replace("id", "customer_id", 1)


def add_payment(status: str) -> tuple[str, ...]:
    """Return what adds a payment of the order ``last``, opened by a key."""
    return (
        f"INSERT INTO payment SELECT gen_random_uuid(), o.id, 'DEPOSIT', 'sandbox', '{status}', "
        "100, 'CNY', NULL, NULL, '', now(), NULL, o.shop_id FROM sales_order o "
        f"WHERE o.id = {of('last')}",
        "INSERT INTO payment_key (id, request_hash, payment_id, created_at) SELECT "
        f"gen_random_uuid(), '', id, now() FROM payment WHERE order_id = {of('last')}",
    )


def add_job(task: str, **args: str) -> tuple[str, ...]:
    """Return what adds a waiting job with one argument, the SQL of its value."""
    ((name, value),) = args.items()
    return (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
        f"SELECT 'default', '{task}', jsonb_build_object('{name}', {value})",
    )


def book(order: str, debit: str, credit: str | None) -> tuple[str, ...]:
    """Return what books 0.05 on an order, past the database's own checks."""
    sides = [f"('{debit}', 5)", *([f"('{credit}', -5)"] if credit else [])]
    return (
        "SET session_replication_role = replica",
        "INSERT INTO ledger_transaction SELECT gen_random_uuid(), 'test', 'test:1', o.id, now(), "
        f"o.shop_id FROM sales_order o WHERE o.id = {of(order)}",
        "INSERT INTO ledger_entry (account, amount_minor, currency, transaction_id) "
        f"SELECT a, m, 'CNY', id FROM ledger_transaction, (VALUES {', '.join(sides)}) AS v(a, m) "
        "WHERE source = 'test:1'",
        "SET session_replication_role = DEFAULT",
    )


DAMAGE: dict[str, list[tuple[str, ...]]] = {
    "a pool has exactly as many slots as its capacity says": [
        ("UPDATE slot_pool SET capacity = capacity - 1",),
        ("DELETE FROM slot WHERE order_id IS NULL",),
    ],
    "production batches tile the numbers without gap or overlap, and every slot lies in one": [
        ("UPDATE production_batch SET last_number = last_number - 1",),
        ("UPDATE production_batch SET first_number = 2",),
        *(
            (
                "INSERT INTO production_batch "
                "(id, item_id, position, first_number, last_number, ships_by) "
                f"SELECT gen_random_uuid(), item_id, 1, last_number + {step}, last_number + 5, "
                "ships_by FROM production_batch",
            )
            for step in (0, 2)
        ),
    ],
    "an order owns as many slots as it ordered while it holds or claims them, and none after": [
        (
            f"UPDATE slot SET order_id = {of('gone')} WHERE number = "
            "(SELECT min(number) FROM slot WHERE order_id IS NULL)",
            "UPDATE customer_quota SET taken = taken + 1 "
            f"WHERE customer_id = {customer_of('gone')}",
        ),
    ],
    "an order owns the very numbers its lines name": [
        (f"UPDATE order_line SET numbers = '[9, 10]' WHERE order_id = {of('paid')}",),
    ],
    "no slot belongs to an order that does not exist": [
        (
            f"UPDATE slot SET order_id = '{uuid4()}' WHERE number = "
            "(SELECT min(number) FROM slot WHERE order_id IS NULL)",
        ),
    ],
    "a customer's quota equals what the customer owns": [
        (f"UPDATE customer_quota SET taken = taken + 1 WHERE customer_id = {customer_of('paid')}",),
    ],
    "no customer owns more than the limit": [
        ("UPDATE slot_pool SET limit_per_customer = 2",),
    ],
    "deposit and balance add up to the total, and the total to its lines": [
        ("UPDATE order_line SET unit_price_minor = unit_price_minor + 1",),
    ],
    "every booking is balanced": [book("paid", "GATEWAY", None)],
    "refunds never exceed what was captured": [
        (
            "INSERT INTO refund SELECT gen_random_uuid(), 'SUCCEEDED', amount_minor + 1, 'CNY', "
            "'x', NULL, now(), NULL, 0, id FROM payment "
            f"WHERE order_id = {of('paid')}",
        ),
    ],
    "an order that counts as paid has the captured payments for it": [
        (f"UPDATE sales_order SET status = 'DEPOSIT_PAID' WHERE id = {of('last')}",),
        (f"UPDATE sales_order SET status = 'PAID' WHERE id = {of('last')}",),
    ],
    "money of an order that is over is refunded or kept, never forgotten": [
        book("gone", "GATEWAY", "CUSTOMER_FUNDS"),
    ],
    "an order whose hold ran out keeps no money": [
        ("UPDATE refund SET amount_minor = amount_minor - 1 WHERE reason = 'late_payment'",),
    ],
    "each payment of an order that was ended is refunded or kept, to the last cent": [
        ("UPDATE refund SET amount_minor = amount_minor - 1 WHERE reason = 'order_cancelled'",),
    ],
    "no order keeps what its plan and its policy give back": [
        (
            "UPDATE sales_order SET cancel_policy = jsonb_set(cancel_policy, "
            "'{deposit_paid,refund_deposit_bps}', '6000')",
        ),
        (
            "UPDATE sales_order SET status = 'FORFEITED', payment_plan = payment_plan || "
            f"""'{{"missed_balance": "REFUND"}}' WHERE id = {of("half")}""",
        ),
    ],
    "what a merchant decided to give back is owed to the last cent, and nothing besides": [
        ("UPDATE refund SET amount_minor = amount_minor - 1 WHERE reason LIKE 'merchant:%'",),
        ("DELETE FROM merchant_refund",),
    ],
    "a leg that was paid more than once keeps one payment": [
        ("UPDATE refund SET amount_minor = amount_minor - 1 WHERE reason = 'paid_twice'",),
    ],
    "every payment has a key that opened it, and every key its payment": [
        (
            "DELETE FROM payment_key WHERE payment_id IN "
            f"(SELECT id FROM payment WHERE order_id = {of('paid')})",
        ),
        (
            "SET session_replication_role = replica",
            "INSERT INTO payment_key (id, request_hash, payment_id, created_at) "
            "VALUES (gen_random_uuid(), '', gen_random_uuid(), now())",
            "SET session_replication_role = DEFAULT",
        ),
    ],
    "every captured payment is booked, once": [add_payment("CAPTURED")],
    "no payment differs from what was asked for": [add_payment("MISMATCHED")],
    "a refund that is owed has a job that asks for it, or has been asked for": [
        ("DELETE FROM procrastinate_jobs WHERE task_name = 'payments:submit_refund'",),
    ],
    "a message that is written has a job that sends it": [
        ("DELETE FROM procrastinate_jobs WHERE task_name = 'notifications:send_message'",),
    ],
    "a payment that was called off has a job that tells its gateway": [
        ("DELETE FROM procrastinate_jobs WHERE task_name = 'payments:cancel_intent'",),
    ],
    "a cancelled campaign whose orders are not over has a job that ends them": [
        ("UPDATE campaign SET status = 'CANCELLED'",),
        (
            "UPDATE campaign SET status = 'CANCELLED'",
            *add_job("orders:cancel_campaign", campaign_id="(SELECT id::text FROM campaign)"),
            "UPDATE procrastinate_jobs SET status = 'failed' "
            "WHERE task_name = 'orders:cancel_campaign'",
        ),
    ],
    "no job waits on account of a change that was never made": [
        add_job("payments:submit_refund", refund_id="gen_random_uuid()"),
        add_job("payments:cancel_intent", payment_id="gen_random_uuid()"),
        add_job(
            "payments:cancel_intent",
            payment_id=f"(SELECT id FROM payment WHERE order_id = {of('open')})",
        ),
        add_job("notifications:send_message", message_id="gen_random_uuid()"),
        add_job("notifications:send_messages", message_ids="jsonb_build_array(gen_random_uuid())"),
        add_job("orders:cancel_campaign", campaign_id="(SELECT id FROM campaign)"),
    ],
    "every order has its first event": [
        (f"DELETE FROM event WHERE type = 'order.placed' AND topic = 'order:' || {of('last')}",),
    ],
    "the sums of charts, and what waits to be summed up, are what is booked": [
        ("DELETE FROM sales_change WHERE id = (SELECT min(id) FROM sales_change)",),
        ("UPDATE sales_change SET at = at + interval '1 day' WHERE sold > 0",),
        ("UPDATE sales_change SET deposit_captured = 1 WHERE deposit_captured > 0",),
        ("UPDATE sales_change SET currency = 'EUR'",),
    ],
}


def test_every_audit_has_a_damage_that_proves_it() -> None:
    assert DAMAGE.keys() == DATABASE_AUDITS.keys()


@pytest.mark.parametrize(
    ("sentence", "damage"),
    [(sentence, damage) for sentence, ways in DAMAGE.items() for damage in ways],
)
async def test_an_audit_and_no_other_sees_its_damage(
    played: PlayedShop,
    database_admin: asyncpg.Connection,
    sentence: str,
    damage: tuple[str, ...],
) -> None:
    for statement in damage:
        await database_admin.execute(statement)

    assert await broken(database_admin) == {sentence}
