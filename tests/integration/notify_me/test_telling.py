"""An opening is told to those who wait: each once, and nobody who wants none."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.campaigns import (
    cancel_campaign,
    publish_campaign,
    reschedule_campaign,
    sweep_openings_and_closings,
    unschedule_campaign,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import ListMailKind, Message, announcing
from headless_presale.notify_me import (
    CampaignWatcher,
    WatcherCount,
    confirm,
    count_watchers,
    resubscribe,
    unsubscribe_token,
)
from tests.conftest import NOON
from tests.integration.notifications.mail_server import MailServer
from tests.integration.notify_me.opening import LIN, OPENED, jobs_waiting, leave, opened
from tests.support.shop import make_shop
from tests.support.waiting import (
    EMAIL,
    ask,
    confirm_link,
    mails_written,
    run_jobs,
    scheduled_sale,
    send_all,
    turn_off_openings,
    watcher_of,
)

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_only_who_confirmed_and_has_not_left_is_told(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    for email in (EMAIL, LIN, "gone@example.com", "back@example.com"):
        await ask(sale, email)
        if email != LIN:
            await confirm(await confirm_link(email))
    await leave("gone@example.com")
    await leave("back@example.com")
    await resubscribe(unsubscribe_token((await watcher_of("back@example.com")).person))

    await opened(clock)

    assert await mails_written(database_admin, OPENED) == [EMAIL, "back@example.com"]
    counted = await count_watchers([sale.campaign.id])
    assert counted[sale.campaign.id] == WatcherCount(asked=4 - 1, confirmed=2, told=2)


async def test_leaving_holds_for_all_campaigns_of_the_shop_and_no_other(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await leave()
    later = await scheduled_sale(sale.shop, sku="FOX-2", handle="second", is_confirmed=True)
    other = await scheduled_sale(await make_shop("other"), is_confirmed=True)
    for campaign in (later, other):
        await ask(campaign)

    await opened(clock)
    await run_jobs(database_admin)

    told = await CampaignWatcher.exclude(told_at=None)
    assert [row.campaign_id for row in told] == [other.campaign.id]


async def test_who_turned_openings_off_in_his_account_is_struck_off(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    for email in (EMAIL, LIN):
        await ask(sale, email)
    await turn_off_openings(sale.shop.id)
    await opened(clock)
    assert await mails_written(database_admin, OPENED) == [LIN]
    assert await CampaignWatcher.filter(email=EMAIL).count() == 0

    # Who does so before his mail is sent gets none either.
    await turn_off_openings(sale.shop.id, LIN)
    await send_all()

    assert mail_server.mails == []
    assert (await Message.get(kind=OPENED)).failure == "unsubscribed"


async def test_who_turned_openings_off_is_not_asked_to_confirm(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await scheduled_sale()
    await turn_off_openings(sale.shop.id)

    await ask(sale)

    assert await mails_written(database_admin, ListMailKind.NOTIFY_ME_CONFIRM) == []


async def test_nobody_is_told_twice(database_admin: asyncpg.Connection, clock: ManualClock) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await reschedule_campaign(
        sale.campaign.id,
        opens_at=NOON + timedelta(days=3),
        closes_at=NOON + timedelta(days=9),
        default_locale="en",
    )
    await unschedule_campaign(sale.campaign.id)
    await publish_campaign(sale.campaign.id, default_locale="en")
    await opened(clock)
    assert await mails_written(database_admin, OPENED) == []

    await opened(clock, timedelta(days=1))
    for _ in range(2):
        await sweep_openings_and_closings()
        await announcing.tell_watchers(sale.campaign.id)

    assert await mails_written(database_admin, OPENED) == [EMAIL]


async def test_a_campaign_that_is_called_off_tells_nobody(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    called_off = await scheduled_sale(sale.shop, sku="FOX-2", handle="2", is_confirmed=True)
    for campaign in (sale, called_off):
        await ask(campaign)
    await cancel_campaign(called_off.campaign.id, reason="the kiln broke")
    await opened(clock)
    assert await mails_written(database_admin, OPENED) == [EMAIL]

    # The mail is written; before it is sent the campaign ends.
    await cancel_campaign(sale.campaign.id, reason="the kiln broke")
    await send_all()

    message = await Message.get(kind=OPENED)
    assert (message.sent_at, message.failure) == (None, "the campaign is CANCELLED")
    assert mail_server.mails == []


async def test_a_campaign_that_closed_meanwhile_tells_nobody_any_more(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await opened(clock)
    clock.advance(timedelta(days=7))

    assert await mails_written(database_admin, OPENED) == []
    assert (await watcher_of()).told_at is None


async def test_who_leaves_before_his_mail_is_sent_gets_none(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    for email in (EMAIL, LIN):
        await ask(sale, email)
    await opened(clock)
    assert await mails_written(database_admin, OPENED) == [EMAIL, LIN]

    await leave(EMAIL)
    await send_all()

    assert mail_server.recipients == [LIN]
    assert (await Message.get(recipient=EMAIL)).failure == "unsubscribed"


async def test_who_confirms_too_late_is_told_at_once(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    link = await confirm_link()
    await opened(clock)
    assert await jobs_waiting(database_admin) == ["ask_to_confirm 1"]
    # There is nothing to confirm any more, unless one has the link already.
    await run_jobs(database_admin)
    assert await Message.all().count() == 0

    waiting = await confirm(link)

    assert waiting is not None
    assert waiting.status == "LIVE"
    assert await mails_written(database_admin, OPENED) == [EMAIL]


async def test_confirming_takes_back_an_earlier_leave(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    link = await confirm_link()
    await leave()

    await confirm(link)
    await opened(clock)

    assert await mails_written(database_admin, OPENED) == [EMAIL]
