"""The real shop that the model is compared with: both engines, two gateways and a clock.

The campaigns are made once. Before each example every table is emptied and filled again from a
copy of that moment, which takes milliseconds.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from redis.asyncio import Redis
from tortoise.connection import get_connection

from headless_presale.audits import Finding, audit_rest
from headless_presale.campaigns import ItemSnapshot, forget_all, snapshot
from headless_presale.checkout import CartLine, PlaceOrder, drain
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.payments.gateways import GatewayError, set_gateways
from headless_presale.slots import loading, reconcile_pool
from headless_presale.slots.admission import RESERVATION_TTL_SECONDS
from headless_presale.worker import create_job_app
from tests.model.expectations import DEPOSIT_BPS, PRICE_MINOR, Expectations, Rules, Wish
from tests.model.pools import Pool
from tests.support.memory_gateway import MemoryGateway
from tests.support.shop import Sale, deposit_plan, make_shop, make_variant, open_sale, order_for

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST_SHIPS_BY = date(2026, 6, 30)
CAPACITIES = ((5, 3), (3, None))
"""Slots and limit per customer of each pool."""
GATEWAYS = ("sandbox", "other")
JOBS = ["payments", "orders"]
MOST_PASSES = 8
AT_REST = {
    "Redis offers exactly what is free",
    "Redis counts for each customer what the customer owns",
    "no reservation is under way",
    "no reservation is past its time",
}
REDIS_TIMEOUT_SECONDS = 2.0

_CLOSES_AT = START + timedelta(days=7)
PLANS: dict[str, dict[str, Any]] = {
    "a deposit that is forfeited": {
        "payment_plan": deposit_plan(_CLOSES_AT, deposit_bps=DEPOSIT_BPS)
    },
    "a deposit that goes back": {
        "payment_plan": deposit_plan(_CLOSES_AT, deposit_bps=DEPOSIT_BPS, missed_balance="REFUND"),
        "cancel_policy": {
            "deposit_paid": {"allowed": True, "refund_deposit_bps": 5_000},
            "awaiting_balance": {"allowed": False},
            "paid": {"allowed": True, "refund_deposit_bps": 0, "refund_balance_bps": 3_333},
        },
    },
    "all at once": {},
}

_QUESTIONS = {
    "orders": ("id, status, reminded_at IS NOT NULL, balance_due_at", "FROM sales_order"),
    "slots": ("pool_id, number, order_id", "FROM slot WHERE pool_id = ANY($1::uuid[])"),
    "quotas": ("pool_id, customer_id, taken", "FROM customer_quota WHERE taken > 0"),
    "payments": ("id, status, amount_minor", "FROM payment"),
    "refunds": ("payment_id, reason, amount_minor, status, id, attempts", "FROM refund"),
    "books": (
        "order_id, account, minor",
        "FROM (SELECT t.order_id, e.account, sum(e.amount_minor)::bigint AS minor "
        "FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id "
        "GROUP BY 1, 2 HAVING sum(e.amount_minor) <> 0) AS b",
    ),
}
"""What is compared after each step, asked in one statement."""


class World:
    """Everything the machine acts on."""

    def __init__(self, admin: asyncpg.Connection, redis: Redis, redis_url: str) -> None:
        self.admin = admin
        self.redis = redis
        self._redis_url = redis_url
        self._raw = _raw(redis)
        self.sales: list[Sale] = []
        self.gateways: dict[str, MemoryGateway] = {}
        self.clock = ManualClock(START)
        self._tasks = create_job_app("postgresql://nobody@127.0.0.1/none").tasks
        self._reset_statement = ""
        self._clock_in_place = ExitStack()
        self._moved_ms = 0

    async def build(self) -> None:
        """Make one open campaign per plan and remember the tables as they are then."""
        with use_clock(ManualClock(START)):
            shop = await make_shop()
            for number, plan in enumerate(PLANS.values()):
                skus = [f"FOX-{number}-{pool}" for pool in range(len(CAPACITIES))]
                for sku in skus:
                    await make_variant(shop, sku, price_minor=PRICE_MINOR)
                items = [
                    {
                        "variant": {"sku": sku},
                        "limit_per_customer": limit,
                        "batches": [{"capacity": capacity, "ships_by": FIRST_SHIPS_BY}],
                    }
                    for sku, (capacity, limit) in zip(skus, CAPACITIES, strict=True)
                ]
                self.sales.append(
                    await open_sale(
                        shop=shop,
                        has_variants=True,
                        skus=skus,
                        handle=f"fox-{number}",
                        items=items,
                        **plan,
                    )
                )
        await drain()
        await self._remember_tables()

    async def _remember_tables(self) -> None:
        rows = await self.admin.fetch(
            "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename <> 'tortoise_migrations' ORDER BY tablename"
        )
        names = [row["name"] for row in rows]
        statements = [f"DELETE FROM {name};" for name in names]
        for name in names:
            if await self.admin.fetchval(f"SELECT count(*) FROM {name}"):
                await self.admin.execute(f"CREATE TEMP TABLE kept_{name} AS TABLE {name}")
                statements.append(f"INSERT INTO {name} SELECT * FROM kept_{name};")
        self._reset_statement = "".join(
            # The ledger refuses to be emptied, and foreign keys would ask for an order.
            ["BEGIN;", "SET LOCAL session_replication_role = replica;", *statements, "COMMIT;"]
        )

    async def reset(self, sale: Sale) -> None:
        """Put everything back to the opening of the campaigns, of which one is played."""
        await drain()
        await self.admin.execute(self._reset_statement)
        # What is closed is not asked of Redis after each step.
        await self.admin.execute(
            "UPDATE slot_pool SET is_open = id = ANY($1::uuid[])",
            [pool_id for _, pool_id in self.items_of(sale)],
        )
        await self.redis.flushdb()
        forget_all()
        self.gateways = {name: MemoryGateway(name) for name in GATEWAYS}
        set_gateways(list(self.gateways.values()))
        self._clock_in_place.close()
        self.clock = ManualClock(START)
        self._clock_in_place.enter_context(use_clock(self.clock))
        self._moved_ms = 0

    async def close(self) -> None:
        """Leave nothing of this behind for the tests to come."""
        await drain()
        await self._raw.aclose()
        self._clock_in_place.close()
        set_gateways([])
        for name in await self.admin.fetch(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'kept\\_%'"
        ):
            await self.admin.execute(f"DROP TABLE {name['tablename']}")

    # Selling

    def items_of(self, sale: Sale) -> list[tuple[UUID, UUID]]:
        """Return (item, pool) in the order of the pools' ids: that in which they are asked."""
        return sorted(
            ((item.id, item.pool_id) for item in sale.campaign.items), key=lambda pair: pair[1]
        )

    def expectations_of(self, sale: Sale) -> Expectations:
        """Return the model of a sale that has just opened."""
        campaign = sale.campaign
        plan = campaign.payment_plan
        opens_at = plan.balance_opens_at or campaign.closes_at
        due_at = plan.balance_due_at or campaign.closes_at
        by_pool = sorted(campaign.items, key=lambda item: item.pool_id)
        return Expectations(
            Rules(
                kind=plan.kind,
                missed=plan.missed_balance,
                policy=campaign.cancel_policy,
                closes_at=campaign.closes_at,
                balance_opens_at=opens_at,
                balance_remind_at=max(opens_at, due_at - plan.reminder),
                balance_due_at=due_at,
            ),
            [_pool_of(item) for item in by_pool],
            self.clock.now(),
        )

    def order_for(
        self, sale: Sale, customer: str, key: str, wish: Wish, name: str = "Lin"
    ) -> PlaceOrder:
        """Return a buyer's wish as the checkout takes it."""
        lines = [
            CartLine(item_id, quantity)
            for (item_id, _), quantity in zip(self.items_of(sale), wish, strict=True)
            if quantity
        ]
        command = order_for(sale, email=customer, key=key, lines=lines)
        buyer = type(command.buyer)(email=customer, name=name)
        return PlaceOrder(
            shop_id=command.shop_id,
            lines=command.lines,
            buyer=buyer,
            shipping_address=command.shipping_address,
            accepted_terms_version=command.accepted_terms_version,
            idempotency_key=key,
            locale=command.locale,
        )

    def recall(self, sale: Sale) -> None:
        """Let the process hold the campaign as it was at its opening, as a late cache would."""
        snapshot._by_id[sale.campaign.id] = (time.monotonic(), sale.campaign)

    async def look(self, pools: Sequence[UUID]) -> dict[str, list[list[Any]]]:
        """Return what the database says of orders and money, by the name of each question."""
        parts = ", ".join(
            f"'{name}', (SELECT coalesce(json_agg(json_build_array({columns})), '[]') {rest})"
            for name, (columns, rest) in _QUESTIONS.items()
        )
        return cast(
            dict[str, list[list[Any]]],
            orjson.loads(await self.admin.fetchval(f"SELECT json_build_object({parts})", pools)),
        )

    # Jobs

    async def next_job(self, after: int) -> asyncpg.Record | None:
        """Return the oldest waiting job behind an id."""
        return await self.admin.fetchrow(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' "
            "AND split_part(task_name, ':', 1) = ANY($1::text[]) AND id > $2 "
            "ORDER BY id LIMIT 1",
            JOBS,
            after,
        )

    async def run_job(self, job: asyncpg.Record, *, is_marked: bool = True) -> bool:
        """Run a job; return whether it came to its end. One that did not stays for later.

        ``is_marked=False``: the worker dies before it writes down that the job is done.
        """
        await self.admin.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = $1", job["id"]
        )
        try:
            await self._tasks[job["task_name"]].func(**orjson.loads(job["args"]))
        except GatewayError:
            is_done = False
        else:
            is_done = True
        await self.admin.execute(
            "UPDATE procrastinate_jobs SET status = $2::procrastinate_job_status WHERE id = $1",
            job["id"],
            "succeeded" if is_done and is_marked else "todo",
        )
        return is_done

    async def restart(self) -> None:
        """Let the process end and another begin: nothing that it remembered is left."""
        await drain()
        forget_all()
        loading._turns.clear()
        await close_redis()
        self.redis = open_redis(self._redis_url, timeout_seconds=REDIS_TIMEOUT_SECONDS)
        # It opens again by itself.
        await get_connection("default").close()

    # Redis

    async def lose_redis(self) -> None:
        """Let Redis come back without anything, its scripts included."""
        await self.redis.flushdb()
        await self.redis.script_flush()

    async def audit_redis_at_rest(self) -> list[Finding]:
        """Ask what of Redis must hold once the reconciler has come to rest."""
        found = await audit_rest(self.admin, self.redis, now=self.clock.now())
        return [finding for finding in found if finding.sentence in AT_REST]

    async def save_redis(self) -> dict[bytes, bytes]:
        """Return all of the pools' keys as Redis would write them to disk."""
        await drain()
        keys = [key async for key in self._raw.scan_iter("slots:*")]
        values = [await self._raw.dump(key) for key in keys]
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    async def restore_redis(self, saved: dict[bytes, bytes]) -> None:
        """Let Redis come back with an older state."""
        await self._raw.flushdb()
        for key, value in saved.items():
            await self._raw.restore(key, 0, value)

    async def reconcile_slots(self, sale: Sale) -> int:
        """Run the reconciler once, a reservation's lifetime later; return what it repaired."""
        self._moved_ms += (RESERVATION_TTL_SECONDS + 1) * 1_000
        now_ms = int(time.time() * 1000) + self._moved_ms
        drifts = [
            await reconcile_pool(pool_id, now_ms=now_ms) for _, pool_id in self.items_of(sale)
        ]
        return sum(drift.total for drift in drifts)

    async def quieten_slots(self, sale: Sale) -> None:
        """Run the reconciler until two looks, a lifetime apart, find nothing.

        Raises:
            AssertionError: it goes on finding something.
        """
        quiet = 0
        for _ in range(MOST_PASSES):
            quiet = 0 if await self.reconcile_slots(sale) else quiet + 1
            if quiet == 2:
                return
        raise AssertionError("the reconciler does not come to rest")


def _pool_of(item: ItemSnapshot) -> Pool:
    pool = Pool(item.limit_per_customer)
    for batch in item.batches:
        pool.append(batch.capacity, batch.ships_by)
    return pool


def _raw(client: Redis) -> Redis:
    """Return a client of the same Redis that leaves bytes as they are."""
    settings = dict(client.connection_pool.connection_kwargs)
    settings["decode_responses"] = False
    kind = type(client.connection_pool)
    pool = kind(connection_class=client.connection_pool.connection_class, **settings)
    return Redis.from_pool(pool)
