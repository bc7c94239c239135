"""Which events write a message, once, in the transaction that emits them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import cancel_campaign
from headless_presale.checkout import Buyer
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import (
    Message,
    MessageKind,
    on_order_confirmed,
)
from headless_presale.orders import (
    OrderConfirmed,
    OrderStatus,
    OrderView,
    cancel_order,
    cancel_orders_of_campaign,
    sweep_orders,
)
from headless_presale.payments import PaymentLeg, Refund
from headless_presale.shops import Shop
from tests.integration.notifications.orders import (
    capture,
    open_deposit_sale,
    pay,
    place,
    start,
)
from tests.support.money import read
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def messages(kind: MessageKind | None = None) -> list[Message]:
    return await Message.filter(**({"kind": kind} if kind else {})).order_by("created_at", "id")


async def the_message(kind: MessageKind) -> Message:
    (message,) = await messages(kind)
    return message


async def remind_and_miss(clock: ManualClock) -> None:
    """Let 14 days pass and the reminder go out, then the last day."""
    clock.advance(timedelta(days=14))
    await sweep_orders()
    clock.advance(timedelta(days=1))
    await sweep_orders()


async def send_jobs(database_admin: asyncpg.Connection) -> list[dict[str, Any]]:
    rows = await database_admin.fetch(
        "SELECT args FROM procrastinate_jobs WHERE task_name = 'notifications:send_message' "
        "ORDER BY id"
    )
    return [json.loads(row["args"]) for row in rows]


@shielded
async def emit_again(order: OrderView) -> None:
    """Have the confirmation handled a second time, as a replayed event would."""
    async with unit_of_work():
        await on_order_confirmed(
            OrderConfirmed(
                order_id=order.id,
                campaign_id=order.campaign_id,
                source=OrderStatus.AWAITING_DEPOSIT,
                target=OrderStatus.DEPOSIT_PAID,
            )
        )


async def test_a_deposit_writes_one_confirmation_with_its_facts_and_its_job(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_deposit_sale()
    order = await place(sale, quantity=3, locale="zh-CN")
    assert await messages() == []

    await pay(order, PaymentLeg.DEPOSIT)

    message = await the_message(MessageKind.ORDER_CONFIRMED)
    assert await messages() == [message]
    assert message.subject_id == order.id
    assert message.recipient == "lin@example.com"
    assert message.locale == "zh-CN"
    assert message.created_at == clock.now()
    assert (message.sent_at, message.failed_at, message.failure) == (None, None, "")
    assert message.context == {
        "order_id": str(order.id),
        "order_number": order.number,
        "currency": "CNY",
        "terms_version": 1,
        "buyer_name": "Lin",
        "shop_name": "Moonlit Forge",
        "is_paid_in_full": False,
        "is_late": False,
        "lines": [
            {
                "title": order.lines[0].title,
                "numbers": [1, 2, 3],
                "quantity": 3,
                "unit_price_minor": 10_000,
                "total_minor": 30_000,
                "price_reason": "LIST",
                "price_tier": None,
                "price_bps": 10_000,
                "gift": None,
                "ships_by": "2026-06-30",
            }
        ],
        "total_minor": 30_000,
        "deposit_minor": 6_000,
        "balance_minor": 24_000,
        # The campaign closes on 8 March; the balance opens a day later, for a week.
        "balance_opens_at": "2026-03-09T12:00:00+00:00",
        "balance_due_at": "2026-03-16T12:00:00+00:00",
    }
    assert await send_jobs(database_admin) == [{"message_id": str(message.id)}]


async def test_a_repeated_event_writes_nothing_more(database_admin: asyncpg.Connection) -> None:
    order = await place(await open_deposit_sale())
    payment = await start(order, PaymentLeg.DEPOSIT)

    assert await capture(payment, event_id="evt_1") == "captured"
    assert await capture(payment, event_id="evt_1") == "duplicate"
    assert await capture(payment, event_id="evt_2") == "repeat"
    await emit_again(order)

    message = await the_message(MessageKind.ORDER_CONFIRMED)
    assert await send_jobs(database_admin) == [{"message_id": str(message.id)}]


async def test_a_transaction_that_rolls_back_leaves_no_message_and_no_job(
    database_admin: asyncpg.Connection,
) -> None:
    order = await place(await open_deposit_sale())

    @shielded
    async def break_off() -> None:
        async with unit_of_work():
            await on_order_confirmed(
                OrderConfirmed(
                    order_id=order.id,
                    campaign_id=order.campaign_id,
                    source=OrderStatus.AWAITING_DEPOSIT,
                    target=OrderStatus.DEPOSIT_PAID,
                )
            )
            assert await Message.all().count() == 1
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        await break_off()

    assert await messages() == []
    assert await send_jobs(database_admin) == []


async def test_what_was_said_stays_said(database_admin: asyncpg.Connection) -> None:
    order = await place(await open_deposit_sale())
    await pay(order, PaymentLeg.DEPOSIT)
    before = (await the_message(MessageKind.ORDER_CONFIRMED)).context

    await Shop.filter(id=order.shop_id).update(name="Another name")
    await database_admin.execute("UPDATE order_line SET title = 'Another title'")
    await emit_again(order)

    assert (await the_message(MessageKind.ORDER_CONFIRMED)).context == before
    assert before["shop_name"] == "Moonlit Forge"


async def test_a_full_payment_is_confirmed_as_paid() -> None:
    order = await place(await open_sale())

    await pay(order, PaymentLeg.FULL)

    message = await the_message(MessageKind.ORDER_CONFIRMED)
    assert message.context["is_paid_in_full"] is True
    assert message.context["total_minor"] == 10_000
    assert len(await messages()) == 1


@pytest.mark.parametrize(
    ("buyer", "shop", "spoken"),
    [
        ("zh-CN", "en", "zh-CN"),
        ("zh-Hans", "en", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("fr", "zh-CN", "zh-CN"),
        ("fr", "de", "en"),
    ],
)
async def test_a_message_speaks_the_buyers_language_or_the_shops(
    buyer: str, shop: str, spoken: str
) -> None:
    order = await place(await open_sale(), locale=buyer)
    await Shop.filter(id=order.shop_id).update(default_locale=shop)

    await pay(order, PaymentLeg.FULL)

    assert (await the_message(MessageKind.ORDER_CONFIRMED)).locale == spoken


async def test_a_shop_is_named_in_the_language_of_the_message() -> None:
    order = await place(await open_sale(), locale="zh-CN")
    await Shop.filter(id=order.shop_id).update(translations={"zh-CN": {"name": "月光工坊"}})

    await pay(order, PaymentLeg.FULL)

    assert (await the_message(MessageKind.ORDER_CONFIRMED)).context["shop_name"] == "月光工坊"


async def test_a_balance_is_reminded_of_once(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale())
    await pay(order, PaymentLeg.DEPOSIT)
    clock.move_to(clock.now() + timedelta(days=8))
    await sweep_orders()
    assert await messages(MessageKind.BALANCE_REMINDER) == []

    # Due on 16 March at noon; reminded a day before.
    clock.advance(timedelta(days=6))
    await sweep_orders()
    await sweep_orders()

    message = await the_message(MessageKind.BALANCE_REMINDER)
    assert message.context["balance_minor"] == 8_000
    assert message.context["balance_due_at"] == "2026-03-16T12:00:00+00:00"
    assert message.context["missed_balance"] == "FORFEIT"


async def test_a_late_reminder_tells_the_end_that_it_moved(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale())
    await pay(order, PaymentLeg.DEPOSIT)

    # Planned for 15 March at noon, it comes three days late: half of a day is left to the buyer.
    clock.advance(timedelta(days=17))
    await sweep_orders()

    message = await the_message(MessageKind.BALANCE_REMINDER)
    assert message.context["balance_due_at"] == "2026-03-19T00:00:00+00:00"
    assert (await read(order.id)).balance_due_at == datetime(2026, 3, 19, tzinfo=UTC)


async def test_a_cancellation_before_a_late_reminder_does_not_speak_of_a_missed_balance(
    clock: ManualClock,
) -> None:
    order = await place(await open_deposit_sale(missed_balance="REFUND"))
    await pay(order, PaymentLeg.DEPOSIT)
    clock.advance(timedelta(days=8))
    await sweep_orders()
    clock.advance(timedelta(days=9))

    await cancel_order(order.id, reason="changed my mind")

    message = await the_message(MessageKind.ORDER_CANCELLED)
    assert message.context["is_balance_missed"] is False
    assert (message.context["paid_minor"], message.context["kept_minor"]) == (2_000, 2_000)


async def test_a_missed_balance_is_told_with_what_is_kept(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale())
    await pay(order, PaymentLeg.DEPOSIT)
    await remind_and_miss(clock)

    assert (await read(order.id)).status is OrderStatus.FORFEITED
    message = await the_message(MessageKind.ORDER_FORFEITED)
    assert message.context["deposit_minor"] == 2_000
    assert message.context["balance_minor"] == 8_000


async def test_a_missed_balance_that_is_refunded_says_so(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale(missed_balance="REFUND"))
    await pay(order, PaymentLeg.DEPOSIT)
    await remind_and_miss(clock)

    message = await the_message(MessageKind.ORDER_CANCELLED)
    assert message.context["is_balance_missed"] is True
    assert message.context["paid_minor"] == 2_000
    assert message.context["refunded_minor"] == 2_000
    assert message.context["kept_minor"] == 0


async def test_a_cancellation_tells_of_its_refund() -> None:
    order = await place(await open_deposit_sale(), quantity=2)
    await pay(order, PaymentLeg.DEPOSIT)

    await cancel_order(order.id, reason="changed my mind")
    await cancel_order(order.id, reason="changed my mind")

    message = await the_message(MessageKind.ORDER_CANCELLED)
    assert message.subject_id == order.id
    assert message.context["paid_minor"] == 4_000
    assert message.context["refunded_minor"] == 4_000
    assert message.context["kept_minor"] == 0
    assert message.context["is_campaign_cancelled"] is False
    assert message.context["is_balance_missed"] is False


async def test_a_cancelled_campaign_is_told_in_the_merchants_words() -> None:
    sale = await open_deposit_sale()
    order = await place(sale)
    await pay(order, PaymentLeg.DEPOSIT)

    await cancel_campaign(sale.campaign.id, reason="The mould\r\nbroke.")
    await cancel_orders_of_campaign(sale.campaign.id, reason="The mould\r\nbroke.")

    message = await the_message(MessageKind.ORDER_CANCELLED)
    assert message.context["is_campaign_cancelled"] is True
    assert message.context["campaign_reason"] == "The mould broke."
    assert message.context["refunded_minor"] == 2_000


async def test_an_unpaid_basket_gets_no_mail(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_deposit_sale()
    left = await place(sale, email="left@example.com")
    called_off = await place(sale, email="off@example.com")

    await cancel_order(called_off.id, reason="changed my mind")
    clock.advance(timedelta(minutes=15))
    await sweep_orders()

    assert (await read(left.id)).status is OrderStatus.EXPIRED
    assert (await read(called_off.id)).status is OrderStatus.CANCELLED
    assert await messages() == []
    assert await send_jobs(database_admin) == []


async def test_money_in_time_for_free_slots_is_confirmed_as_late(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale())
    payment = await start(order, PaymentLeg.DEPOSIT)
    clock.advance(timedelta(minutes=15))
    await sweep_orders()

    await capture(payment)

    message = await the_message(MessageKind.ORDER_CONFIRMED)
    assert message.context["is_late"] is True
    assert len(await messages()) == 1


async def test_each_refused_payment_gets_its_answer(clock: ManualClock) -> None:
    order = await place(await open_deposit_sale())
    first = await start(order, PaymentLeg.DEPOSIT)
    await cancel_order(order.id, reason="changed my mind")
    second = await start(order, PaymentLeg.BALANCE)

    await capture(first)
    await capture(second)
    await capture(second)

    refused = await messages(MessageKind.LATE_PAYMENT_REFUSED)
    assert await messages() == refused
    assert [message.context["amount_minor"] for message in refused] == [2_000, 8_000]
    assert {message.context["order_status"] for message in refused} == {"CANCELLED"}
    refunds = await Refund.all().values_list("id", flat=True)
    assert {message.subject_id for message in refused} == set(refunds)


async def test_a_hostile_name_is_tamed_before_it_is_kept() -> None:
    name = "Lin\r\nBcc: victim@example.com"
    order = await place(await open_sale(), buyer=Buyer(email="lin@example.com", name=name))

    await pay(order, PaymentLeg.FULL)

    message = await the_message(MessageKind.ORDER_CONFIRMED)
    assert message.context["buyer_name"] == "Lin Bcc: victim@example.com"
