"""What is looked at while it breaks, and what must be true when all is quiet again."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.audits import (
    Finding,
    audit_acknowledged,
    audit_database,
    audit_redis,
    audit_rest,
)
from headless_presale.kernel import clock
from headless_presale.kernel.ids import customer_id_of, reservation_id_of
from headless_presale.kernel.unit_of_work import DATABASE_DOWN
from tests.chaos.journal import Journal
from tests.chaos.market import Market
from tests.chaos.merchants import CANCEL_REASON
from tests.chaos.till import Till

LOOK_EVERY_SECONDS = 2.0
CONNECT_SECONDS = 5.0
QUESTION_SECONDS = 10.0
GRACE = timedelta(seconds=30)
"""Periodic jobs become due all the time; that all else is done has been waited for."""

REFUSED_BUT_PLACED = """
    SELECT wish.id::text FROM unnest($1::uuid[], $2::float8[]) AS wish(id, sent_at)
    JOIN event e ON e.topic = 'order:' || wish.id AND e.type = 'order.placed'
    WHERE extract(epoch FROM pg_xact_commit_timestamp(e.xmin)) < wish.sent_at"""
ONE_EFFECT = {
    "an order is placed once": """
        SELECT topic FROM event WHERE type = 'order.placed' GROUP BY topic HAVING count(*) > 1""",
    "a payment is captured once": """
        SELECT payload ->> 'payment_id' FROM event WHERE type = 'payment.captured'
        GROUP BY 1 HAVING count(*) > 1""",
    "a refund succeeds once": """
        SELECT payload ->> 'refund_id' FROM event WHERE type = 'refund.succeeded'
        GROUP BY 1 HAVING count(*) > 1""",
    "an order ends once": """
        SELECT topic FROM event WHERE type = 'order.cancelled' GROUP BY topic
        HAVING count(*) > 1""",
}
CANCELLED_BY_MERCHANT = {
    "a cancelled campaign has no order that is not over": """
        SELECT o.id::text FROM sales_order o JOIN campaign c ON c.id = o.campaign_id
        WHERE c.status = 'CANCELLED' AND o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED')""",
    "an order of a cancelled campaign is refunded in full": """
        SELECT o.id::text FROM sales_order o JOIN campaign c ON c.id = o.campaign_id
        WHERE c.status = 'CANCELLED' AND o.status = 'CANCELLED' AND o.closed_reason = $1
          AND (SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
               WHERE p.order_id = o.id AND p.captured_at IS NOT NULL)
           <> (SELECT coalesce(sum(r.amount_minor), 0) FROM refund r JOIN payment p
               ON p.id = r.payment_id WHERE p.order_id = o.id AND r.status = 'SUCCEEDED')""",
}


