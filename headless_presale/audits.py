"""The invariants as audits: what must hold at any moment, whoever died in between.

Tests, failure runs and ``headless-presale doctor`` ask the same questions. An audit looks and never
changes; each returns the subjects that break its sentence, so an operator knows where to look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.slots.admission import keys_of

MOST_SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One audit's result: nothing is broken where ``broken`` is empty."""

    sentence: str
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.broken


DATABASE_AUDITS: Mapping[str, str] = {
    "a pool has exactly the slots 1 to its capacity, so sold and held never exceed it": """
        SELECT p.id::text FROM slot_pool p LEFT JOIN slot s ON s.pool_id = p.id
        GROUP BY p.id, p.capacity
        HAVING count(s.number) <> p.capacity OR coalesce(max(s.number), 0) <> p.capacity""",
    "production batches cover the capacity of their pool without a gap": """
        SELECT i.id::text FROM campaign_item i JOIN slot_pool p ON p.id = i.pool_id
        LEFT JOIN production_batch b ON b.item_id = i.id
        GROUP BY i.id, p.capacity
        HAVING coalesce(sum(b.last_number - b.first_number + 1), 0) <> p.capacity""",
    "an order owns as many slots as it ordered while it holds or claims them, and none after": """
        SELECT o.id::text FROM sales_order o
        WHERE (SELECT coalesce(sum(l.quantity), 0) FROM order_line l WHERE l.order_id = o.id)
          * (o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED'))::int
          <> (SELECT count(*) FROM slot s WHERE s.order_id = o.id)""",
    "an order owns the very numbers its lines name": """
        SELECT l.order_id::text FROM order_line l JOIN sales_order o ON o.id = l.order_id,
             jsonb_array_elements_text(l.numbers) AS named(n)
        WHERE o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED') AND NOT EXISTS (
            SELECT 1 FROM slot s WHERE s.pool_id = l.pool_id AND s.number = named.n::int
              AND s.order_id = l.order_id)""",
    "no slot belongs to an order that does not exist": """
        SELECT s.order_id::text FROM slot s
        WHERE s.order_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM sales_order o WHERE o.id = s.order_id)""",
    "a customer's quota equals what the customer owns": """
        SELECT coalesce(q.pool_id, owned.pool_id) || ' '
            || coalesce(q.customer_id, owned.customer_id)
        FROM (SELECT * FROM customer_quota WHERE taken > 0) q
        FULL JOIN (
            SELECT s.pool_id, o.customer_id, count(*) AS taken
            FROM slot s JOIN sales_order o ON o.id = s.order_id
            GROUP BY s.pool_id, o.customer_id) owned USING (pool_id, customer_id)
        WHERE coalesce(q.taken, 0) <> coalesce(owned.taken, 0)""",
    "no customer owns more than the limit": """
        SELECT q.pool_id || ' ' || q.customer_id FROM customer_quota q
        JOIN slot_pool p ON p.id = q.pool_id WHERE q.taken > p.limit_per_customer""",
    "deposit and balance add up to the total, and the total to its lines": """
        SELECT o.id::text FROM sales_order o
        WHERE o.deposit_minor + o.balance_minor <> o.total_minor OR o.total_minor <> (
            SELECT coalesce(sum(l.quantity * l.unit_price_minor), 0) FROM order_line l
            WHERE l.order_id = o.id)""",
    "every booking is balanced": """
        SELECT transaction_id::text FROM ledger_entry
        GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0""",
    "refunds never exceed what was captured": """
        SELECT p.id::text FROM payment p JOIN refund r ON r.payment_id = p.id
        GROUP BY p.id, p.amount_minor, p.captured_at
        HAVING sum(r.amount_minor) > p.amount_minor OR p.captured_at IS NULL""",
    "an order that counts as paid has the captured payments for it": """
        SELECT o.id::text FROM sales_order o
        WHERE (o.status = 'PAID' AND o.total_minor <> (
                SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
                WHERE p.order_id = o.id AND p.status = 'CAPTURED' AND NOT EXISTS (
                    SELECT 1 FROM refund r WHERE r.payment_id = p.id)))
           OR (o.status IN ('DEPOSIT_PAID', 'AWAITING_BALANCE') AND o.deposit_minor <> (
                SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
                WHERE p.order_id = o.id AND p.leg = 'DEPOSIT' AND p.status = 'CAPTURED'))""",
    "money of an order that is over is refunded or kept, never forgotten": """
        SELECT o.id::text FROM sales_order o
        JOIN ledger_transaction t ON t.order_id = o.id
        JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'CUSTOMER_FUNDS'
        WHERE o.status IN ('EXPIRED', 'FORFEITED', 'CANCELLED')
        GROUP BY o.id HAVING sum(e.amount_minor) <> 0""",
    "every captured payment is booked, once": """
        SELECT p.id::text FROM payment p WHERE p.status = 'CAPTURED' AND (
            SELECT count(*) FROM ledger_transaction t WHERE t.source = 'capture:' || p.id) <> 1""",
    "no payment differs from what was asked for": """
        SELECT id::text FROM payment WHERE status = 'MISMATCHED' AND captured_at IS NULL""",
    "a refund that is owed has a job that asks for it, or has been asked for": """
        SELECT r.id::text FROM refund r WHERE r.status = 'REQUESTED' AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs j WHERE j.task_name = 'payments:submit_refund'
              AND j.args ->> 'refund_id' = r.id::text)""",
    "a message that is written has a job that sends it": """
        SELECT m.id::text FROM message m WHERE m.sent_at IS NULL AND m.failed_at IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs j WHERE j.task_name = 'notifications:send_message'
              AND j.args ->> 'message_id' = m.id::text)""",
    "every order has its first event": """
        SELECT o.id::text FROM sales_order o WHERE NOT EXISTS (
            SELECT 1 FROM event e WHERE e.topic = 'order:' || o.id AND e.type = 'order.placed')""",
}
"""Sentence -> query for the ids that break it. They hold at every moment, in any snapshot."""


