"""What an order freezes: prices with their reasons, terms, promises, and when things are due."""

from datetime import date, timedelta

import asyncpg
import pytest

from headless_presale.campaigns import add_batch, cancel_campaign, revise_terms
from headless_presale.checkout import CartLine, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError
from headless_presale.orders import OrderStatus, find_order
from tests.support.shop import deposit_plan, make_shop, make_variant, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

WEEK = {
    "time_tiers": [
        {"name": "Early bird", "lasts": timedelta(days=3), "price_bps": 9_000},
        {"name": "Regular", "lasts": timedelta(days=2), "price_bps": 10_000},
        {"name": "Last call", "lasts": timedelta(days=2), "price_bps": 11_000},
    ]
}


async def test_each_order_freezes_the_price_of_its_moment(clock: ManualClock) -> None:
    sale = await open_sale(item=WEEK)
    opens = sale.campaign.opens_at
    paid = []
    for days in (0, 3, 5):
        clock.move_to(opens + timedelta(days=days))
        order = await place_order(order_for(sale, email=f"day{days}@example.com"))
        paid.append((order.id, order.total.amount_minor, order.lines[0].price_reason["tier"]))

    assert [row[1:] for row in paid] == [
        (9_000, "Early bird"),
        (10_000, "Regular"),
        (11_000, "Last call"),
    ]
    for order_id, total, tier in paid:
        stored = await find_order(order_id)
        assert stored is not None
        assert (stored.total.amount_minor, stored.lines[0].price_reason["tier"]) == (total, tier)


async def test_slots_on_both_sides_of_a_tier_are_two_lines_with_their_reasons() -> None:
    tier = {"name": "First 2", "up_to": 2, "price_bps": 9_500, "gift": "Postcard"}
    sale = await open_sale(item={"quantity_tiers": [tier]})

    order = await place_order(order_for(sale, quantity=3, expected_total_minor=29_000))

    assert [(line.numbers, line.unit_price.amount_minor) for line in order.lines] == [
        ((1, 2), 9_500),
        ((3,), 10_000),
    ]
    assert [line.price_reason for line in order.lines] == [
        {"reason": "QUANTITY_TIER", "tier": "First 2", "price_bps": 9_500, "gift": "Postcard"},
        {"reason": "LIST", "tier": None, "price_bps": 10_000, "gift": None},
    ]
    assert order.total.amount_minor == 2 * 9_500 + 10_000
    assert await find_order(order.id) == order


async def test_lines_of_one_item_are_one_line() -> None:
    sale = await open_sale(limit=3)
    lines = [CartLine(sale.item_id, 1), CartLine(sale.item_id, 2)]

    order = await place_order(order_for(sale, lines=lines))

    assert [(line.quantity, line.numbers) for line in order.lines] == [(3, (1, 2, 3))]
    with pytest.raises(DomainError) as refused:
        await place_order(order_for(sale))
    assert refused.value.params == {"limit": 3, "taken": 3}


async def test_a_line_ships_by_the_latest_date_of_its_batches() -> None:
    batches = [
        {"capacity": 2, "ships_by": date(2026, 6, 1)},
        {"capacity": 5, "ships_by": date(2026, 7, 1)},
    ]
    sale = await open_sale(item={"batches": batches})

    first = await place_order(order_for(sale, email="a@example.com"))
    both = await place_order(order_for(sale, email="b@example.com", quantity=2))

    assert (first.ships_by, both.ships_by) == (date(2026, 6, 1), date(2026, 7, 1))


async def test_what_was_agreed_stays_whatever_the_campaign_does(clock: ManualClock) -> None:
    plan = deposit_plan(clock.now() + timedelta(days=7))
    sale = await open_sale(payment_plan=plan, item=WEEK)
    order = await place_order(order_for(sale, quantity=2))

    assert (
        await revise_terms(
            sale.campaign.id,
            ships_by=date(2026, 12, 31),
            refund_policy={"en": "None."},
            cancel_conditions={"en": "None."},
            default_locale="en",
        )
        == 2
    )
    await add_batch(sale.item_id, capacity=5, ships_by=date(2026, 12, 31))
    clock.advance(timedelta(days=6))

    assert await find_order(order.id) == order
    assert (order.terms_version, order.ships_by) == (1, date(2026, 6, 30))
    with pytest.raises(DomainError) as refused:
        await place_order(order_for(sale, email="max@example.com"))
    assert refused.value.code == "TERMS_OUTDATED"
    later = await place_order(order_for(sale, email="max@example.com", accepted_terms_version=2))
    assert (later.terms_version, later.total.amount_minor) == (2, 11_000)
    await cancel_campaign(sale.campaign.id, reason="no factory")
    assert (await find_order(order.id)) == order


async def test_a_deposit_order_says_what_is_due_now_and_later_and_when(clock: ManualClock) -> None:
    closes = clock.now() + timedelta(days=7)
    plan = deposit_plan(closes, reminder=timedelta(days=2))
    shop = await make_shop()
    await make_variant(shop, price_minor=10_001)
    sale = await open_sale(shop=shop, has_variants=True, payment_plan=plan, hold_seconds=600)

    order = await place_order(order_for(sale))

    assert order.status is OrderStatus.AWAITING_DEPOSIT
    # 100.01 at 20 %.
    assert (order.deposit.amount_minor, order.balance.amount_minor) == (2_001, 8_000)
    assert order.hold_expires_at == clock.now() + timedelta(seconds=600)
    assert order.balance_opens_at == closes + timedelta(days=1)
    assert order.balance_due_at == closes + timedelta(days=8)
    assert order.balance_remind_at == closes + timedelta(days=8 - 2)


async def test_a_reminder_never_comes_before_the_balance_can_be_paid(clock: ManualClock) -> None:
    closes = clock.now() + timedelta(days=7)
    sale = await open_sale(payment_plan=deposit_plan(closes, reminder=timedelta(days=30)))

    order = await place_order(order_for(sale))

    assert order.balance_remind_at == order.balance_opens_at == closes + timedelta(days=1)


async def test_a_fixed_deposit_is_per_unit(clock: ManualClock) -> None:
    plan = deposit_plan(clock.now() + timedelta(days=7), deposit_bps=None, deposit_per_unit=15)
    sale = await open_sale(payment_plan=plan)

    order = await place_order(order_for(sale, quantity=3))

    assert (order.deposit.amount_minor, order.balance.amount_minor) == (4_500, 25_500)


async def test_a_full_payment_is_due_now(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()

    order = await place_order(order_for(sale))

    assert order.status is OrderStatus.AWAITING_PAYMENT
    assert (order.deposit.amount_minor, order.balance.amount_minor) == (0, 10_000)
    assert (order.balance_opens_at, order.balance_remind_at, order.balance_due_at) == (
        None,
        None,
        None,
    )
    events = await database_admin.fetch(
        "SELECT type FROM event WHERE topic = $1", f"order:{order.id}"
    )
    assert [event["type"] for event in events] == ["order.placed"]
