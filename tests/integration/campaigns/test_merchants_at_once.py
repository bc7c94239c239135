"""Two merchants, or a merchant and the clock, or a merchant and buyers, in the same moment."""

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, cast
from unittest.mock import patch

import asyncpg
import pytest

from headless_presale.campaigns import (
    Campaign,
    CampaignAlreadyPublished,
    CampaignNotOpen,
    CampaignStatus,
    ShopRef,
    change_capacity,
    create_campaign,
    publish_campaign,
    recording,
    service,
    unschedule_campaign,
)
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError, FieldConflict, VersionConflict
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import (
    CallOffCampaign,
    CancelPreview,
    CancelPreviewOutdated,
    Order,
    OrderView,
    call_off_campaign,
    calling_off,
    preview_cancellation,
    tallies,
)
from tests.support.shop import Sale, draft, make_shop, make_variant, open_sale, order_for

A_MOMENT = 0.5
"""How long a merchant waits for a buyer who cannot come: longer proves no more."""
LONG = 20.0

pytestmark = pytest.mark.usefixtures("database", "redis")


async def _both(*commands: Awaitable[Any]) -> list[Any]:
    return await asyncio.gather(*commands, return_exceptions=True)


async def test_of_two_caps_read_from_one_version_one_is_set(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)

    done = await _both(
        *(
            change_capacity(sale.item_id, capacity=cap, version=sale.campaign.version)
            for cap in (6, 8)
        )
    )

    refused = [result for result in done if isinstance(result, VersionConflict)]
    (kept,) = [result for result in done if isinstance(result, int)]
    assert len(refused) == 1
    (conflict,) = cast(tuple[FieldConflict, ...], refused[0].params["conflicts"])
    assert conflict.current == str(kept)
    assert await database_admin.fetchval("SELECT count(*) FROM slot") == kept
    assert await database_admin.fetchval("SELECT capacity FROM production_batch") == kept
    assert (await Campaign.get()).version == sale.campaign.version + 1


async def test_control_caps_that_name_no_version_overwrite_each_other(clock: ManualClock) -> None:
    sale = await open_sale(capacity=10)

    done = await _both(*(change_capacity(sale.item_id, capacity=cap) for cap in (6, 8)))

    assert sorted(done) == [6, 8]
    assert (await Campaign.get()).version == sale.campaign.version + 2


async def test_of_two_who_publish_one_does(clock: ManualClock) -> None:
    shop = await make_shop()
    await make_variant(shop)
    made = await create_campaign(ShopRef(shop.id, shop.currency, "en"), draft())

    done = await _both(
        *(publish_campaign(made.id, default_locale="en", version=1) for _ in range(2))
    )

    assert sorted(type(result).__name__ for result in done) == [
        "Campaign",
        CampaignAlreadyPublished.__name__,
    ]
    assert (await Campaign.get()).version == 2


async def _rush(sale: Sale, attempts: int) -> list[OrderView | BaseException]:
    async def buy(number: int) -> OrderView:
        return await place_order(
            order_for(sale, email=f"buyer{number}@example.com", key=f"order-{number}")
        )

    return await asyncio.gather(*map(buy, range(attempts)), return_exceptions=True)


async def _call_off_in_a_rush(sale: Sale) -> tuple[int, int | None]:
    """Cancel while orders come in; return how many came, and how many it was done with.

    The preview is looked at again for as long as it has grown; None if it never was done.
    """

    async def cancel() -> int | None:
        for _ in range(200):
            shown = await preview_cancellation(sale.campaign.id)
            command = CallOffCampaign(
                campaign_id=sale.campaign.id,
                reason="the kiln broke",
                expected_orders=shown.orders,
                expected_refund_minor=shown.refund_minor,
            )
            try:
                await call_off_campaign(command)
            except CancelPreviewOutdated:
                continue
            return shown.orders
        return None

    _, expected = await asyncio.gather(_rush(sale, 60), cancel())
    await drain()
    return await Order.filter(campaign_id=sale.campaign.id).count(), expected


async def test_no_order_is_cancelled_that_was_not_in_the_preview(clock: ManualClock) -> None:
    sale = await open_sale(capacity=100)

    orders, expected = await _call_off_in_a_rush(sale)

    assert expected is not None
    assert (await Campaign.get()).status is CampaignStatus.CANCELLED
    # Not one came behind the count.
    assert orders <= expected


