"""What must hold in the database at any moment, whoever died in between."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg

from headless_presale.analytics import DRIFT
from headless_presale.audits.findings import Finding, ask
from headless_presale.kernel import clock
from headless_presale.kernel.jobs import KEEP_FINISHED_HOURS

DATABASE_AUDITS: Mapping[str, str] = {
    "a pool has exactly as many slots as its capacity says": """
        SELECT p.id::text FROM slot_pool p LEFT JOIN slot s ON s.pool_id = p.id
        GROUP BY p.id, p.capacity HAVING count(s.number) <> p.capacity""",
    "production batches tile the numbers without gap or overlap, and every slot lies in one": """
        SELECT item_id::text FROM (
            SELECT item_id, first_number, lag(last_number, 1, 0) OVER (
                PARTITION BY item_id ORDER BY position) AS before FROM production_batch) b
        WHERE first_number <> before + 1
        UNION
        SELECT i.id::text FROM campaign_item i JOIN slot s ON s.pool_id = i.pool_id
        WHERE NOT EXISTS (SELECT 1 FROM production_batch b WHERE b.item_id = i.id
            AND s.number BETWEEN b.first_number AND b.last_number)""",
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
                    SELECT 1 FROM refund r WHERE r.payment_id = p.id
                      AND r.reason NOT LIKE 'merchant:%')))
           OR (o.status IN ('DEPOSIT_PAID', 'AWAITING_BALANCE') AND o.deposit_minor <> (
                SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
                WHERE p.order_id = o.id AND p.leg = 'DEPOSIT' AND p.status = 'CAPTURED'))""",
    "money of an order that is over is refunded or kept, never forgotten": """
        SELECT o.id::text FROM sales_order o
        JOIN ledger_transaction t ON t.order_id = o.id
        JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'CUSTOMER_FUNDS'
        WHERE o.status IN ('EXPIRED', 'FORFEITED', 'CANCELLED')
        GROUP BY o.id HAVING sum(e.amount_minor) <> 0""",
    "an order whose hold ran out keeps no money": """
        SELECT DISTINCT o.id::text FROM sales_order o JOIN payment p ON p.order_id = o.id
        WHERE o.status = 'EXPIRED' AND p.captured_at IS NOT NULL AND p.amount_minor <> (
            SELECT coalesce(sum(r.amount_minor), 0) FROM refund r WHERE r.payment_id = p.id)""",
    "each payment of an order that was ended is refunded or kept, to the last cent": """
        SELECT p.id::text FROM payment p JOIN sales_order o ON o.id = p.order_id
        WHERE o.status IN ('FORFEITED', 'CANCELLED') AND p.captured_at IS NOT NULL
          AND p.amount_minor <>
            (SELECT coalesce(sum(r.amount_minor), 0) FROM refund r WHERE r.payment_id = p.id)
            - (SELECT coalesce(sum(e.amount_minor), 0) FROM ledger_transaction t
               JOIN ledger_entry e ON e.transaction_id = t.id
               WHERE t.source = 'forfeit:' || p.id AND e.account = 'FORFEITED_DEPOSITS')""",
    "no order keeps what its plan and its policy give back": """
        SELECT o.id::text FROM ledger_transaction t
        JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'FORFEITED_DEPOSITS'
        JOIN sales_order o ON o.id = t.order_id JOIN payment p ON t.source = 'forfeit:' || p.id
        CROSS JOIN LATERAL (SELECT p.amount_minor - coalesce(sum(r.amount_minor), 0) AS held
            FROM refund r WHERE r.payment_id = p.id AND r.reason LIKE 'merchant:%') before
        LEFT JOIN event ended ON ended.topic = 'order:' || o.id AND ended.type = 'order.cancelled'
        WHERE o.status IN ('FORFEITED', 'CANCELLED') AND NOT coalesce(CASE o.status
            WHEN 'FORFEITED' THEN o.payment_plan ->> 'missed_balance' = 'FORFEIT'
            WHEN 'CANCELLED' THEN before.held + e.amount_minor = div(before.held * (
                o.cancel_policy -> lower(ended.payload ->> 'source') ->> CASE p.leg
                    WHEN 'DEPOSIT' THEN 'refund_deposit_bps' ELSE 'refund_balance_bps' END
                )::bigint, 10000) END, false)""",
    "what a merchant decided to give back is owed to the last cent, and nothing besides": """
        SELECT m.id::text FROM merchant_refund m WHERE m.amount_minor <> (
            SELECT coalesce(sum(r.amount_minor), 0) FROM payment p
            JOIN refund r ON r.payment_id = p.id AND r.reason = 'merchant:' || m.id
            WHERE p.order_id = m.order_id AND r.currency = m.currency)
        UNION ALL
        SELECT r.id::text FROM refund r JOIN payment p ON p.id = r.payment_id
        WHERE r.reason LIKE 'merchant:%' AND NOT EXISTS (
            SELECT 1 FROM merchant_refund m
            WHERE m.order_id = p.order_id AND r.reason = 'merchant:' || m.id)""",
    "a leg that was paid more than once keeps one payment": """
        SELECT p.order_id || ' ' || p.leg FROM payment p
        WHERE p.captured_at IS NOT NULL AND p.amount_minor > (
            SELECT coalesce(sum(r.amount_minor), 0) FROM refund r WHERE r.payment_id = p.id)
        GROUP BY p.order_id, p.leg HAVING count(*) > 1""",
    "every payment has a key that opened it, and every key its payment": """
        SELECT coalesce(p.id, k.id)::text FROM payment p FULL JOIN payment_key k
            ON k.payment_id = p.id
        WHERE p.id IS NULL OR k.id IS NULL""",
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
              AND j.args ->> 'message_id' = m.id::text)
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs j,
              jsonb_array_elements_text(j.args -> 'message_ids') AS of_many(id)
            WHERE j.task_name = 'notifications:send_messages' AND of_many.id = m.id::text)""",
    "a payment that was called off has a job that tells its gateway": f"""
        SELECT p.id::text FROM payment p, moment
        WHERE p.status = 'CANCELLED' AND p.intent_id IS NOT NULL
          AND p.created_at > moment.at - interval '{KEEP_FINISHED_HOURS} hours'
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs j WHERE j.task_name = 'payments:cancel_intent'
              AND j.args ->> 'payment_id' = p.id::text)
          AND NOT EXISTS (
            SELECT 1 FROM event e WHERE e.topic = 'order:' || p.order_id
              AND e.type = 'payment.cancelled' AND e.payload ->> 'payment_id' = p.id::text)""",
    "a cancelled campaign whose orders are not over has a job that ends them": """
        SELECT c.id::text FROM campaign c
        WHERE c.status = 'CANCELLED' AND EXISTS (
            SELECT 1 FROM sales_order o WHERE o.campaign_id = c.id
              AND o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED'))
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs j WHERE j.task_name = 'orders:cancel_campaign'
              AND j.status IN ('todo', 'doing') AND j.args ->> 'campaign_id' = c.id::text)""",
    "no job waits on account of a change that was never made": """
        SELECT j.task_name || ' ' || j.id FROM procrastinate_jobs j
        WHERE j.status IN ('todo', 'doing') AND CASE j.task_name
            WHEN 'payments:submit_refund' THEN NOT EXISTS (
                SELECT 1 FROM refund r WHERE r.id = (j.args ->> 'refund_id')::uuid)
            WHEN 'payments:cancel_intent' THEN NOT EXISTS (
                SELECT 1 FROM payment p WHERE p.id = (j.args ->> 'payment_id')::uuid
                  AND p.status <> 'PENDING')
            WHEN 'notifications:send_message' THEN NOT EXISTS (
                SELECT 1 FROM message m WHERE m.id = (j.args ->> 'message_id')::uuid)
            WHEN 'notifications:send_messages' THEN EXISTS (
                SELECT 1 FROM jsonb_array_elements_text(j.args -> 'message_ids') AS of_many(id)
                WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = of_many.id::uuid))
            WHEN 'orders:cancel_campaign' THEN NOT EXISTS (
                SELECT 1 FROM campaign c WHERE c.id = (j.args ->> 'campaign_id')::uuid
                  AND c.status = 'CANCELLED')
            ELSE false END""",
    "every order has its first event": """
        SELECT o.id::text FROM sales_order o WHERE NOT EXISTS (
            SELECT 1 FROM event e WHERE e.topic = 'order:' || o.id AND e.type = 'order.placed')""",
    "the sums of charts, and what waits to be summed up, are what is booked": DRIFT,
}
"""Sentence -> query for the ids that break it; ``moment.at`` is the time of the audit.

They hold at every moment, in any snapshot. Finished jobs are forgotten after some hours, so a
sentence that needs one looks at what is younger, or not over.
"""


async def audit_database(
    connection: asyncpg.Connection, *, now: datetime | None = None
) -> list[Finding]:
    """Ask every question of one snapshot of the database.

    Args:
        now: the time by the clock that the rows were written by; the process's own if None.
    """
    return await ask(connection, DATABASE_AUDITS, clock.now() if now is None else now)
