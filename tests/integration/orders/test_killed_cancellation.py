"""A campaign is called off while it sells, and whoever refunds its buyers is killed, twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import cancel_campaign
from headless_presale.kernel.errors import DomainError
from headless_presale.orders import OrderView
from headless_presale.payments import PaymentLeg
from tests.integration.worker.processes import recover
from tests.support.drop import open_drop
from tests.support.gateway import API_KEY, WEBHOOK_SECRET, SandboxRun
from tests.support.invariants import broken_invariants
from tests.support.money import place, start
from tests.support.processes import ProductProcess, work_until_killed
from tests.support.servers import until
from tests.support.shop import Sale

PAID = 200
AT_ONCE = 16
PRICE_MINOR = 10_000
KILLED_CANCELLING = 90
KILLED_REFUNDING = 40


@pytest.mark.timeout(300)
async def test_every_payment_goes_back_once(
    sandbox: SandboxRun,
    database: str,
    redis: Redis,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    # given: two hundred buyers who have paid, and others who keep coming
    sale = await open_drop(capacity=3 * PAID)
    paid = await _several_at_once(lambda number: _buy(sandbox, sale, number), PAID)
    await until(lambda: _are_paid(database_admin))
    selling = asyncio.create_task(_sell_until_it_ends(sale))
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SANDBOX_GATEWAY_URL": sandbox.url,
        "PRESALE_SANDBOX_GATEWAY_API_KEY": API_KEY,
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }

    # when
    await cancel_campaign(sale.campaign.id, reason="no factory")
    unpaid = await selling

    # then: a worker dies in the middle of the ninetieth order, which is as if it was not touched
    await work_until_killed(tmp_path, environment, f"orders.moved:{KILLED_CANCELLING}")
    statuses = await _statuses(database_admin)
    assert statuses["CANCELLED"] == KILLED_CANCELLING - 1
    assert sum(statuses.values()) == PAID + len(unpaid)
    assert await broken_invariants(database_admin) == {}

    # and: the next one dies between asking the gateway for a refund and noting the answer
    await recover(database)
    await work_until_killed(tmp_path, environment, f"refunds.asked:{KILLED_REFUNDING}")

    # and: the third comes to the end
    await recover(database)
    with ProductProcess(["worker"], environment, tmp_path / "worker.log"):
        await until(lambda: _is_done(database_admin), seconds=90)
    assert await _statuses(database_admin) == {"CANCELLED": PAID + len(unpaid)}
    assert await database_admin.fetchval("SELECT count(order_id) FROM slot") == 0
    assert await _refunded_at_the_gateway(sandbox) == {
        await _intent_of(database_admin, order): [PRICE_MINOR] for order in paid
    }
    back = await database_admin.fetch("SELECT payment_id, amount_minor, status FROM refund")
    assert len({row["payment_id"] for row in back}) == len(back) == PAID
    assert {(row["amount_minor"], row["status"]) for row in back} == {(PRICE_MINOR, "SUCCEEDED")}
    cancelled = await database_admin.fetch(
        "SELECT topic, count(*) AS n FROM event WHERE type = 'order.cancelled' GROUP BY topic"
    )
    assert {row["topic"]: row["n"] for row in cancelled} == {
        f"order:{order.id}": 1 for order in [*paid, *unpaid]
    }
    assert await broken_invariants(database_admin, redis) == {}


async def _several_at_once(
    act: Callable[[int], Awaitable[OrderView]], count: int
) -> Sequence[OrderView]:
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def turn(number: int) -> OrderView:
        async with turnstile:
            return await act(number)

    return await asyncio.gather(*map(turn, range(count)))


async def _buy(sandbox: SandboxRun, sale: Sale, number: int) -> OrderView:
    order = await place(sale, email=f"paid{number}@example.com")
    await sandbox.pay(await start(order, PaymentLeg.FULL))
    return order


async def _are_paid(admin: asyncpg.Connection) -> bool:
    return await _statuses(admin) == {"PAID": PAID}


async def _sell_until_it_ends(sale: Sale) -> Sequence[OrderView]:
    """Let buyers come until one is told that the campaign is over; return the orders placed."""
    orders: list[OrderView] = []
    while True:
        try:
            orders.append(await place(sale, email=f"late{len(orders)}@example.com"))
        except DomainError as refusal:
            if refusal.code != "CAMPAIGN_NOT_OPEN":
                raise
            return orders


async def _is_done(admin: asyncpg.Connection) -> bool:
    waiting = await admin.fetchval(
        "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') "
        "AND task_name IN ('orders:cancel_campaign', 'payments:submit_refund')"
    )
    owed = await admin.fetchval("SELECT count(*) FROM refund WHERE status <> 'SUCCEEDED'")
    return bool(waiting == 0 and owed == 0)


async def _statuses(admin: asyncpg.Connection) -> dict[str, int]:
    rows = await admin.fetch("SELECT status, count(*) AS n FROM sales_order GROUP BY status")
    return {row["status"]: row["n"] for row in rows}


async def _intent_of(admin: asyncpg.Connection, order: OrderView) -> str:
    intent_id: str = await admin.fetchval(
        "SELECT intent_id FROM payment WHERE order_id = $1 AND status = 'CAPTURED'", order.id
    )
    return intent_id


async def _refunded_at_the_gateway(sandbox: SandboxRun) -> dict[str, list[int]]:
    """Return the amounts that went back by intent, from every page of the gateway's list."""
    refunded: dict[str, list[int]] = {}
    page: dict[str, Any] = {"has_more": True, "data": []}
    while page["has_more"]:
        after = {"starting_after": page["data"][-1]["id"]} if page["data"] else {}
        page = (await sandbox.client.get("/v1/refunds", params={"limit": 100, **after})).json()
        for refund in page["data"]:
            assert refund["status"] == "succeeded"
            refunded.setdefault(refund["payment_intent"], []).append(refund["amount"])
    return refunded
