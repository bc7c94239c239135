"""A worker is killed while it mails a list, and the next one goes on: each is told once."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import Message, announcing
from headless_presale.notify_me import CampaignWatcher
from headless_presale.worker import CONCURRENCY
from tests.conftest import ISSUER, SECRET_KEY
from tests.integration.notifications.conftest import SENDER
from tests.integration.notifications.mail_server import MailServer
from tests.integration.worker.processes import recover, working
from tests.support.drop import open_drop
from tests.support.processes import work_until_killed
from tests.support.servers import until
from tests.support.waiting import put_on_list

pytestmark = pytest.mark.usefixtures("redis")

WAITING = 60
KILLED_AT = 3


async def test_a_list_that_two_workers_tell_is_told_once(
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
    mail_server: MailServer,
    tmp_path: Path,
) -> None:
    # given: a campaign that is open by the real clock, and those who wait for it
    sale = await open_drop(capacity=5)
    await put_on_list(database_admin, sale, WAITING, at=clock.now())
    await ask_to_tell(sale.campaign.id)
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_PUBLIC_URL": ISSUER,
        "PRESALE_MAIL_TRANSPORT": "smtp",
        "PRESALE_MAIL_FROM": str(SENDER),
        "PRESALE_SMTP_PORT": str(mail_server.port),
        "PRESALE_SMTP_HOST": "127.0.0.1",
    }

    # when: a worker dies as the third mail is out, and not noted
    await work_until_killed(tmp_path, environment, f"messages.sent:{KILLED_AT}")

    # then: all are written to, and few have got it
    assert await CampaignWatcher.filter(told_at=None).count() == 0
    assert await Message.all().count() == WAITING
    noted = await Message.exclude(sent_at=None).count()
    assert noted < KILLED_AT <= len(mail_server.mails)

    # and: the next worker sends the rest, once it may: two minutes later
    await recover(database)
    await database_admin.execute("UPDATE message SET claimed_until = now() WHERE sent_at IS NULL")
    async with working(database):
        await until(_all_are_sent, seconds=60)
    assert await Message.exclude(failed_at=None).count() == 0
    assert set(mail_server.recipients) == {f"ann{n}@example.com" for n in range(1, WAITING + 1)}
    # and: what was out and not noted went out again, as the very same mail; nothing else did
    copies = Counter(mail_server.contents)
    assert len(copies) == WAITING
    unnoted = len(mail_server.contents) - WAITING
    assert 1 <= unnoted <= CONCURRENCY[announcing.QUEUE]


@shielded
async def ask_to_tell(campaign_id: UUID) -> None:
    async with unit_of_work():
        await announcing._ask_to_tell(campaign_id)


async def _all_are_sent() -> bool:
    return await Message.filter(sent_at=None).count() == 0
