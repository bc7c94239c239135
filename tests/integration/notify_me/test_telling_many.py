"""A long list is told in pieces, by any number of workers, and nobody twice."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest
from asyncpg.exceptions import PostgresError

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import Message, announcing
from headless_presale.notify_me import CampaignWatcher, claim_watchers, telling
from tests.conftest import NOON
from tests.integration.notify_me.opening import OPENED, jobs_waiting, opened
from tests.support.statements import counted_statements
from tests.support.waiting import EMAIL, ask, put_on_list, run_jobs, scheduled_sale, watcher_of

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def test_an_opening_asks_for_one_job_and_for_none_where_nobody_waits(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await scheduled_sale(sale.shop, sku="FOX-2", handle="second", is_confirmed=True)
    for number in range(20):
        await ask(sale, f"ann{number}@example.com")

    await opened(clock)

    assert await jobs_waiting(database_admin) == ["tell_watchers 1"]


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
