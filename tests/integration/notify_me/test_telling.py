"""An opening is told to those who wait: each once, and nobody who wants none."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from asyncpg.exceptions import PostgresError

from headless_presale.campaigns import (
    cancel_campaign,
    publish_campaign,
    reschedule_campaign,
    sweep_openings_and_closings,
    unschedule_campaign,
)
from headless_presale.catalog.models import Product
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import (
    ListMailKind,
    Message,
    announcing,
    deliver,
    set_campaign_link,
)
from headless_presale.notify_me import (
    CampaignWatcher,
    WatcherCount,
    claim_watchers,
    confirm,
    count_watchers,
    resubscribe,
    telling,
    unsubscribe,
    unsubscribe_token,
)
from headless_presale.runtime import _campaign_link
from headless_presale.shops.models import Shop
from tests.conftest import NOON
from tests.integration.notifications.mail_server import MailServer
from tests.support.shop import make_shop
from tests.support.statements import counted_statements
from tests.support.waiting import (
    EMAIL,
    OPENS_IN,
    ask,
    confirm_link,
    mails_written,
    put_on_list,
    run_jobs,
    scheduled_sale,
    send_all,
    turn_off_openings,
    watcher_of,
)

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

OPENED = ListMailKind.CAMPAIGN_OPENED
LIN = "lin@example.com"


async def jobs_waiting(admin: asyncpg.Connection) -> list[str]:
    """Return the names of the jobs that wait, each with how many there are."""
    rows = await admin.fetch(
        "SELECT task_name, count(*) AS n FROM procrastinate_jobs WHERE status = 'todo' "
        "GROUP BY 1 ORDER BY 1"
    )
    return [f"{row['task_name'].partition(':')[2]} {row['n']}" for row in rows]


async def opened(clock: ManualClock, by: timedelta = OPENS_IN) -> None:
    """Let the campaign open, and the sweep see it."""
    clock.advance(by)
    await sweep_openings_and_closings()


async def leave(email: str = EMAIL) -> None:
    """Unsubscribe by the link of a mail."""
    assert await unsubscribe(unsubscribe_token((await watcher_of(email)).person))


async def test_an_opening_asks_for_one_job_and_for_none_where_nobody_waits(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await scheduled_sale(sale.shop, sku="FOX-2", handle="second", is_confirmed=True)
    for number in range(20):
        await ask(sale, f"ann{number}@example.com")

    await opened(clock)

    assert await jobs_waiting(database_admin) == ["tell_watchers 1"]


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


async def test_a_long_list_is_told_in_pieces_that_ask_for_the_next(
    database_admin: asyncpg.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "AT_ONCE", 10)
    monkeypatch.setattr(announcing, "SENT_AT_ONCE", 4)
    sale = await scheduled_sale(is_confirmed=True)
    await put_on_list(database_admin, sale, 25, at=NOON)
    await opened(clock)

    await announcing.tell_watchers(sale.campaign.id)

    assert await jobs_waiting(database_admin) == ["send_messages 3", "tell_watchers 1"]
    queued = await database_admin.fetch(
        "SELECT DISTINCT queue_name, priority, task_name FROM procrastinate_jobs ORDER BY 2, 1"
    )
    # The mails go before the next piece.
    assert [tuple(row) for row in queued] == [
        ("announcements", -1, "notifications:tell_watchers"),
        ("announcements", 0, "notifications:send_messages"),
    ]
    assert await run_jobs(database_admin) == ["tell_watchers"] * 2
    # 4 + 4 + 2 of each ten, 4 + 1 of the last five
    assert await jobs_waiting(database_admin) == ["send_messages 8"]
    assert await Message.filter(kind=OPENED).count() == 25


async def test_a_piece_costs_the_same_for_one_and_for_five_hundred(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await put_on_list(database_admin, sale, 499, at=NOON)
    await opened(clock)
    async with counted_statements() as sent:
        # The first opens the connection and knows the types.
        await announcing.tell_watchers(sale.campaign.id)
        await put_on_list(database_admin, sale, 1, at=NOON, start=1_000)
        del sent[:]
        assert await announcing.tell_watchers(sale.campaign.id) == 1
        for_one = len(sent)
        await put_on_list(database_admin, sale, 499, at=NOON, start=2_000)
        del sent[:]
        assert await announcing.tell_watchers(sale.campaign.id) == 499
        for_many = len(sent)

    assert for_one == for_many


async def test_two_workers_tell_different_people(
    database_admin: asyncpg.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "AT_ONCE", 7)
    sale = await scheduled_sale(is_confirmed=True)
    await put_on_list(database_admin, sale, 40, at=NOON)
    await opened(clock)

    async def work() -> None:
        while await announcing.tell_watchers(sale.campaign.id):
            pass

    await asyncio.gather(*(work() for _ in range(4)))

    assert await Message.filter(kind=OPENED).count() == 40
    assert await CampaignWatcher.filter(told_at=None).count() == 0
    sending = (
        "SELECT sum(jsonb_array_length(args -> 'message_ids')) FROM procrastinate_jobs "
        "WHERE task_name LIKE '%:send_messages'"
    )
    assert await database_admin.fetchval(sending) == 40


async def test_control_without_the_claim_somebody_is_told_twice(
    database_admin: asyncpg.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who only looks, and notes it afterwards, writes to the same people as the other worker. Two
    # mails of one person are still one row: that is the second line, and taken away as well.
    looking = re.sub(
        r"UPDATE campaign_watcher.*RETURNING",
        "SELECT",
        telling._CLAIM.replace("FOR UPDATE SKIP LOCKED", "").replace(
            "told.locale\n",
            "told.locale FROM campaign_watcher told JOIN waiting USING (id), "
            "(SELECT $3::timestamptz) AS at",
        ),
        flags=re.DOTALL,
    )
    monkeypatch.setattr(telling, "_CLAIM", looking)
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await opened(clock)

    @shielded
    async def claimed() -> list[str]:
        async with unit_of_work() as work:
            found = await claim_watchers(
                work, sale.campaign.id, shop_id=sale.shop.id, limit=announcing.AT_ONCE
            )
            return [watcher.email for watcher in found.watchers]

    assert await claimed() + await claimed() == [EMAIL, EMAIL]


async def test_a_piece_that_fails_has_told_nobody(
    database_admin: asyncpg.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await opened(clock)

    async def fail(*_: Any, **__: Any) -> None:
        raise PostgresError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(announcing, "write_messages", fail)
        with pytest.raises(PostgresError):
            await announcing.tell_watchers(sale.campaign.id)
    assert (await watcher_of()).told_at is None

    assert await announcing.tell_watchers(sale.campaign.id) == 1


async def test_the_mail_of_an_opening(
    database_admin: asyncpg.Connection, clock: ManualClock, mail_server: MailServer
) -> None:
    set_campaign_link(_campaign_link("https://shop.example/{shop}/drops/{handle}?id={id}"))
    tier = {"name": "early", "lasts": timedelta(days=3), "price_bps": 9_000}
    sale = await scheduled_sale(is_confirmed=True, item={"time_tiers": [tier]})
    await Product.all().update(translations={"zh-CN": {"title": "星云狐"}})
    await Shop.all().update(translations={"zh-CN": {"name": "月光工坊"}})
    await ask(sale)
    await ask(sale, LIN, locale="zh-Hans-CN")
    await opened(clock)
    await run_jobs(database_admin)
    try:
        await send_all()
    finally:
        set_campaign_link(None)

    assert sorted(mail_server.recipients) == [EMAIL, LIN]
    english, chinese = sorted(mail_server.mails, key=lambda mail: str(mail["To"]))
    assert english["Subject"] == "Nebula Fox presale is open now – Moonlit Forge"
    assert chinese["Subject"] == "Nebula Fox presale 现已开售 – 月光工坊"
    text = _text(english)
    assert "Nebula Fox: CN¥90.00 until March 6, 2026 at 12:00 UTC (instead of CN¥100.00)" in text
    assert "Open until: March 10, 2026 at 12:00 UTC, or until the last slot is taken" in text
    assert "https://shop.example/moonlit-forge/drops/nebula-fox?id=" in text
    assert "星云狐：¥90.00，截至 2026年3月6日 20:00（北京时间）（原价 ¥100.00）" in _text(chinese)
    leave = re.escape("http://127.0.0.1:8000/notify-me/unsubscribe?token=") + r"\S+"
    leave_by = re.fullmatch(f"<({leave})>", english["List-Unsubscribe"])
    assert leave_by is not None
    assert leave_by[1] in text.splitlines()
    assert english["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # On one line, as programs read it.
    assert f"List-Unsubscribe: <{leave_by[1]}>\r\n".encode() in b"".join(mail_server.contents)
    token = leave_by[1].partition("token=")[2]
    assert not await _is_stored(database_admin, token.partition(".")[2])


async def test_the_mail_that_has_one_confirm(
    database_admin: asyncpg.Connection, mail_server: MailServer
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await run_jobs(database_admin)

    await send_all()

    mail = mail_server.mails[0]
    link = f"http://127.0.0.1:8000/notify-me/confirm?token={await confirm_link()}"
    assert link in _text(mail).splitlines()
    assert "Opens: March 3, 2026 at 12:00 UTC" in _text(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Asked for twice at once, and confirmed before the second one is sent.
    await Message.all().update(sent_at=None)
    await confirm(await confirm_link())
    await send_all()
    assert len(mail_server.mails) == 1
    assert (await Message.get()).failure == "confirmed already"


async def test_a_mail_whose_list_is_gone_is_not_sent(
    database_admin: asyncpg.Connection, mail_server: MailServer
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await run_jobs(database_admin)
    await CampaignWatcher.all().delete()

    await deliver((await Message.get()).id)

    assert (await Message.get()).failure == "nobody waits any more"
    assert mail_server.mails == []


def _text(mail: Any) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


async def _is_stored(admin: asyncpg.Connection, secret: str) -> bool:
    found = await admin.fetch(
        "SELECT m::text FROM message m WHERE m::text LIKE '%' || $1 || '%' UNION ALL "
        "SELECT w::text FROM campaign_watcher w WHERE w::text LIKE '%' || $1 || '%'",
        secret,
    )
    return bool(found)
