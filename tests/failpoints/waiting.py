"""Waiting for an opening: on the list or not, told once, and out for good."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.notifications import MessageBusy, deliver_many
from headless_presale.notifications.announcing import ask_to_confirm, tell_watchers
from headless_presale.notify_me import (
    CampaignWatcher,
    NotifyMe,
    confirm,
    confirm_token,
    resubscribe,
    unsubscribe,
    unsubscribe_token,
)
from headless_presale.notify_me.asking import put_on_list
from tests.failpoints.world import Scenario, World
from tests.support.waiting import scheduled_sale, turn_off_openings

EMAIL = "ann@example.com"


async def _campaign(world: World) -> UUID:
    sale = await scheduled_sale(world.sale.shop, sku="FOX-9", handle="later")
    return sale.campaign.id


async def _ask(campaign_id: UUID) -> object:
    wish = NotifyMe(campaign_id=campaign_id, email=EMAIL, locale="en", has_consented=True)
    return await put_on_list(wish, EMAIL)


async def _is_on_it_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM campaign_watcher") == 1
    # Each time it was asked a job looks whether a mail is due.
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%:ask_to_confirm'"
    assert 1 <= await world.count(jobs) <= 2


async def _asked(world: World) -> UUID:
    await _ask(await _campaign(world))
    return (await CampaignWatcher.get()).id


async def _is_asked_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM message WHERE kind = 'notify_me_confirm'") == 1


async def _a_link(world: World) -> str:
    watcher_id = await _asked(world)
    await unsubscribe(unsubscribe_token((await CampaignWatcher.get()).person))
    return confirm_token(watcher_id)


async def _is_confirmed(world: World, _: object) -> None:
    assert (await CampaignWatcher.get()).confirmed_at is not None
    assert await world.count("SELECT count(*) FROM notify_me_unsubscribed") == 0


async def _leaving(world: World) -> str:
    await _asked(world)
    return unsubscribe_token((await CampaignWatcher.get()).person)


async def _has_left(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM notify_me_unsubscribed") == 1


async def _has_left_before(world: World) -> str:
    token = await _leaving(world)
    await unsubscribe(token)
    return token


async def _is_back(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM notify_me_unsubscribed") == 0


async def _four_wait(world: World) -> UUID:
    # For the world's own sale, which is open: they confirmed in its last moment.
    for number in range(4):
        at = clock.now() - timedelta(days=1)
        await CampaignWatcher.create(
            id=new_id(),
            campaign_id=world.sale.campaign.id,
            person=new_id(),
            email=f"ann{number}@example.com",
            locale="en",
            source="",
            consented_at=at,
            confirmed_at=at,
        )
    # One more does not want it any more.
    await turn_off_openings(world.sale.shop.id, "ann3@example.com")
    return world.sale.campaign.id


async def _are_told_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM campaign_watcher WHERE told_at IS NULL") == 0
    assert await world.count("SELECT count(*) FROM campaign_watcher") == 3
    mails = "SELECT count(*) FROM message WHERE kind = 'campaign_opened'"
    assert await world.count(mails) == 3
    jobs = (
        "SELECT count(*) FROM procrastinate_jobs j, "
        "jsonb_array_elements_text(j.args -> 'message_ids') AS of_many(id) JOIN message m "
        "ON m.id::text = of_many.id WHERE m.kind = 'campaign_opened'"
    )
    assert await world.count(jobs) == 3


async def _mails_to_three(world: World) -> Sequence[UUID]:
    await tell_watchers(await _four_wait(world))
    found = await world.admin.fetch("SELECT id FROM message ORDER BY id")
    return [row["id"] for row in found]


async def _send(message_ids: Sequence[UUID]) -> None:
    # Those that a dead worker had in hand are left to it for two minutes.
    with contextlib.suppress(MessageBusy):
        await deliver_many(message_ids)


async def _are_sent(world: World, message_ids: Sequence[UUID]) -> None:
    world.clock.advance(timedelta(minutes=3))
    await deliver_many(message_ids)
    assert await world.count("SELECT count(*) FROM message WHERE sent_at IS NULL") == 0


SCENARIOS = [
    Scenario("asking to be told", _campaign, _ask, _is_on_it_once),
    Scenario("asking to confirm", _asked, ask_to_confirm, _is_asked_once),
    Scenario("confirming to be told", _a_link, confirm, _is_confirmed),
    Scenario("unsubscribing", _leaving, unsubscribe, _has_left),
    Scenario("subscribing again", _has_left_before, resubscribe, _is_back),
    Scenario("telling of an opening", _four_wait, tell_watchers, _are_told_once),
    Scenario("sending to many", _mails_to_three, _send, _are_sent),
]
