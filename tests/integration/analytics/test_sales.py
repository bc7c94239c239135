"""Charts: slots and money by time, from sums that equal the books at every moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psycopg
import pytest
from redis.asyncio import Redis

from headless_presale.analytics import (
    SalesChart,
    SalesInterval,
    SlotFlow,
    read_sales,
    rebuild_sales,
    sum_up,
)
from headless_presale.analytics.sales import _MOVE
from headless_presale.campaigns import CampaignNotFound
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.failpoints import observed
from headless_presale.kernel.ids import new_id
from headless_presale.orders import cancel_order, sweep_orders
from headless_presale.payments import PaymentLeg, record_notice
from headless_presale.payments.gateways.port import GatewayRefundStatus
from headless_presale.shops import Shop
from tests.integration.audits.conftest import PlayedShop
from tests.support.money import place, work_off
from tests.support.shop import make_shop, make_variant, open_sale
from tests.support.statements import counted_statements

DAY = timedelta(days=1)
TAKE_LOCK = (
    "SELECT pg_advisory_xact_lock(hashtextextended("
    "'sales:00000000-0000-0000-0000-000000000000', 0))"
)


async def chart_of(
    shop: Shop, *, days: int = 1, by: SalesInterval = SalesInterval.DAY, **options: Any
) -> SalesChart:
    """Return the shop's sales from today's noon on."""
    begins_at = kernel_clock.now() - timedelta(hours=1)
    options = {"begins_at": begins_at, "ends_at": begins_at + days * DAY, **options}
    return await read_sales(shop, by=by, **options)


def money_of(chart: SalesChart, currency: str = "CNY") -> dict[str, tuple[int, int]]:
    """Return captured and refunded minor units of the legs for which there is something."""
    return {
        str(leg): (money.captured.amount_minor, money.refunded.amount_minor)
        for leg, money in chart.total.money[currency].items()
        if money.captured.amount_minor or money.refunded.amount_minor
    }


async def gateway_balance(admin: asyncpg.Connection) -> int:
    """Return what the ledger says gateways hold."""
    balance: int = await admin.fetchval(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger_entry WHERE account = 'GATEWAY'"
    )
    return balance


async def settle_refunds(played: PlayedShop, admin: asyncpg.Connection) -> None:
    """Let the gateways be asked for what is owed, pay it back and tell of it."""
    await work_off(admin, "payments")
    for gateway in played.gateways.values():
        gateway.notices.clear()
        for key in gateway.pending_refunds():
            gateway.settle_refund(key, GatewayRefundStatus.SUCCEEDED)
        while gateway.notices:
            await record_notice(gateway.name, gateway.notices.pop(0))


async def test_a_chart_tells_what_slots_and_money_did(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    # Given deposits of 20.00 a slot: of paid (2), half (1), twice (2 times 1) and late (1)
    before = await chart_of(played.sale.shop)
    assert money_of(before) == {"DEPOSIT": (2_000 * (2 + 1 + 2 + 1), 0)}

    # When half of half's, one of twice's, late's and 10.00 of paid's go back
    await settle_refunds(played, database_admin)
    chart = await chart_of(played.sale.shop)

    # Then it tells so, and what is left is what the ledger says gateways hold
    assert money_of(chart) == {"DEPOSIT": (12_000, 1_000 + 2_000 + 2_000 + 1_000)}
    left = chart.total.money["CNY"][PaymentLeg.DEPOSIT].taken.amount_minor
    assert left == 6_000 == await gateway_balance(database_admin)
    # And the slots of all orders were held, those of paid, half and twice sold; late's hold ran
    # out, gone and rest (3) were cancelled unpaid, half after its deposit.
    assert chart.total.slots == SlotFlow(
        held=1 + 1 + 2 + 1 + 1 + 3 + 3 + 1, sold=2 + 1 + 1, returned=1 + 1 + 3 + 1, returned_sold=1
    )
    assert chart.total.slots == before.total.slots


async def test_a_chart_is_the_same_before_and_after_it_is_summed_up_and_rebuilt(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    shop = played.sale.shop
    charts = [await chart_of(shop, by=SalesInterval.HOUR)]
    for step in (sum_up, sum_up, lambda: rebuild_sales(shop.id)):
        await step()
        charts.append(await chart_of(shop, by=SalesInterval.HOUR))
    of_campaign = await chart_of(shop, by=SalesInterval.HOUR, campaign_id=played.sale.campaign.id)

    assert charts[1:] == charts[:1] * 3
    assert of_campaign == charts[0]
    assert charts[0].total.slots.held == 13
    assert await database_admin.fetchval("SELECT count(*) FROM sales_change") == 0


async def test_time_is_in_pieces_without_a_gap_and_each_has_its_own(
    played: PlayedShop, clock: ManualClock
) -> None:
    # Given a buyer at noon of 1 March, more 16 minutes later, and a cancellation on 3 March
    shop = played.sale.shop
    begins_at = clock.now() - timedelta(minutes=16, hours=1)
    clock.advance(2 * DAY)
    await cancel_order(played.orders["paid"].id, reason="changed my mind")
    chart = await chart_of(shop, days=4, begins_at=begins_at, ends_at=begins_at + 4 * DAY)

    # Then days without anything are there, empty, and the parts are the whole
    assert [bucket.begins_at for bucket in chart.buckets] == [
        datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 6)
    ]
    slots = [bucket.slots for bucket in chart.buckets]
    assert slots == [
        SlotFlow(held=13, sold=4, returned=6, returned_sold=1),
        SlotFlow(),
        SlotFlow(returned=2, returned_sold=2),
        SlotFlow(),
        SlotFlow(),
    ]
    assert chart.total.slots == SlotFlow(held=13, sold=4, returned=8, returned_sold=3)
    assert [list(bucket.money) for bucket in chart.buckets] == [["CNY"]] * 5


async def test_the_same_moment_is_of_another_day_elsewhere(played: PlayedShop) -> None:
    # Noon of 1 March in UTC is 2 March, 01:00, in Auckland, and 1 March, 17:45, in Kathmandu.
    shop = played.sale.shop
    for zone, begins_at, minute in [
        ("Pacific/Auckland", datetime(2026, 3, 1, 11, tzinfo=UTC), 0),
        ("Asia/Kathmandu", datetime(2026, 2, 28, 18, 15, tzinfo=UTC), 15),
    ]:
        shop.timezone = zone
        for _ in range(2):
            chart = await chart_of(shop, ends_at=datetime(2026, 3, 1, 12, 1, tzinfo=UTC))
            assert (chart.zone, chart.buckets[0].begins_at) == (zone, begins_at)
            assert chart.total.slots.held == 13
            hours = await chart_of(shop, by=SalesInterval.HOUR, days=1)
            assert {bucket.begins_at.minute for bucket in hours.buckets} == {minute}
            # 12:00 and 12:16 are of one hour, except where hours begin at a quarter past.
            by_hour = [bucket.slots.held for bucket in hours.buckets if bucket.slots.held]
            assert by_hour == ([13] if minute == 0 else [6, 7])
            await sum_up()


async def test_slots_that_are_claimed_again_did_not_go_back(
    played: PlayedShop, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given two holds that ran out, one of which was being paid
    await work_off(database_admin, "payments")
    payment = await played.start("last")
    clock.advance(timedelta(minutes=16))
    assert await sweep_orders() == 2
    await sum_up()
    before = await chart_of(played.sale.shop)

    # When its money arrives after all, and its slot is free
    assert await played.capture(payment) == "captured"
    after = await chart_of(played.sale.shop)

    # Then it was sold, and not returned
    assert after.total.slots.sold == before.total.slots.sold + 1
    assert after.total.slots.returned == before.total.slots.returned - 1
    assert after.total.slots.held == before.total.slots.held


async def test_campaigns_shops_and_currencies_are_kept_apart(
    played: PlayedShop, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    # Given a second campaign, in the currency that the shop has now, and another shop
    shop = played.sale.shop
    await Shop.filter(id=shop.id).update(currency="EUR")
    await shop.refresh_from_db()
    await make_variant(shop, "OWL-1")
    second = await open_sale(shop=shop, has_variants=True, skus=["OWL-1"], handle="owl")
    await place(second, quantity=2)
    other = await make_shop("other-forge")
    await open_sale(shop=other)

    # Then the shop has both, and each campaign its own
    whole = await chart_of(shop)
    assert whole.total.slots.held == 13 + 2
    assert list(whole.total.money) == ["CNY", "EUR"]
    assert money_of(whole) == {"DEPOSIT": (12_000, 0)}
    assert money_of(whole, "EUR") == {}
    assert (await chart_of(shop, campaign_id=second.campaign.id)).total.slots.held == 2
    assert (await chart_of(other)).total.slots == SlotFlow()
    # And nobody has the campaign of another shop, or one that does not exist
    for campaign_id in (second.campaign.id, new_id()):
        with pytest.raises(CampaignNotFound):
            await chart_of(other, campaign_id=campaign_id)


async def test_a_chart_is_one_statement_whatever_it_shows(played: PlayedShop) -> None:
    shop, campaign = played.sale.shop, played.sale.campaign
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, 3),
        ({"days": 399}, 3),
        ({"days": 16, "by": SalesInterval.HOUR}, 3),
        ({"campaign_id": campaign.id}, 4),
    ]
    for options, statements in asked:
        async with counted_statements() as sent:
            await chart_of(shop)
            before = len(sent)
            await chart_of(shop, **options)
        # BEGIN, the campaign if there is one, the chart, COMMIT.
        assert len(sent) - before == statements


async def test_sums_are_right_however_many_write_and_sum_up_at_once(
    database: str, redis: Redis, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=60)
    done = asyncio.Event()

    async def keep_summing_up() -> None:
        while not done.is_set():
            await sum_up()

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(keep_summing_up())
        orders = [
            group.create_task(place(sale, email=f"{n}@example.com", key=str(n))) for n in range(40)
        ]
        await asyncio.gather(*orders)
        for order in orders[::4]:
            await cancel_order(order.result().id, reason="changed my mind")
        charts = [await chart_of(sale.shop)]
        done.set()
    await sum_up()
    charts.append(await chart_of(sale.shop))

    assert [chart.total.slots for chart in charts] == [SlotFlow(held=40, returned=10)] * 2


async def test_a_rebuild_and_a_move_into_the_sums_wait_for_each_other(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    shop = played.sale.shop
    truth = (await chart_of(shop)).total
    for step in (sum_up, lambda: rebuild_sales(shop.id)):
        async with database_admin.transaction():
            await database_admin.execute(TAKE_LOCK)
            running = asyncio.ensure_future(step())
            await asyncio.wait({running}, timeout=0.3)
            assert not running.done()
        await running
        assert (await chart_of(shop)).total == truth


async def test_control_a_rebuild_that_is_not_waited_for_fails(
    played: PlayedShop, database: str, database_admin: asyncpg.Connection
) -> None:
    # Given a move between the two steps of a rebuild that takes no lock
    shop = played.sale.shop
    truth = (await chart_of(shop)).total

    def on_reach(name: str) -> None:
        if name == "analytics.sums_removed":
            with psycopg.connect(database) as connection:
                connection.execute(_MOVE.replace("$1", "100"))

    # Then the rebuild meets what was moved, and ends with nothing done
    with observed(on_reach), pytest.raises(asyncpg.UniqueViolationError):
        await rebuild_sales(shop.id)
    assert (await chart_of(shop)).total == truth


async def test_a_rebuild_mends_what_was_damaged(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    shop = played.sale.shop
    truth = await chart_of(shop)
    await sum_up()
    await database_admin.execute("UPDATE sales_sum SET held = held + 7")
    assert (await chart_of(shop)).total.slots.held == truth.total.slots.held + 7

    await rebuild_sales(shop.id)

    assert await chart_of(shop) == truth


async def test_an_empty_shop_has_an_empty_chart(database: str, clock: ManualClock) -> None:
    chart = await chart_of(await make_shop(), days=7)
    assert len(chart.buckets) == 8
    assert {bucket.slots for bucket in (*chart.buckets, chart.total)} == {SlotFlow()}
    assert money_of(chart) == {}


async def test_when_an_order_was_sold_and_given_back_fits_its_state(
    played: PlayedShop, database_admin: asyncpg.Connection
) -> None:
    rows = await database_admin.fetch(
        "SELECT DISTINCT status, sold_at IS NOT NULL AS sold, released_at IS NOT NULL AS released "
        "FROM sales_order ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        ("AWAITING_DEPOSIT", False, False),
        ("CANCELLED", False, True),
        ("CANCELLED", True, True),
        ("DEPOSIT_PAID", True, False),
        ("EXPIRED", False, True),
    ]
