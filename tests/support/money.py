"""Buyers who order and pay, and what the books say of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from headless_presale.checkout import place_order
from headless_presale.kernel import clock
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import OrderStatus, OrderView, StartPayment, find_order, start_payment
from headless_presale.payments import Payment, PaymentLeg, balances_of
from headless_presale.worker import create_job_app
from tests.support.gateway import SandboxRun
from tests.support.servers import until
from tests.support.shop import Sale, deposit_plan, open_sale, order_for

CLOSES_AFTER = timedelta(days=7)


async def open_deposit_sale(*, plan: dict[str, Any] | None = None, **options: Any) -> Sale:
    """Open a sale at 100.00 each: 20 % now, the balance from day 8 to day 15 after the start."""
    changes = plan or {}
    return await open_sale(
        payment_plan=deposit_plan(clock.now() + CLOSES_AFTER, **changes), **options
    )


async def place(sale: Sale, **order: Any) -> OrderView:
    """Place an order as a buyer."""
    with acting_as("buyer"):
        return await place_order(order_for(sale, **order))


def start_of(order: OrderView, leg: PaymentLeg, **changes: Any) -> StartPayment:
    """Return a buyer's wish to pay a leg."""
    return StartPayment(
        **{
            "order_id": order.id,
            "leg": leg,
            "gateway": "sandbox",
            "return_url": "https://shop.example/thanks",
            "idempotency_key": str(uuid4()),
            **changes,
        }
    )


async def start(order: OrderView, leg: PaymentLeg, **changes: Any) -> Payment:
    """Start paying a leg as a buyer."""
    with acting_as("buyer"):
        return await start_payment(start_of(order, leg, **changes))


async def read(order_id: UUID) -> OrderView:
    """Return an order as it is now."""
    order = await find_order(order_id)
    assert order is not None
    return order


async def pay(sandbox: SandboxRun, order: OrderView, leg: PaymentLeg) -> Payment:
    """Pay a leg at the gateway and wait until the shop has heard of it."""
    payment = await start(order, leg)
    await sandbox.pay(payment)

    # Not of the order: starting to pay a balance early opens it.
    async def is_heard_of() -> bool:
        return (await Payment.get(id=payment.id)).status is not payment.status

    await until(is_heard_of)
    return await Payment.get(id=payment.id)


async def wait_for_status(order_id: UUID, status: OrderStatus) -> None:
    """Wait until an order is there."""

    async def is_there() -> bool:
        return (await read(order_id)).status is status

    await until(is_there)


@shielded
async def books_of(order_id: UUID) -> dict[str, int]:
    """Return the accounts of an order that are not empty, in minor units; debits positive."""
    async with unit_of_work() as work:
        balances = await balances_of(work, order_id)
    assert sum(balances.values()) == 0
    return {str(account): minor for account, minor in balances.items() if minor}


async def history_of(
    connection: asyncpg.Connection, order_id: UUID
) -> list[tuple[str, str, str, str]]:
    """Return an order's events in order: type, actor, target state, reason."""
    rows = await connection.fetch(
        "SELECT type, actor, payload->>'target' AS target, payload->>'reason' AS reason "
        "FROM event WHERE topic = $1 ORDER BY id",
        f"order:{order_id}",
    )
    return [(r["type"], r["actor"], r["target"] or "", r["reason"] or "") for r in rows]


async def owned_numbers(connection: asyncpg.Connection, order_id: UUID) -> list[int]:
    """Return the slot numbers that an order owns by the database."""
    rows = await connection.fetch(
        "SELECT number FROM slot WHERE order_id = $1 ORDER BY number", order_id
    )
    return [row["number"] for row in rows]


async def quota_taken(connection: asyncpg.Connection, order: OrderView) -> int:
    """Return how many slots count against a buyer's limit, over all pools."""
    taken: int = await connection.fetchval(
        "SELECT coalesce(sum(taken), 0) FROM customer_quota WHERE customer_id = $1",
        order.customer_id,
    )
    return taken


async def work_off(connection: asyncpg.Connection, *prefixes: str) -> list[str]:
    """Run the waiting jobs of some contexts here and now, and those they ask for; return names."""
    tasks = create_job_app("postgresql://nobody@127.0.0.1/none").tasks
    done: list[str] = []
    while rows := await connection.fetch(
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (SELECT id "
        "FROM procrastinate_jobs WHERE status = 'todo' AND split_part(task_name, ':', 1) "
        "= ANY($1::text[])) RETURNING id, task_name, args",
        list(prefixes),
    ):
        for row in sorted(rows, key=lambda row: int(row["id"])):
            await tasks[row["task_name"]].func(**orjson.loads(row["args"]))
            await connection.execute(
                "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = $1", row["id"]
            )
            done.append(row["task_name"])
    return done