async def _buy_behind_the_count(sale: Sale, *, patience: float) -> tuple[Any, Any]:
    """Cancel what nobody has ordered, and buy when it has been counted and is not done."""
    counted, bought = asyncio.Event(), asyncio.Event()
    count = tallies.read_cancel_preview

    async def count_and_wait(*args: Any) -> CancelPreview:
        found = await count(*args)
        counted.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bought.wait(), patience)
        return found

    async def buy() -> Any:
        await counted.wait()
        try:
            return await place_order(order_for(sale))
        finally:
            bought.set()

    with patch.object(calling_off, "read_cancel_preview", count_and_wait):
        command = CallOffCampaign(
            campaign_id=sale.campaign.id,
            reason="the kiln broke",
            expected_orders=0,
            expected_refund_minor=0,
        )
        done = await asyncio.gather(call_off_campaign(command), buy(), return_exceptions=True)
    await drain()
    return done[0], done[1]


async def test_nobody_buys_behind_the_count(clock: ManualClock) -> None:
    sale = await open_sale()

    done, order = await _buy_behind_the_count(sale, patience=A_MOMENT)

    assert isinstance(done, Campaign)
    assert isinstance(order, DomainError)
    assert await Order.all().count() == 0


async def test_control_with_pools_that_stay_open_one_buys_behind_the_count(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave_open(work: Any, pool_ids: Any) -> None:
        return None

    monkeypatch.setattr(service, "close_pools", leave_open)
    sale = await open_sale()

    done, order = await _buy_behind_the_count(sale, patience=LONG)

    assert isinstance(done, Campaign)
    assert isinstance(order, OrderView)


async def _opening(clock: ManualClock) -> Sale:
    """Return a published sale that opens in a second."""
    sale = await open_sale(opens_at=clock.now() + timedelta(seconds=1))
    assert (await Campaign.get()).status is CampaignStatus.SCHEDULED
    return sale


async def _take_back_as_it_opens(
    sale: Sale, clock: ManualClock, *, patience: float
) -> tuple[Any, Any]:
    """Take a sale back a moment before it opens, and buy the moment after, before it is done."""
    looked, bought = asyncio.Event(), asyncio.Event()
    status_of = recording.status_of

    def status_then(campaign: Campaign) -> CampaignStatus:
        found = status_of(campaign)
        looked.set()
        return found

    save_change = recording.save_change

    async def save_late(*args: Any, **kwargs: Any) -> None:
        await looked.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bought.wait(), patience)
        await save_change(*args, **kwargs)

    async def buy() -> Any:
        await looked.wait()
        clock.advance(timedelta(seconds=2))
        try:
            return await place_order(order_for(sale))
        except DomainError as error:
            return error
        finally:
            bought.set()

    with (
        patch.object(service, "status_of", status_then),
        patch.object(service, "save_change", save_late),
    ):
        taken, order = await asyncio.gather(
            unschedule_campaign(sale.campaign.id), buy(), return_exceptions=True
        )
    await drain()
    return taken, order


async def test_nobody_buys_what_is_taken_back_as_it_opens(clock: ManualClock) -> None:
    sale = await _opening(clock)

    taken, order = await _take_back_as_it_opens(sale, clock, patience=A_MOMENT)

    assert isinstance(taken, Campaign)
    assert isinstance(order, DomainError)
    assert await Order.all().count() == 0


async def test_control_without_the_lock_against_orders_one_buys_a_draft(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lock_lightly(campaign_id: Any, *, against_orders: bool = False) -> Campaign:
        return await recording.lock_campaign(campaign_id)

    monkeypatch.setattr(service, "lock_campaign", lock_lightly)
    sale = await _opening(clock)

    taken, order = await _take_back_as_it_opens(sale, clock, patience=LONG)

    assert isinstance(taken, Campaign)
    assert isinstance(order, OrderView)
    assert (await Campaign.get()).status is CampaignStatus.DRAFT


@shielded
async def _hold_back(campaign_id: Any) -> CampaignStatus:
    async with unit_of_work():
        return (await recording.lock_campaign(campaign_id, against_orders=True)).status


async def test_what_has_opened_by_the_clock_is_not_taken_back(clock: ManualClock) -> None:
    # Given an opening that no sweep has recorded
    sale = await _opening(clock)
    clock.advance(timedelta(seconds=1))
    assert await _hold_back(sale.campaign.id) is CampaignStatus.SCHEDULED

    with pytest.raises(CampaignNotOpen, match="LIVE"):
        await unschedule_campaign(sale.campaign.id)

    assert (await Campaign.get()).version == sale.campaign.version
