"""Caps raised and lowered while a campaign sells."""

from datetime import date

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.audits import audit_database, audit_redis
from headless_presale.campaigns import (
    CampaignDraft,
    CampaignNotOpen,
    ItemNotFound,
    ShopRef,
    add_batch,
    cancel_campaign,
    change_capacity,
    create_campaign,
    find_snapshot,
    snapshot,
)
from headless_presale.campaigns.models import CampaignItem
from headless_presale.campaigns.rules import MAX_CAPACITY
from headless_presale.checkout import PlaceOrder, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.ids import customer_id_of, new_id, reservation_id_of
from headless_presale.orders import cancel_order
from headless_presale.slots import (
    Admitted,
    CapacityBelowSold,
    SlotsSoldOut,
    admit,
    count_available,
    end_reservation,
)
from tests.integration.campaigns.events import last_event
from tests.support.shop import (
    Sale,
    draft,
    make_shop,
    make_variant,
    open_sale,
    order_for,
)
from tests.support.state import everything, stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

SEPTEMBER = date(2026, 9, 1)


async def _numbers(admin: asyncpg.Connection) -> list[int]:
    return [row["number"] for row in await admin.fetch("SELECT number FROM slot ORDER BY number")]


async def _batches(sale: Sale) -> list[tuple[int, int, int]]:
    """Return the first number, the last one and the slots of each batch, as shown."""
    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    return [(b.first_number, b.last_number, b.capacity) for b in found.items[0].batches]


async def _broken(admin: asyncpg.Connection) -> list[str]:
    return [finding.sentence for finding in await audit_database(admin) if not finding.holds]