class Auditor:
    """Looks at the database itself, past every wire, again and again."""

    def __init__(self, database_url: str, journal: Journal) -> None:
        self._database_url = database_url
        self._journal = journal
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look every few seconds; a database that is away is looked at later."""
        self._task = asyncio.create_task(self._look_on(), name="auditor")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                async with asyncio.timeout(QUESTION_SECONDS):
                    connection = await asyncpg.connect(self._database_url, timeout=CONNECT_SECONDS)
                    try:
                        record(self._journal, await audit_database(connection))
                    finally:
                        connection.terminate()
            except DATABASE_DOWN as error:
                self._journal.note("audit_postponed", error=repr(error))
            else:
                self._journal.note("audited")


def record(journal: Journal, findings: Sequence[Finding]) -> None:
    """Write down what does not hold."""
    for finding in findings:
        for subject in finding.broken:
            journal.violate(finding.sentence, subject)


async def audit_everything(
    connection: asyncpg.Connection,
    redis: Redis,
    till: Till,
    market: Market,
    journal: Journal,
) -> None:
    """Ask every question there is of a shop at rest; write down what does not hold."""
    record(journal, await audit_database(connection))
    record(journal, await audit_redis(connection, redis))
    record(journal, await audit_acknowledged(connection, list(journal.acknowledged.values())))
    record(journal, await audit_rest(connection, redis, now=clock.now(), grace=GRACE))
    for sentence, query in ONE_EFFECT.items():
        _violate(journal, sentence, await connection.fetch(query))
    for sentence, query in CANCELLED_BY_MERCHANT.items():
        arguments = [CANCEL_REASON] if "$1" in query else []
        _violate(journal, sentence, await connection.fetch(query, *arguments))
    await _audit_refusals(connection, market.shop_id, journal)
    await _audit_gateway(connection, till, journal)


def _violate(journal: Journal, sentence: str, rows: Sequence[asyncpg.Record]) -> None:
    for row in rows:
        journal.violate(sentence, str(row[0]))


async def _audit_refusals(connection: asyncpg.Connection, shop_id: UUID, journal: Journal) -> None:
    """A buyer who is told no has no order that was committed before the question was sent.

    One that is committed later is another matter: the request before may have been under way in
    a frozen process when the buyer gave up on it and asked elsewhere.
    """
    ids = [
        reservation_id_of(customer_id_of(shop_id, refused.email), refused.key)
        for refused in journal.refused
    ]
    rows = await connection.fetch(
        REFUSED_BUT_PLACED, ids, [refused.sent_at for refused in journal.refused]
    )
    codes = {str(id_): refused.code for id_, refused in zip(ids, journal.refused, strict=True)}
    for row in rows:
        journal.violate("no buyer with an order is told no", f"{row[0]} {codes[row[0]]}")


async def _audit_gateway(connection: asyncpg.Connection, till: Till, journal: Journal) -> None:
    """Compare the gateway's books with ours, payment by payment and refund by refund."""
    intents = await till.list_all("payment_intents")
    captured = {i["id"]: i["amount"] for i in intents if i["status"] == "succeeded"}
    ours = {
        row["intent_id"]: row["amount_minor"]
        for row in await connection.fetch(
            "SELECT intent_id, amount_minor FROM payment WHERE captured_at IS NOT NULL"
        )
    }
    _compare(journal, "what the gateway captured counts as captured, once", captured, ours)
    references = Counter(i["reference"] for i in intents if i["status"] == "succeeded")
    for reference, count in references.items():
        if count > 1:
            journal.violate("the gateway captures a payment once", reference)
    for intent_id in journal.captured - set(captured):
        journal.violate("the gateway keeps what it said it had", intent_id)
    await _audit_refunds(connection, till, journal)


async def _audit_refunds(connection: asyncpg.Connection, till: Till, journal: Journal) -> None:
    theirs: dict[str, int] = defaultdict(int)
    for refund in await till.list_all("refunds"):
        if refund["status"] == "succeeded":
            # Named by our refund and the attempt: two attempts that both succeed add up.
            theirs[refund["reference"].rpartition("-")[0]] += refund["amount"]
    ours = {
        str(row["id"]): row["amount_minor"]
        for row in await connection.fetch(
            "SELECT id, amount_minor FROM refund WHERE status = 'SUCCEEDED'"
        )
    }
    _compare(journal, "what the gateway gave back is what we refunded, once", theirs, ours)


def _compare(
    journal: Journal, sentence: str, theirs: Mapping[str, int], ours: Mapping[str, int]
) -> None:
    for subject in sorted(theirs.keys() | ours.keys()):
        if theirs.get(subject) != ours.get(subject):
            journal.violate(
                sentence, f"{subject}: gateway {theirs.get(subject)}, ours {ours.get(subject)}"
            )


async def figures_of(connection: asyncpg.Connection) -> dict[str, Any]:
    """Return the numbers a report tells beside the violations."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM sales_order) AS orders, "
        "(SELECT count(*) FROM payment WHERE captured_at IS NOT NULL) AS captured, "
        "(SELECT count(*) FROM refund WHERE status = 'SUCCEEDED') AS refunds, "
        "(SELECT count(*) FROM (SELECT l.pool_id, n FROM order_line l "
        "   JOIN sales_order o ON o.id = l.order_id, "
        "   jsonb_array_elements_text(l.numbers) AS named(n) "
        "   WHERE o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED') "
        "   GROUP BY l.pool_id, n HAVING count(*) > 1) AS promised_twice) AS oversold"
    )
    assert row is not None
    return dict(row)
