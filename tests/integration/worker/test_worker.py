"""The worker at work: jobs come in with their transaction and survive whoever dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from headless_presale.campaigns import cancel_campaign
from headless_presale.database import migrate
from headless_presale.engines import EmbeddedEngines
from headless_presale.orders import OrderStatus
from headless_presale.payments import PaymentLeg, Refund
from headless_presale.worker import create_job_app, recover_stalled_jobs
from tests.integration.worker.processes import (
    put_job,
    status_of,
    wait_for_job,
    working,
)
from tests.support.gateway import API_KEY, WEBHOOK_SECRET, SandboxRun
from tests.support.money import books_of, pay, place, read
from tests.support.processes import ProductProcess
from tests.support.servers import until
from tests.support.shop import Sale, open_sale

pytestmark = pytest.mark.usefixtures("clock")

FORGET = "maintenance:forget_finished"
"""A task that needs nothing but the job's own database."""
AT = '{"timestamp": 0}'


@asynccontextmanager
async def locked(database: str, sale: Sale) -> AsyncIterator[None]:
    """Hold every order of a sale, so that whoever cancels them waits."""
    connection = await asyncpg.connect(database)
    transaction = connection.transaction()
    await transaction.start()
    await connection.fetch(
        "SELECT pg_advisory_xact_lock(hashtextextended('order:' || id, 0)) FROM sales_order"
    )
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def test_a_cancelled_campaign_is_refunded_without_anybodys_help(
    sandbox: SandboxRun, database: str, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    orders = [await place(sale, email=f"b{i}@example.com") for i in range(3)]
    for order in orders:
        await pay(sandbox, order, PaymentLeg.FULL)

    async with working(database):
        await cancel_campaign(sale.campaign.id, reason="no factory")

        async def are_refunded() -> bool:
            return await Refund.filter(settled_at__isnull=False).count() == 3

        await until(are_refunded)

    for order in orders:
        assert (await read(order.id)).status is OrderStatus.CANCELLED
        assert await books_of(order.id) == {}
    failed = await database_admin.fetch(
        "SELECT task_name FROM procrastinate_jobs WHERE status NOT IN ('todo', 'succeeded') "
        # Nor what is begun by the hour, whatever hour it is: this worker has no media store.
        "AND task_name NOT LIKE 'notifications:%' AND task_name NOT LIKE 'media:%'"
    )
    assert [row["task_name"] for row in failed] == []


async def test_stopping_finishes_what_has_begun(
    sandbox: SandboxRun, database: str, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    order = await place(sale)
    async with working(database) as stop, locked(database, sale):
        await cancel_campaign(sale.campaign.id, reason="no factory")
        await wait_for_job(database_admin, "orders:cancel_campaign", "doing")
        stop.set()
        await asyncio.sleep(0.5)
        later = await put_job(database_admin, FORGET, AT)
        assert (await read(order.id)).status is OrderStatus.AWAITING_PAYMENT

    await wait_for_job(database_admin, "orders:cancel_campaign", "succeeded")
    assert (await read(order.id)).status is OrderStatus.CANCELLED
    assert await status_of(database_admin, later) == "todo"


async def test_the_job_of_a_worker_that_was_killed_comes_back(
    sandbox: SandboxRun,
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    # given: a process that is killed in the middle of a job
    sale = await open_sale(capacity=5)
    order = await place(sale)
    await pay(sandbox, order, PaymentLeg.FULL)
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SANDBOX_GATEWAY_URL": sandbox.url,
        "PRESALE_SANDBOX_GATEWAY_API_KEY": API_KEY,
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    with ProductProcess(["worker"], environment, tmp_path / "worker.log") as process:
        async with locked(database, sale):
            await cancel_campaign(sale.campaign.id, reason="no factory")
            await wait_for_job(database_admin, "orders:cancel_campaign", "doing", seconds=40)
            process.kill()
    assert (await read(order.id)).status is OrderStatus.PAID

    # when: those that live look for jobs nobody works on
    app = create_job_app(database)
    async with app.open_async():
        assert await recover_stalled_jobs(app.job_manager, after_seconds=3600) == 0
        assert await recover_stalled_jobs(app.job_manager, after_seconds=0) >= 1
        assert await recover_stalled_jobs(app.job_manager, after_seconds=0) == 0

    # then
    async with working(database):
        await wait_for_job(database_admin, "orders:cancel_campaign", "succeeded")
        await wait_for_job(database_admin, "payments:submit_refund", "succeeded")
    assert (await read(order.id)).status is OrderStatus.CANCELLED
    assert [refund.amount_minor for refund in await Refund.all()] == [10_000]


async def test_the_process_stops_in_order_on_sigterm(
    database: str, redis_url: str, database_admin: asyncpg.Connection, tmp_path: Path
) -> None:
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
    }
    with ProductProcess(["worker"], environment, tmp_path / "worker.log") as process:
        await wait_for_job(database_admin, "orders:sweep", "succeeded", seconds=40)
        assert await asyncio.to_thread(process.terminate, 30) == 0

    assert await database_admin.fetchval("SELECT count(*) FROM procrastinate_workers") == 0
    assert (
        await database_admin.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
        )
        == 0
    )


async def test_one_that_is_waiting_already_does_not_hold_up_the_recovery(
    database: str, database_admin: asyncpg.Connection
) -> None:
    # given: two jobs of dead workers, one of which waits once more under its queueing lock
    twin = await put_job(database_admin, FORGET, AT, status="doing", queueing_lock="lock")
    waiting = await put_job(database_admin, FORGET, AT, queueing_lock="lock")
    lost = await put_job(database_admin, FORGET, AT, status="doing")

    app = create_job_app(database)
    async with app.open_async():
        assert await recover_stalled_jobs(app.job_manager) == 1

    assert await status_of(database_admin, twin) == "aborted"
    assert await status_of(database_admin, waiting) == "todo"
    assert await status_of(database_admin, lost) == "todo"


async def test_it_survives_connections_that_break(
    database: str, database_admin: asyncpg.Connection
) -> None:
    async with working(database):
        for _ in range(2):
            await wait_for_job(database_admin, "orders:sweep", "succeeded")
            await database_admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await database_admin.execute("DELETE FROM procrastinate_jobs")


async def test_it_survives_a_restart_of_postgresql(tmp_path: Path) -> None:
    engines = EmbeddedEngines(tmp_path / "engines", valkey=False)
    url = (await asyncio.to_thread(engines.start)).database_url
    assert url
    try:
        await migrate(url)
        async with working(url):
            for _ in range(2):
                connection = await asyncpg.connect(url)
                job_id = await put_job(connection, FORGET, AT)

                async def is_done(
                    connection: asyncpg.Connection = connection, job_id: int = job_id
                ) -> bool:
                    return await status_of(connection, job_id) == "succeeded"

                await until(is_done)
                await connection.close()
                await asyncio.to_thread(engines.stop)
                await asyncio.sleep(1)
                await asyncio.to_thread(engines.start)
    finally:
        await asyncio.to_thread(engines.stop)
