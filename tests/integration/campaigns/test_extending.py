"""A campaign that closes later than it said, and the moment of the close itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import (
    CampaignNotFound,
    CampaignNotOpen,
    CampaignNotPublishable,
    CampaignStatus,
    ShopRef,
    cancel_campaign,
    create_campaign,
    extend_campaign,
    find_snapshot,
    snapshot,
    sweep_openings_and_closings,
)
from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.integration.campaigns.events import event_types, last_event
from tests.support.shop import (
    Sale,
    deposit_plan,
    draft,
    make_shop,
    open_sale,
    order_for,
)
from tests.support.state import everything

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def _extend(sale: Sale, by: timedelta, reason: str = "the factory has room") -> Any:
    return await extend_campaign(
        sale.campaign.id,
        closes_at=sale.campaign.closes_at + by,
        reason=reason,
        default_locale="en",
    )


async def test_an_extended_campaign_sells_on_and_orders_keep_their_dates(
    database_admin: asyncpg.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(payment_plan=deposit_plan(closes_at))
    order = await place_order(order_for(sale))
    placed = await database_admin.fetch("SELECT * FROM sales_order")

    with acting_as("cli"):
        extended = await _extend(sale, timedelta(days=1))

    assert (extended.closes_at, extended.status) == (
        closes_at + timedelta(days=1),
        CampaignStatus.LIVE,
    )
    assert await last_event(database_admin) == (
        "campaign.extended",
        "cli",
        {
            "campaign_id": str(sale.campaign.id),
            "before": "2026-03-08T12:00:00+00:00",
            "after": "2026-03-09T12:00:00+00:00",
            "reason": "the factory has room",
        },
    )
    assert await database_admin.fetch("SELECT * FROM sales_order") == placed
    assert order.balance_opens_at == closes_at + timedelta(days=1)
    clock.move_to(closes_at + timedelta(hours=1))
    assert await sweep_openings_and_closings() == 0
    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    assert found.version == sale.campaign.version + 1
    late = await place_order(order_for(sale, email="max@example.com"))
    assert late.lines[0].numbers == (2,)
    clock.move_to(closes_at + timedelta(days=1))
    assert await sweep_openings_and_closings() == 1


@pytest.mark.parametrize("ending", ["closed by the clock", "cancelled"])
async def test_a_campaign_that_is_over_is_not_extended(
    ending: str, redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()
    if ending == "cancelled":
        await cancel_campaign(sale.campaign.id, reason="no factory")
    else:
        clock.move_to(sale.campaign.closes_at)
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotOpen):
        await _extend(sale, timedelta(days=1))

    assert await everything(database_admin, redis) == before


@pytest.mark.parametrize(
    ("by", "reason", "field"),
    [
        (timedelta(0), "more time", ("closesAt",)),
        (timedelta(hours=-1), "more time", ("closesAt",)),
        (timedelta(days=1), " ", ("reason",)),
        (timedelta(days=1), "more\x00time", ("reason",)),
    ],
)
async def test_an_extension_needs_a_later_close_and_a_reason(
    by: timedelta,
    reason: str,
    field: tuple[str, ...],
    redis: Redis,
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale()
    before = await everything(database_admin, redis)

    with pytest.raises(InvalidInput) as refused:
        await _extend(sale, by, reason)
    assert refused.value.field == field
    with pytest.raises(CampaignNotFound):
        await extend_campaign(
            new_id(), closes_at=sale.campaign.closes_at, reason="x", default_locale="en"
        )

    assert await everything(database_admin, redis) == before


@pytest.mark.parametrize(
    ("by", "code"),
    [
        # The balance opens a day after the close; the terms promise the last of June.
        (timedelta(days=1, seconds=1), ["BALANCE_WINDOW_EARLY"]),
        (timedelta(days=120), ["BALANCE_WINDOW_EARLY", "TERMS_SHIP_DATE_EARLY"]),
    ],
)
async def test_an_extension_that_breaks_a_promise_names_every_fault(
    by: timedelta,
    code: list[str],
    redis: Redis,
    database_admin: asyncpg.Connection,
    clock: ManualClock,
) -> None:
    sale = await open_sale(payment_plan=deposit_plan(clock.now() + timedelta(days=7)))
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotPublishable) as refused:
        await _extend(sale, by)

    assert [fault.code for fault in refused.value.faults] == code
    assert await everything(database_admin, redis) == before


async def test_what_a_campaign_lacked_before_does_not_forbid_an_extension(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale()
    # The shop has changed its language since; the terms were never written in it.
    extended = await extend_campaign(
        sale.campaign.id,
        closes_at=sale.campaign.closes_at + timedelta(days=1),
        reason="the factory has room",
        default_locale="zh-CN",
    )

    assert extended.closes_at == sale.campaign.closes_at + timedelta(days=1)


async def test_a_scheduled_campaign_may_be_extended_and_a_draft_may_not(
    redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale(opens_at=clock.now() + timedelta(days=1))
    extended = await _extend(sale, timedelta(days=2))
    assert extended.status is CampaignStatus.SCHEDULED
    unpublished = await create_campaign(
        ShopRef(sale.shop.id, sale.shop.currency, "en"), draft(handle="draft")
    )
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotOpen) as refused:
        await extend_campaign(
            unpublished.id,
            closes_at=datetime(2026, 6, 1, tzinfo=UTC),
            reason="more time",
            default_locale="en",
        )

    assert refused.value.params == {"status": "DRAFT"}
    assert await everything(database_admin, redis) == before


# The moment of the close


async def test_a_sweep_that_waits_for_an_extension_leaves_the_campaign_open(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()
    clock.move_to(sale.campaign.closes_at - timedelta(microseconds=1))
    changed, commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def extend_slowly() -> None:
        async with unit_of_work():
            await _extend(sale, timedelta(days=1))
            changed.set()
            await commit.wait()

    extending = asyncio.create_task(extend_slowly())
    await changed.wait()
    clock.move_to(sale.campaign.closes_at)
    sweeping = asyncio.create_task(sweep_openings_and_closings())
    await asyncio.sleep(0.1)
    assert not sweeping.done()
    commit.set()

    await extending
    assert await sweeping == 0

    row = await database_admin.fetchrow("SELECT status, closes_at FROM campaign")
    assert row is not None
    assert tuple(row) == ("LIVE", sale.campaign.closes_at + timedelta(days=1))
    assert "campaign.closed" not in await event_types(database_admin)
    assert (await place_order(order_for(sale))).lines[0].numbers == (1,)


async def test_an_extension_that_waits_for_the_sweep_is_refused(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()
    clock.move_to(sale.campaign.closes_at - timedelta(seconds=1))
    swept, commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def sweep_slowly() -> None:
        async with unit_of_work():
            # On a machine whose clock is ahead.
            with use_clock(ManualClock(sale.campaign.closes_at)):
                assert await sweep_openings_and_closings() == 1
            swept.set()
            await commit.wait()

    sweeping = asyncio.create_task(sweep_slowly())
    await swept.wait()
    extending = asyncio.create_task(_extend(sale, timedelta(days=1)))
    await asyncio.sleep(0.1)
    assert not extending.done()
    commit.set()

    with pytest.raises(CampaignNotOpen):
        await extending
    await sweeping
    row = await database_admin.fetchrow("SELECT status, closes_at FROM campaign")
    assert row is not None
    assert tuple(row) == ("CLOSED", sale.campaign.closes_at)
    assert (await event_types(database_admin))[-1] == "campaign.closed"


async def test_sweeps_and_extensions_at_once_end_in_one_state(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    for round_ in range(5):
        shop = await make_shop(f"shop-{round_}", "CNY")
        sale = await open_sale(shop=shop)
        clock.move_to(sale.campaign.closes_at - timedelta(microseconds=1))
        extending = [asyncio.create_task(_extend(sale, timedelta(days=1))) for _ in range(2)]
        await asyncio.sleep(0.002 * round_)
        clock.move_to(sale.campaign.closes_at)
        await asyncio.gather(
            *extending, *(sweep_openings_and_closings() for _ in range(4)), return_exceptions=True
        )
        was_extended = any(task.exception() is None for task in extending)
        row = await database_admin.fetchrow(
            "SELECT status, closes_at FROM campaign WHERE id = $1", sale.campaign.id
        )
        assert row is not None
        assert tuple(row) == (
            ("LIVE", sale.campaign.closes_at + timedelta(days=1))
            if was_extended
            else ("CLOSED", sale.campaign.closes_at)
        )
        types = [
            row["type"]
            for row in await database_admin.fetch(
                "SELECT type FROM event WHERE topic = $1 ORDER BY id",
                f"campaign:{sale.campaign.id}",
            )
        ]
        assert types[2:] == ["campaign.extended" if was_extended else "campaign.closed"]
