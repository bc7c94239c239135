"""A campaign under way: batches, terms, openings and closes by the clock, and calling it off."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import (
    CampaignNotFound,
    CampaignNotOpen,
    CampaignNotPublishable,
    CampaignStatus,
    ItemNotFound,
    ShopRef,
    add_batch,
    cancel_campaign,
    create_campaign,
    find_snapshot,
    find_snapshots_of_items,
    is_sellable,
    list_snapshots,
    publish_campaign,
    revise_terms,
    snapshot,
    sweep_openings_and_closings,
)
from headless_presale.campaigns.recording import lock_campaign
from headless_presale.campaigns.rules import MAX_CAPACITY
from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError, InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import PoolClosed, admit, count_available
from tests.integration.campaigns.events import event_types
from tests.support.shop import Sale, draft, make_shop, make_variant, open_sale, order_for
from tests.support.state import everything, stored_rows
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

NEW_TERMS: dict[str, Any] = {
    "ships_by": date(2026, 8, 1),
    "refund_policy": {"en": "Half of it."},
    "cancel_conditions": {"en": "Until the close."},
    "default_locale": "en",
}


async def _scheduled(opens_in: timedelta) -> Sale:
    shop = await make_shop()
    await make_variant(shop)
    campaign = await create_campaign(
        ShopRef(shop.id, shop.currency, "en"), draft(opens_at=shop.created_at + opens_in)
    )
    await publish_campaign(campaign.id, default_locale="en")
    found = await find_snapshot(campaign.id, fresh=True)
    assert found is not None
    return Sale(shop, found)


async def test_a_batch_appends_numbers_and_touches_no_promise(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=2)
    first = await place_order(order_for(sale, quantity=2))
    promised = await database_admin.fetch("SELECT * FROM production_batch")

    batch = await add_batch(sale.item_id, capacity=3, ships_by=date(2026, 9, 1))

    assert (batch.first_number, batch.last_number, batch.position) == (3, 5, 1)
    kept = await database_admin.fetch("SELECT * FROM production_batch WHERE position = 0")
    assert kept == promised
    second = await place_order(order_for(sale, email="max@example.com"))
    assert (first.lines[0].numbers, first.ships_by) == ((1, 2), date(2026, 6, 30))
    assert (second.lines[0].numbers, second.ships_by) == ((3,), date(2026, 9, 1))
    assert await count_available([sale.pool_id]) == {sale.pool_id: 5 - 3}
    assert "campaign.batch_added" in await event_types(database_admin)


@pytest.mark.parametrize(
    ("capacity", "ships_by", "field"),
    [
        (0, date(2026, 9, 1), ("capacity",)),
        (-1, date(2026, 9, 1), ("capacity",)),
        # With the fifty there are it would be one too many.
        (MAX_CAPACITY - 49, date(2026, 9, 1), ("capacity",)),
        (1, date(2026, 2, 28), ("shipsBy",)),
    ],
)
async def test_a_batch_out_of_range_is_refused(
    capacity: int,
    ships_by: date,
    field: tuple[str, ...],
    redis: Redis,
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=50)
    before = await everything(database_admin, redis)

    with pytest.raises(InvalidInput) as refused:
        await add_batch(sale.item_id, capacity=capacity, ships_by=ships_by)
    assert refused.value.field == field
    with pytest.raises(ItemNotFound):
        await add_batch(new_id(), capacity=1, ships_by=date(2026, 9, 1))

    assert await everything(database_admin, redis) == before


async def test_batches_added_at_once_get_ranges_of_their_own() -> None:
    sale = await open_sale(capacity=10)

    await asyncio.gather(
        *(add_batch(sale.item_id, capacity=5, ships_by=date(2026, 9, 1)) for _ in range(4))
    )

    found = await find_snapshot(sale.campaign.id, fresh=True)
    assert found is not None
    assert [(b.first_number, b.last_number) for b in found.items[0].batches] == [
        (1, 10),
        (11, 15),
        (16, 20),
        (21, 25),
        (26, 30),
    ]


async def test_sales_go_on_while_a_campaign_is_being_changed() -> None:
    sale = await open_sale(capacity=10)
    changing, done = asyncio.Event(), asyncio.Event()

    @shielded
    async def change() -> None:
        async with unit_of_work():
            await lock_campaign(sale.campaign.id)
            changing.set()
            await done.wait()

    slow = asyncio.create_task(change())
    await changing.wait()

    order = await asyncio.wait_for(place_order(order_for(sale)), 30)

    assert order.lines[0].numbers == (1,)
    done.set()
    await slow


async def test_new_terms_are_a_new_version_for_orders_to_come(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale()

    assert await revise_terms(sale.campaign.id, **NEW_TERMS) == 2

    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    assert found.terms is not None
    assert (found.terms.version, found.terms.ships_by) == (2, date(2026, 8, 1))
    versions = await database_admin.fetch("SELECT version FROM campaign_terms ORDER BY version")
    assert [row["version"] for row in versions] == [1, 2]
    assert (await event_types(database_admin))[-1] == "campaign.terms_revised"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ships_by": date(2026, 3, 2)}, "TERMS_SHIP_DATE_EARLY"),
        ({"refund_policy": {"en": " "}}, "TERMS_REFUND_POLICY_MISSING"),
        ({"cancel_conditions": {"zh-CN": "随时"}}, "TERMS_CANCEL_CONDITIONS_MISSING"),
    ],
)
async def test_terms_that_could_not_be_published_cannot_be_revised_to(
    change: dict[str, object], code: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotPublishable) as refused:
        await revise_terms(sale.campaign.id, **{**NEW_TERMS, **change})

    assert [fault.code for fault in refused.value.faults] == [code]
    assert await everything(database_admin, redis) == before


@pytest.mark.parametrize("ending", ["closed by the clock", "cancelled"])
async def test_a_campaign_that_is_over_is_not_changed_any_more(
    ending: str, redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()
    if ending == "cancelled":
        await cancel_campaign(sale.campaign.id, reason="no factory")
    else:
        clock.move_to(sale.campaign.closes_at)
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotOpen):
        await add_batch(sale.item_id, capacity=1, ships_by=date(2026, 9, 1))
    with pytest.raises(CampaignNotOpen):
        await revise_terms(sale.campaign.id, **NEW_TERMS)

    assert await everything(database_admin, redis) == before


async def test_the_clock_opens_and_closes_without_any_sweep(clock: ManualClock) -> None:
    sale = await _scheduled(timedelta(hours=1))
    seen = []
    for at in (sale.campaign.opens_at, sale.campaign.closes_at):
        for moment in (at - timedelta(microseconds=1), at):
            clock.move_to(moment)
            found = await find_snapshot(sale.campaign.id, fresh=True)
            assert found is not None
            assert found.recorded_status is CampaignStatus.SCHEDULED
            seen.append((str(found.status(moment)), is_sellable(found)))

    assert seen == [("SCHEDULED", False), ("LIVE", True), ("LIVE", True), ("CLOSED", False)]


async def test_the_sweep_writes_down_what_the_clock_did_once(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await _scheduled(timedelta(hours=1))
    assert await sweep_openings_and_closings() == 0

    clock.move_to(sale.campaign.opens_at)
    moved = await asyncio.gather(*(sweep_openings_and_closings() for _ in range(8)))
    assert sorted(moved) == [0] * 7 + [1]
    assert await sweep_openings_and_closings() == 0
    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    assert found.recorded_status is CampaignStatus.LIVE

    clock.move_to(sale.campaign.closes_at)
    moved = await asyncio.gather(*(sweep_openings_and_closings() for _ in range(8)))
    assert sorted(moved) == [0] * 7 + [1]
    assert await event_types(database_admin) == [
        "campaign.published",
        "campaign.opened",
        "campaign.closed",
    ]


async def test_a_sweep_that_slept_over_both_writes_both(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await _scheduled(timedelta(hours=1))
    clock.move_to(sale.campaign.closes_at + timedelta(days=1))

    assert await sweep_openings_and_closings() == 2

    assert (await event_types(database_admin))[1:] == ["campaign.opened", "campaign.closed"]
    assert await database_admin.fetchval("SELECT status FROM campaign") == "CLOSED"


async def test_a_draft_and_a_cancelled_campaign_are_not_opened(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await _scheduled(timedelta(hours=1))
    await cancel_campaign(sale.campaign.id, reason="no factory")
    await create_campaign(ShopRef(sale.shop.id, sale.shop.currency, "en"), draft(handle="draft"))
    clock.advance(timedelta(days=3))
    before = await stored_rows(database_admin)

    assert await sweep_openings_and_closings() == 0

    assert await stored_rows(database_admin) == before


async def test_calling_off_closes_the_pools_and_asks_for_the_refunds_once(
    redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()

    cancelled = await cancel_campaign(sale.campaign.id, reason="no factory")
    once = await everything(database_admin, redis)
    again = await cancel_campaign(sale.campaign.id, reason="another reason")

    assert await everything(database_admin, redis) == once
    assert (cancelled.status, cancelled.cancel_reason, cancelled.cancelled_at) == (
        CampaignStatus.CANCELLED,
        "no factory",
        clock.now(),
    )
    assert again.cancel_reason == "no factory"
    assert await database_admin.fetchval("SELECT bool_or(is_open) FROM slot_pool") is False
    assert await admit(sale.pool_id, new_id(), new_id(), 1) == PoolClosed()
    jobs = await database_admin.fetch("SELECT task_name FROM procrastinate_jobs")
    assert [job["task_name"] for job in jobs] == ["orders:cancel_campaign"]
    assert (await event_types(database_admin))[-1] == "campaign.cancelled"
    with pytest.raises(CampaignNotFound):
        await cancel_campaign(new_id(), reason="no factory")
    with pytest.raises(InvalidInput, match="must not be empty"):
        await cancel_campaign(sale.campaign.id, reason=" ")


async def test_a_snapshot_is_read_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = await open_sale()
    async with counted_statements() as sent:
        await find_snapshot(sale.campaign.id, fresh=True)
        del sent[:]

        for _ in range(10):
            assert await find_snapshot(sale.campaign.id) == sale.campaign
            assert await find_snapshots_of_items([sale.item_id]) == {sale.item_id: sale.campaign}
        assert sent == []

        monkeypatch.setattr(snapshot, "CACHE_SECONDS", 0.0)
        assert await find_snapshot(sale.campaign.id) == sale.campaign
        assert len(sent) == 1


async def test_a_change_in_this_process_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    sale = await open_sale()

    await revise_terms(sale.campaign.id, **NEW_TERMS)

    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    assert found.version == sale.campaign.version + 1
    # Somebody who read before the change and comes late does not bring the old one back.
    snapshot._remember(sale.campaign, time.monotonic())
    assert await find_snapshot(sale.campaign.id) == found


async def test_what_does_not_exist_is_not_found() -> None:
    sale = await open_sale()

    assert await find_snapshot(new_id()) is None
    assert await find_snapshots_of_items([new_id(), sale.item_id]) == {sale.item_id: sale.campaign}


async def test_an_order_priced_from_another_version_is_not_written(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    sale = await open_sale()
    await find_snapshot(sale.campaign.id)
    await database_admin.execute("UPDATE campaign_terms SET version = 5")
    await database_admin.execute("UPDATE campaign SET terms_version = 5, version = version + 1")

    with pytest.raises(DomainError) as refused:
        await place_order(order_for(sale))

    assert (refused.value.code, refused.value.params) == (
        "TERMS_OUTDATED",
        {"accepted": 1, "current": 5},
    )
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 0


async def test_campaigns_are_listed_by_their_opening_without_drafts(clock: ManualClock) -> None:
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, "en")
    for day in range(5):
        campaign = await create_campaign(
            ref, draft(handle=f"day-{day}", opens_at=clock.now() + timedelta(days=day))
        )
        if day != 2:
            await publish_campaign(campaign.id, default_locale="en")

    newest = await list_snapshots(shop.id, limit=10)
    assert [found.handle for found in newest] == ["day-4", "day-3", "day-1", "day-0"]
    oldest = await list_snapshots(shop.id, limit=2, newest_first=False)
    assert [found.handle for found in oldest] == ["day-0", "day-1"]

    position = (oldest[1].opens_at, oldest[1].id)
    after = await list_snapshots(shop.id, limit=10, after=position, newest_first=False)
    assert [found.handle for found in after] == ["day-3", "day-4"]
    before = await list_snapshots(shop.id, limit=10, before=position, newest_first=False)
    assert [found.handle for found in before] == ["day-0"]
    assert await list_snapshots(new_id(), limit=10) == []