async def audit_database(connection: asyncpg.Connection) -> list[Finding]:
    """Ask every question of one snapshot of the database."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return [
            Finding(
                sentence,
                tuple(row[0] for row in await connection.fetch(f"{query} LIMIT {MOST_SUBJECTS}")),
            )
            for sentence, query in DATABASE_AUDITS.items()
        ]


async def audit_redis(connection: asyncpg.Connection, redis: Redis) -> list[Finding]:
    """Compare Redis with the database. Equal once all is quiet; while orders come in, nearly.

    A pool that Redis does not know breaks nothing: it is loaded when it is asked for.
    """
    offered: list[str] = []
    withheld: list[str] = []
    for pool in await connection.fetch("SELECT id FROM slot_pool WHERE is_open"):
        said = await _said_by(redis, pool["id"])
        if said is None:
            continue
        offers, pending = said
        rows = await connection.fetch(
            "SELECT number FROM slot WHERE pool_id = $1 AND order_id IS NULL", pool["id"]
        )
        free = {row["number"] for row in rows}
        offered += [f"{pool['id']} {number}" for number in sorted(offers - free)]
        withheld += [f"{pool['id']} {number}" for number in sorted(free - offers - pending)]
    return [
        Finding("Redis offers no number that an order owns", tuple(offered[:MOST_SUBJECTS])),
        Finding("Redis withholds no number that is free", tuple(withheld[:MOST_SUBJECTS])),
    ]


async def _said_by(redis: Redis, pool_id: UUID) -> tuple[set[int], set[int]] | None:
    """Return the numbers Redis would give out and those under way; None for an unknown pool."""
    keys = keys_of(pool_id)
    first, capacity = await redis.hmget(keys["meta"], "next", "capacity")
    if first is None or capacity is None:
        return None
    returned = {int(str(number)) for number in await redis.zrange(keys["free"], 0, -1)}
    pending = {
        int(number)
        for entry in await redis.hvals(keys["pending"])
        for number in str(entry).partition("|")[2].split(",")
    }
    return returned | set(range(int(first), int(capacity) + 1)), pending
