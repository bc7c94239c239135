"""The job, run by procrastinate's own worker on the queue that the events filled."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from procrastinate import App, PsycopgConnector

from headless_presale.notifications import Message
from headless_presale.notifications.jobs import MAX_RETRIES, send_message
from headless_presale.payments import PaymentLeg
from tests.integration.notifications.mail_server import MailServer
from tests.integration.notifications.orders import open_deposit_sale, pay, place

pytestmark = pytest.mark.usefixtures("redis", "clock")


@pytest.fixture
async def worker(database: str) -> AsyncIterator[App]:
    """Return an app that knows this context's job alone."""
    app = App(connector=PsycopgConnector(conninfo=database, min_size=1, max_size=2))
    # An alias leaves the task as it is: ``add_tasks_from`` would rename it for good, once more
    # with every app of this process.
    app.add_task_alias(send_message, "notifications:send_message")
    async with app.open_async():
        yield app


async def run(worker: App) -> None:
    """Run the jobs that are due now."""
    async with asyncio.timeout(30):
        await worker.run_worker_async(
            wait=False, install_signal_handlers=False, listen_notify=False
        )


async def job(database_admin: asyncpg.Connection) -> asyncpg.Record:
    row = await database_admin.fetchrow(
        "SELECT status, attempts, scheduled_at - now() AS wait FROM procrastinate_jobs "
        "WHERE task_name = 'notifications:send_message'"
    )
    assert row is not None
    return row


async def let_time_pass(database_admin: asyncpg.Connection) -> None:
    await database_admin.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")


async def confirm_an_order() -> None:
    await pay(await place(await open_deposit_sale()), PaymentLeg.DEPOSIT)


async def test_a_refusal_for_now_is_waited_out(
    worker: App, mail_server: MailServer, database_admin: asyncpg.Connection
) -> None:
    await confirm_an_order()
    mail_server.at_recipient = ["421 4.3.2 Busy", "450 4.2.0 Busy"]

    await run(worker)
    first = await job(database_admin)
    assert (first["status"], first["attempts"]) == ("todo", 1)
    assert 0 < first["wait"].total_seconds() <= 2
    assert mail_server.mails == []

    await let_time_pass(database_admin)
    await run(worker)
    second = await job(database_admin)
    assert (second["status"], second["attempts"]) == ("todo", 2)
    assert 2 < second["wait"].total_seconds() <= 4

    await let_time_pass(database_admin)
    await run(worker)
    assert (await job(database_admin))["status"] == "succeeded"
    assert len(mail_server.mails) == 1
    assert (await Message.get()).sent_at is not None


async def test_a_job_that_runs_twice_sends_one_mail(
    worker: App, mail_server: MailServer, database_admin: asyncpg.Connection
) -> None:
    await confirm_an_order()
    await run(worker)

    await database_admin.execute("UPDATE procrastinate_jobs SET status = 'todo'")
    await run(worker)

    assert len(mail_server.mails) == 1
    assert mail_server.attempts == 1


async def test_the_last_failed_attempt_is_recorded_on_the_message(
    worker: App, mail_server: MailServer, database_admin: asyncpg.Connection
) -> None:
    await confirm_an_order()
    mail_server.at_content = ["452 4.3.1 Disk full"] * 2
    await database_admin.execute(
        "UPDATE procrastinate_jobs SET attempts = $1 "
        "WHERE task_name = 'notifications:send_message'",
        MAX_RETRIES - 1,
    )

    await run(worker)
    assert (await Message.get()).failed_at is None
    await let_time_pass(database_admin)
    await run(worker)

    assert (await job(database_admin))["status"] == "failed"
    message = await Message.get()
    assert message.sent_at is None
    assert message.failed_at is not None
    assert message.failure == "given up: 452 4.3.1 Disk full"
    assert mail_server.mails == []
