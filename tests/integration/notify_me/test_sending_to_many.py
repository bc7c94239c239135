"""Mails of a list are sent by few jobs, each as carefully as if it were alone."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from procrastinate import App, PsycopgConnector

from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import (
    MailNotAccepted,
    Message,
    MessageBusy,
    SmtpTransport,
    announcing,
    deliver_many,
    set_transport,
)
from headless_presale.notifications.delivery import CLAIM_SECONDS
from headless_presale.notifications.jobs import MAX_RETRIES, send_messages
from headless_presale.notifications.mail import Mail
from headless_presale.notify_me import CampaignWatcher, unsubscribe, unsubscribe_token
from tests.conftest import NOON
from tests.integration.notifications.conftest import SENDER
from tests.integration.notifications.mail_server import MailServer
from tests.support.statements import counted_statements
from tests.support.waiting import OPENS_IN, put_on_list, scheduled_sale

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

BUSY = "451 4.7.1 Greylisted, try again later"


async def written(admin: asyncpg.Connection, clock: ManualClock, count: int) -> list[UUID]:
    """Have mails written to so many people, ann1 first; return the ids."""
    sale = await scheduled_sale(is_confirmed=True)
    await put_on_list(admin, sale, count, at=NOON)
    clock.advance(OPENS_IN)
    await announcing.tell_watchers(sale.campaign.id)
    return [message.id for message in await Message.all().order_by("recipient")]


async def states() -> dict[str, str]:
    """Return how it stands with each mail, by the name of whom it is for."""
    return {
        message.recipient.partition("@")[0]: "sent"
        if message.sent_at
        else message.failure or ("claimed" if message.claimed_until else "waits")
        for message in await Message.all()
    }


async def test_a_mail_more_costs_one_transaction_more(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    ids = await written(database_admin, clock, 6)
    async with counted_statements() as sent:
        # The first opens the connection and knows the types.
        await deliver_many(ids[:1])
        del sent[:]
        await deliver_many(ids[1:2])
        for_one = len(sent)
        del sent[:]
        await deliver_many(ids[2:])
        for_four = len(sent)

    assert len(mail_server.mails) == 6
    # BEGIN, that it is sent, COMMIT
    assert for_four - for_one == 3 * 3


async def test_what_the_server_takes_later_keeps_nobody_else_waiting(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    ids = await written(database_admin, clock, 4)
    mail_server.at_recipient = [BUSY, "550 5.1.1 No such user"]

    with pytest.raises(MailNotAccepted, match="Greylisted"):
        await deliver_many(ids)

    refused = "550 5.1.1 No such user"
    assert await states() == {"ann1": "waits", "ann2": refused, "ann3": "sent", "ann4": "sent"}
    await deliver_many(ids)
    assert mail_server.recipients == [f"ann{n}@example.com" for n in (3, 4, 1)]


async def test_who_has_unsubscribed_gets_none_of_them(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    ids = await written(database_admin, clock, 3)
    second = await CampaignWatcher.get(email="ann2@example.com")
    await unsubscribe(unsubscribe_token(second.person))

    await deliver_many(ids)

    assert await states() == {"ann1": "sent", "ann2": "unsubscribed", "ann3": "sent"}
    assert len(mail_server.mails) == 2


async def test_what_another_worker_has_in_hand_is_left_to_it(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    ids = await written(database_admin, clock, 3)
    until = clock.now() + timedelta(seconds=CLAIM_SECONDS)
    await Message.filter(id=ids[1]).update(claimed_until=until)

    with pytest.raises(MessageBusy):
        await deliver_many(ids)

    assert await states() == {"ann1": "sent", "ann2": "claimed", "ann3": "sent"}
    clock.advance(timedelta(seconds=CLAIM_SECONDS))
    await deliver_many(ids)
    assert len(mail_server.mails) == 3


class SlowTransport(SmtpTransport):
    """Takes half a minute for each mail."""

    def __init__(self, clock: ManualClock, port: int) -> None:
        super().__init__(SENDER, host="127.0.0.1", port=port)
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        await super().send(mail)
        self._clock.advance(timedelta(seconds=30))


async def test_none_is_begun_that_could_outlast_its_claim(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    ids = await written(database_admin, clock, 4)
    set_transport(SlowTransport(clock, mail_server.port))

    with pytest.raises(MessageBusy):
        await deliver_many(ids)

    # The third would begin after 60 s, and could end after 120: another worker might have it then.
    assert await states() == {"ann1": "sent", "ann2": "sent", "ann3": "waits", "ann4": "waits"}
    await deliver_many(ids)
    assert len(mail_server.mails) == 4


@pytest.fixture
async def worker(database: str) -> AsyncIterator[App]:
    """Return an app that knows this job alone."""
    app = App(connector=PsycopgConnector(conninfo=database, min_size=1, max_size=2))
    app.add_task_alias(send_messages, "notifications:send_messages")
    async with app.open_async():
        yield app


async def run(worker: App) -> None:
    """Run the job that is due now."""
    await worker.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def test_each_attempt_begins_with_another_and_the_last_one_is_recorded(
    worker: App,
    database_admin: asyncpg.Connection,
    clock: ManualClock,
    mail_server: MailServer,
) -> None:
    ids = await written(database_admin, clock, 3)
    asked = [
        row["id"]
        for row in await database_admin.fetch(
            "SELECT jsonb_array_elements_text(args -> 'message_ids')::uuid AS id "
            "FROM procrastinate_jobs WHERE task_name = 'notifications:send_messages'"
        )
    ]
    assert sorted(asked) == sorted(ids)
    mail_server.at_recipient = [BUSY] * 3

    await run(worker)
    await database_admin.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    await run(worker)

    emails = {message.id: message.recipient for message in await Message.all()}
    assert mail_server.recipients == [emails[id_] for id_ in (*asked[1:], *asked[:1])]


async def test_what_is_given_up_is_recorded_on_what_was_not_sent(
    worker: App,
    database_admin: asyncpg.Connection,
    clock: ManualClock,
    mail_server: MailServer,
) -> None:
    await written(database_admin, clock, 3)
    await database_admin.execute("UPDATE procrastinate_jobs SET attempts = $1", MAX_RETRIES)
    mail_server.at_recipient = [BUSY]

    await run(worker)

    assert len(mail_server.mails) == 2
    assert sorted((await states()).values()) == [f"given up: {BUSY}", "sent", "sent"]
