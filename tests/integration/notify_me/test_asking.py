"""Asking to be told: once, with consent, and with the same answer for everybody."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import (
    CampaignNotFound,
    cancel_campaign,
    discard_draft,
    reschedule_campaign,
    sweep_openings_and_closings,
    unschedule_campaign,
)
from headless_presale.event_handlers import EVENT_HANDLERS
from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import Source
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError, InvalidInput
from headless_presale.kernel.events import set_event_handlers
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import ListMailKind, Message, MessageKind, announcing
from headless_presale.notifications.forgetting import forget_list_mails
from headless_presale.notify_me import (
    CampaignWatcher,
    NotifyMeAsked,
    NotifyMeClosed,
    WatcherCount,
    confirm,
    count_watchers,
    unsubscribe,
    unsubscribe_token,
)
from headless_presale.notify_me.forgetting import forget_old
from headless_presale.notify_me.people import person_of
from headless_presale.shops.models import Shop
from tests.conftest import NOON
from tests.support.state import stored_rows
from tests.support.statements import counted_statements
from tests.support.waiting import (
    EMAIL,
    OPENS_IN,
    ask,
    confirm_link,
    mails_written,
    scheduled_sale,
    watcher_of,
    wish,
)

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

CONFIRM = ListMailKind.NOTIFY_ME_CONFIRM


async def test_who_asks_is_on_the_list_with_what_was_agreed() -> None:
    sale = await scheduled_sale()

    assert await ask(sale, " Ann@Example.com ", locale="zh-CN") is True

    row = await CampaignWatcher.get()
    assert (row.email, row.locale, row.source) == (EMAIL, "zh-CN", "drop page")
    assert (row.consented_at, row.confirmed_at, row.told_at) == (NOON, None, None)
    assert row.person == person_of(sale.shop.id, EMAIL)


async def test_asking_again_changes_nothing_and_mails_once_a_day(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    before = (await stored_rows(database_admin))["campaign_watcher"]

    for _ in range(2):
        assert await ask(sale, locale="zh-CN") is True

    assert (await stored_rows(database_admin))["campaign_watcher"] == before
    assert await mails_written(database_admin, CONFIRM) == [EMAIL]
    (first,) = await Message.all()
    await Message.all().update(sent_at=clock.now())
    # A mail that was lost is asked for again a day later, and takes the place of the first.
    clock.advance(timedelta(days=1) - timedelta(seconds=1))
    await ask(sale)
    assert await mails_written(database_admin, CONFIRM) == [EMAIL]
    assert (await Message.get()).id == first.id
    clock.advance(timedelta(seconds=1))
    await ask(sale)
    assert await mails_written(database_admin, CONFIRM) == [EMAIL]
    again = await Message.get()
    assert (again.id != first.id, again.sent_at) == (True, None)


async def test_a_confirming_mail_that_waits_is_not_written_again(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await mails_written(database_admin, CONFIRM)
    before = await Message.get()
    clock.advance(timedelta(days=1))

    await ask(sale)

    assert await mails_written(database_admin, CONFIRM) == [EMAIL]
    assert (await Message.get()).id == before.id


async def test_the_answer_and_its_statements_do_not_tell_who_is_known(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await scheduled_sale()
    for email in ("known@example.com", "confirmed@example.com"):
        await ask(sale, email)
    await confirm(await confirm_link("confirmed@example.com"))
    await unsubscribe(unsubscribe_token(person_of(sale.shop.id, "gone@example.com")))

    seen = []
    async with counted_statements() as sent:
        # The first one opens the connection.
        await ask(sale, "known@example.com", at=Source(address="192.0.2.9"))
        for number, name in enumerate(("new", "known", "confirmed", "gone")):
            del sent[:]
            source = Source(address=f"192.0.2.{10 + number}")
            seen.append((await ask(sale, f"{name}@example.com", at=source), tuple(sent)))

    assert len(set(seen)) == 1
    # Two limits of two statements each; then campaign, list, event and job.
    assert len(seen[0][1]) == (2 + 2 * 2) + (2 + 4)
    assert await mails_written(database_admin, CONFIRM) == ["known@example.com", "new@example.com"]


async def test_control_who_decides_while_asked_tells_by_his_statements() -> None:
    async def decide(event: NotifyMeAsked) -> None:
        await announcing.ask_to_confirm(event.watcher_id)

    set_event_handlers({**EVENT_HANDLERS, NotifyMeAsked: (decide,)})
    sale = await scheduled_sale()
    await ask(sale, "confirmed@example.com")
    await confirm(await confirm_link("confirmed@example.com"))

    counts = []
    async with counted_statements() as sent:
        await ask(sale, at=Source(address="192.0.2.9"))
        for number, name in enumerate(("new", "confirmed")):
            del sent[:]
            await ask(sale, f"{name}@example.com", at=Source(address=f"192.0.2.{10 + number}"))
            counts.append(len(sent))

    assert counts[0] > counts[1]


async def test_a_shop_may_do_without_confirming(database_admin: asyncpg.Connection) -> None:
    sale = await scheduled_sale(is_confirmed=True)

    assert await ask(sale) is False

    assert (await watcher_of()).confirmed_at == NOON
    assert await mails_written(database_admin, CONFIRM) == []


async def test_who_did_not_confirm_is_confirmed_by_asking_a_shop_that_wants_none() -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await Shop.filter(id=sale.shop.id).update(notify_double_opt_in=False)

    await ask(sale)

    assert (await watcher_of()).confirmed_at == NOON


async def refused(sale: Any, *, admin: asyncpg.Connection, **changes: Any) -> DomainError:
    """Return why asking is refused, with nothing changed but the count of attempts."""

    def but_attempts(rows: dict[str, list[str]]) -> dict[str, list[str]]:
        return {name: found for name, found in rows.items() if name != "throttle"}

    before = but_attempts(await stored_rows(admin))
    with pytest.raises(DomainError) as caught:
        await ask(sale, **changes)
    assert but_attempts(await stored_rows(admin)) == before
    return caught.value


async def test_a_wish_that_cannot_be_kept_is_refused(database_admin: asyncpg.Connection) -> None:
    sale = await scheduled_sale()

    cases: list[tuple[dict[str, Any], str]] = [
        ({"has_consented": False}, "consent"),
        ({"email": "nobody"}, "email"),
        ({"source": "a" * 101}, "source"),
        ({"source": "a\x00b"}, "source"),
    ]
    for changes, field in cases:
        error = await refused(sale, admin=database_admin, **changes)
        assert isinstance(error, InvalidInput)
        assert error.field == (field,)


async def test_a_campaign_that_is_open_or_over_takes_no_names(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    # By the clock, whatever has been recorded.
    clock.advance(OPENS_IN)
    error = await refused(sale, admin=database_admin)
    assert isinstance(error, NotifyMeClosed)
    assert error.params["status"] == "LIVE"

    clock.advance(timedelta(days=7))
    assert (await refused(sale, admin=database_admin)).params["status"] == "CLOSED"
    await cancel_campaign(sale.campaign.id, reason="the kiln broke")
    assert (await refused(sale, admin=database_admin)).params["status"] == "CANCELLED"


async def test_a_draft_is_as_good_as_none(database_admin: asyncpg.Connection) -> None:
    sale = await scheduled_sale()
    await unschedule_campaign(sale.campaign.id)
    error = await refused(sale, admin=database_admin)
    assert isinstance(error, CampaignNotFound)
    await discard_draft(sale.campaign.id)

    assert str(await refused(sale, admin=database_admin)) == str(error)


async def test_a_discarded_draft_takes_its_list_along() -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await unschedule_campaign(sale.campaign.id)

    await discard_draft(sale.campaign.id)

    assert await CampaignWatcher.all().count() == 0


async def test_ten_times_a_day_for_an_address_whatever_the_campaign(clock: ManualClock) -> None:
    sale = await scheduled_sale()
    other = await scheduled_sale(sale.shop, sku="FOX-2", handle="second")
    for number in range(10):
        await ask(sale if number % 2 else other, at=Source(address=f"192.0.2.{number}"))

    with pytest.raises(TooManyAttempts) as caught:
        await ask(other, at=Source(address="192.0.2.99"))

    assert caught.value.params["retry_after_seconds"] == 3_600
    await ask(other, "lin@example.com", at=Source(address="192.0.2.99"))
    clock.advance(timedelta(hours=1))
    await ask(other, at=Source(address="192.0.2.99"))


async def test_thirty_at_once_from_one_place() -> None:
    sale = await scheduled_sale()
    for number in range(30):
        await ask(sale, f"ann{number}@example.com")

    with pytest.raises(TooManyAttempts):
        await ask(sale, "one-more@example.com")

    assert await CampaignWatcher.all().count() == 30


async def test_an_opening_waits_for_who_asks_in_the_last_moment(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    is_listed, may_commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def ask_slowly() -> None:
        from headless_presale.notify_me.asking import put_on_list

        async with unit_of_work():
            await put_on_list(wish(sale), EMAIL)
            is_listed.set()
            await may_commit.wait()

    asking = asyncio.create_task(ask_slowly())
    await is_listed.wait()
    clock.advance(OPENS_IN)
    sweeping = asyncio.create_task(sweep_openings_and_closings())
    await _is_waiting(database_admin)
    may_commit.set()
    await asyncio.gather(asking, sweeping)

    # The sweep saw the row that it had waited for.
    assert await mails_written(database_admin, ListMailKind.CAMPAIGN_OPENED) == [EMAIL]


async def _is_waiting(admin: asyncpg.Connection) -> None:
    async with asyncio.timeout(30):
        while True:
            if await admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND query LIKE 'UPDATE campaign SET status%' AND datname = current_database()"
            ):
                return
            await asyncio.sleep(0.01)


async def test_confirming_counts_once_and_says_where_the_campaign_stands(
    clock: ManualClock,
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    link = await confirm_link()
    assert await count_watchers([sale.campaign.id]) == {sale.campaign.id: WatcherCount(asked=1)}

    first = await confirm(link)
    clock.advance(timedelta(hours=1))
    again = await confirm(link)

    assert first is not None
    assert first == again
    assert first.status == "SCHEDULED"
    assert (await watcher_of()).confirmed_at == NOON
    counted = await count_watchers([sale.campaign.id])
    assert counted[sale.campaign.id] == WatcherCount(asked=1, confirmed=1)


@pytest.mark.parametrize("token", ["", "x", "00000000000000000000000000000000.aaaa", "é.\x00"])
async def test_a_link_of_nobody_confirms_nothing(token: str) -> None:
    sale = await scheduled_sale()
    await ask(sale)

    assert await confirm(token) is None
    # One that was made to unsubscribe does not confirm.
    assert await confirm(unsubscribe_token((await watcher_of()).id)) is None
    assert (await watcher_of()).confirmed_at is None


async def test_mails_of_lists_are_deleted_after_thirty_days_and_no_others(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    await ask(sale)
    await mails_written(database_admin, CONFIRM)
    (mail,) = await Message.all().values()
    await Message.create(**{**mail, "id": new_id(), "kind": MessageKind.ORDER_CONFIRMED})

    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert await forget_list_mails() == 0
    clock.advance(timedelta(seconds=1))
    assert await forget_list_mails() == 1

    assert [row.kind for row in await Message.all()] == [MessageKind.ORDER_CONFIRMED]


async def test_addresses_are_deleted_once_they_are_no_use(clock: ManualClock) -> None:
    sale = await scheduled_sale()
    moved = await scheduled_sale(sale.shop, sku="FOX-2", handle="second")
    for email in (EMAIL, "lin@example.com"):
        await ask(sale, email)
    await ask(moved)
    await confirm(await confirm_link("lin@example.com"))
    await reschedule_campaign(
        moved.campaign.id,
        opens_at=NOON + timedelta(days=60),
        closes_at=NOON + timedelta(days=67),
        default_locale="en",
    )
    late = CampaignWatcher.filter(campaign_id=moved.campaign.id)
    await late.update(confirmed_at=NOON)

    clock.advance(OPENS_IN + timedelta(days=7 + 30) - timedelta(seconds=1))
    # Ann never confirmed, which is more than thirty days ago.
    assert await forget_old() == 1
    clock.advance(timedelta(seconds=1))
    assert await forget_old() == 1

    assert await CampaignWatcher.filter(email=None).count() == 1
    assert [row.email for row in await late.all()] == [EMAIL]
    assert await forget_old() == 0
