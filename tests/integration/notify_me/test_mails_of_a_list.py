"""The mails of a list: what they say, how they are left, and when they are not sent after all."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.catalog.models import Product
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import Message, deliver, set_campaign_link
from headless_presale.notify_me import CampaignWatcher, confirm
from headless_presale.runtime import _campaign_link
from headless_presale.shops.models import Shop
from tests.integration.notifications.mail_server import MailServer
from tests.integration.notify_me.opening import LIN, opened
from tests.support.waiting import EMAIL, ask, confirm_link, run_jobs, scheduled_sale, send_all

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


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