async def test_a_cap_is_lowered_and_raised_again_with_the_same_numbers(
    database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is shown does not wait for the cache to grow old.
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    sale = await open_sale(capacity=10)
    order = await place_order(order_for(sale, quantity=2))

    with acting_as("lin@atelier"):
        assert await change_capacity(sale.item_id, capacity=6) == 6

    assert await _numbers(database_admin) == [1, 2, 3, 4, 5, 6]
    assert await _batches(sale) == [(1, 10, 6)]
    assert await count_available([sale.pool_id]) == {sale.pool_id: 6 - 2}
    assert await last_event(database_admin) == (
        "campaign.capacity_changed",
        "lin@atelier",
        {
            "campaign_id": str(sale.campaign.id),
            "item_id": str(sale.item_id),
            "before": 10,
            "after": 6,
        },
    )
    found = await find_snapshot(sale.campaign.id)
    assert found is not None
    assert (found.version, found.items[0].capacity) == (sale.campaign.version + 1, 6)

    assert await change_capacity(sale.item_id, capacity=9) == 9
    assert await _numbers(database_admin) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert await _batches(sale) == [(1, 10, 9)]
    assert order.lines[0].numbers == (1, 2)
    rest = await place_order(order_for(sale, email="max@example.com", quantity=7))
    assert rest.lines[0].numbers == (3, 4, 5, 6, 7, 8, 9)
    with pytest.raises(SlotsSoldOut):
        await place_order(order_for(sale, email="eve@example.com"))
    assert await _broken(database_admin) == []


async def test_raising_beyond_the_batches_extends_the_last_one_and_its_promise(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=2)
    await add_batch(sale.item_id, capacity=2, ships_by=SEPTEMBER)
    await change_capacity(sale.item_id, capacity=1)

    await change_capacity(sale.item_id, capacity=7)

    # Three come back, and three are new.
    assert await _numbers(database_admin) == [1, 2, 3, 4, 5, 6, 7]
    assert await _batches(sale) == [(1, 2, 2), (3, 7, 5)]
    order = await place_order(order_for(sale, quantity=7))
    assert order.ships_by == SEPTEMBER
    assert await _broken(database_admin) == []


async def test_a_cap_below_what_is_sold_is_refused(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=10)
    await place_order(order_for(sale, quantity=3))
    before = await everything(database_admin, redis)

    with pytest.raises(CapacityBelowSold) as refused:
        await change_capacity(sale.item_id, capacity=2)

    assert refused.value.params == {"owned": 3}
    assert await everything(database_admin, redis) == before
    assert await change_capacity(sale.item_id, capacity=3) == 3
    with pytest.raises(SlotsSoldOut):
        await place_order(order_for(sale, email="max@example.com"))


@pytest.mark.parametrize("capacity", [0, -1, MAX_CAPACITY + 1])
async def test_a_cap_out_of_range_is_refused(
    capacity: int, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    before = await everything(database_admin, redis)

    with pytest.raises(InvalidInput) as refused:
        await change_capacity(sale.item_id, capacity=capacity)
    assert refused.value.field == ("capacity",)
    with pytest.raises(ItemNotFound):
        await change_capacity(new_id(), capacity=1)
    # The same again is no change.
    assert await change_capacity(sale.item_id, capacity=5) == 5

    assert await everything(database_admin, redis) == before


async def test_a_draft_without_a_batch_has_no_promise_to_raise_under(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    await make_variant(shop)
    bare = CampaignDraft.model_validate(
        {**draft().model_dump(), "items": [{"variant": {"sku": "FOX-1"}}]}
    )
    campaign = await create_campaign(ShopRef(shop.id, shop.currency, "en"), bare)
    item = await CampaignItem.get(campaign_id=campaign.id)
    before = await everything(database_admin, redis)

    with pytest.raises(InvalidInput, match="no batch yet"):
        await change_capacity(item.id, capacity=5)

    assert await everything(database_admin, redis) == before


async def test_an_order_whose_numbers_were_taken_away_gets_others(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=10)
    first = new_id()
    await admit(sale.pool_id, first, new_id(), 4)
    order = await _reserve(sale, "max@example.com", Admitted((5, 6), is_repeat=False))
    await end_reservation(sale.pool_id, first, (1, 2, 3, 4))
    await change_capacity(sale.item_id, capacity=5)

    placed = await place_order(order)

    # 6 is gone, so both were exchanged.
    assert placed.lines[0].numbers == (1, 2)
    assert await count_available([sale.pool_id]) == {sale.pool_id: 3}
    assert await _broken(database_admin) == []


async def test_an_order_whose_numbers_were_taken_away_may_be_too_late(
    database_admin: asyncpg.Connection, redis: Redis
) -> None:
    sale = await open_sale(capacity=10)
    await place_order(order_for(sale, quantity=4))
    order = await _reserve(sale, "max@example.com", Admitted((5, 6), is_repeat=False))
    await change_capacity(sale.item_id, capacity=5)
    rows = await stored_rows(database_admin)

    with pytest.raises(SlotsSoldOut) as refused:
        await place_order(order)

    assert refused.value.params == {"remaining": 1}
    assert await stored_rows(database_admin) == rows
    assert await count_available([sale.pool_id]) == {sale.pool_id: 1}
    assert [finding.broken for finding in await audit_redis(database_admin, redis)] == [(), ()]


async def _reserve(sale: Sale, email: str, expected: Admitted) -> PlaceOrder:
    """Let Redis give an order its numbers, as the order itself would; return the order."""
    customer_id = customer_id_of(sale.shop.id, email)
    reservation_id = reservation_id_of(customer_id, "late")
    quantity = len(expected.numbers)
    assert await admit(sale.pool_id, reservation_id, customer_id, quantity) == expected
    return order_for(sale, email=email, quantity=quantity, key="late")


async def test_slots_given_back_above_a_lowered_cap_are_sold_again(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=10)
    await place_order(order_for(sale, quantity=2))
    high = await place_order(order_for(sale, email="max@example.com", quantity=4))
    await change_capacity(sale.item_id, capacity=6)
    await cancel_order(high.id, reason="changed my mind")
    assert await count_available([sale.pool_id]) == {sale.pool_id: 4}

    await change_capacity(sale.item_id, capacity=4)

    again = await place_order(order_for(sale, email="eve@example.com", quantity=2))
    assert again.lines[0].numbers == (3, 4)
    with pytest.raises(SlotsSoldOut):
        await place_order(order_for(sale, email="eve@example.com"))
    assert await _broken(database_admin) == []


async def test_a_batch_added_after_lowering_starts_behind_every_promise(
    database_admin: asyncpg.Connection,
) -> None:
    sale = await open_sale(capacity=5)
    await place_order(order_for(sale))
    await change_capacity(sale.item_id, capacity=2)

    batch = await add_batch(sale.item_id, capacity=3, ships_by=SEPTEMBER)

    assert (batch.first_number, batch.last_number) == (6, 8)
    assert await _numbers(database_admin) == [1, 2, 6, 7, 8]
    assert await _batches(sale) == [(1, 5, 2), (6, 8, 3)]
    order = await place_order(order_for(sale, email="max@example.com", quantity=2))
    assert (order.lines[0].numbers, order.ships_by) == ((2, 6), SEPTEMBER)
    assert await _broken(database_admin) == []
    # Raised, it gets back what the first batch had before anything new.
    await change_capacity(sale.item_id, capacity=8)
    assert await _batches(sale) == [(1, 5, 5), (6, 8, 3)]


@pytest.mark.parametrize("ending", ["closed by the clock", "cancelled"])
async def test_a_campaign_that_is_over_is_not_resized(
    ending: str, redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale()
    if ending == "cancelled":
        await cancel_campaign(sale.campaign.id, reason="no factory")
    else:
        clock.move_to(sale.campaign.closes_at)
    before = await everything(database_admin, redis)

    with pytest.raises(CampaignNotOpen):
        await change_capacity(sale.item_id, capacity=5)

    assert await everything(database_admin, redis) == before
