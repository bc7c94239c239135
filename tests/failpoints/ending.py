"""Expiring, cancelling, refunding, telling: each slot back once, each payment back once."""

import contextlib
from datetime import timedelta
from uuid import UUID

from headless_presale.kernel.money import Money
from headless_presale.notifications import deliver
from headless_presale.notifications.errors import MessageBusy
from headless_presale.orders import (
    CallOffCampaign,
    OrderStatus,
    call_off_campaign,
    cancel_order,
    cancel_orders_of_campaign,
    sweep_orders,
)
from headless_presale.payments import Payment, PaymentStatus, reconcile_refunds, record_notice
from headless_presale.payments.reconciliation import cancel_intent
from headless_presale.payments.refunds import submit_refund
from tests.failpoints.world import HOLD, Scenario, World
from tests.support.money import books_of, place, work_off

DEPOSIT = Money(2_000, "CNY")
CALLED_OFF = "the kiln broke"
BALANCE_IS_OPEN = timedelta(days=9)
BALANCE_IS_REMINDED_OF = timedelta(days=14)
BALANCE_IS_MISSED = timedelta(days=17)


async def _sweep(_: object) -> int:
    return await sweep_orders()


async def _paid(world: World, **wish: str) -> UUID:
    """Return an order whose deposit is paid, with all messages of it still to be sent."""
    order = await world.order(**wish)
    await record_notice("sandbox", await world.capture_notice(await world.started(order)))
    return order.id


async def _refunds_at_the_gateway(world: World) -> list[tuple[str, int]]:
    return [(refund["status"], refund["amount"]) for refund in await world.sandbox.refunds()]


# Expiring


async def _a_hold_that_runs_out(world: World) -> UUID:
    order = await world.order(quantity=2)
    await world.started(order)
    world.clock.advance(HOLD)
    return order.id


async def _has_expired(world: World, order_id: UUID) -> None:
    assert await world.status(order_id) is OrderStatus.EXPIRED
    assert await world.owned(order_id) == 0
    await work_off(world.admin, "payments")
    assert [intent["status"] for intent in await world.sandbox.intents()] == ["cancelled"]
    assert await world.count("SELECT count(*) FROM event WHERE type = 'order.expired'") == 1
    # Whoever died before telling Redis left that to the reconciler.
    await world.come_to_rest()
    assert [line.numbers for line in (await place(world.sale, quantity=2)).lines] == [(1, 2)]


async def _a_payment_called_off(world: World) -> UUID:
    order_id = await _a_hold_that_runs_out(world)
    await sweep_orders()
    payment = await Payment.get(order_id=order_id)
    return payment.id


async def _is_called_off_everywhere(world: World, payment_id: UUID) -> None:
    assert [intent["status"] for intent in await world.sandbox.intents()] == ["cancelled"]
    assert (await Payment.get(id=payment_id)).status is PaymentStatus.CANCELLED


# Balances


async def _a_balance_to_be_asked_for(world: World) -> UUID:
    order_id = await _paid(world)
    world.clock.advance(BALANCE_IS_OPEN)
    await sweep_orders()
    world.clock.advance(BALANCE_IS_REMINDED_OF - BALANCE_IS_OPEN)
    return order_id


async def _is_reminded_once(world: World, order_id: UUID) -> None:
    assert await world.status(order_id) is OrderStatus.AWAITING_BALANCE
    assert (
        await world.count("SELECT count(*) FROM event WHERE type = 'order.balance_reminded'") == 1
    )
    assert await world.count("SELECT count(*) FROM message WHERE kind = 'balance_reminder'") == 1


async def _a_balance_missed(world: World) -> UUID:
    order_id = await _a_balance_to_be_asked_for(world)
    await sweep_orders()
    world.clock.advance(BALANCE_IS_MISSED - BALANCE_IS_REMINDED_OF)
    return order_id


async def _is_forfeited_once(world: World, order_id: UUID) -> None:
    assert await world.status(order_id) is OrderStatus.FORFEITED
    assert await world.owned(order_id) == 0
    assert await books_of(order_id) == {"GATEWAY": 2_000, "FORFEITED_DEPOSITS": -2_000}


# Cancelling and refunding


async def _cancel(order_id: UUID) -> object:
    return await cancel_order(order_id, reason="changed my mind")


async def _is_cancelled_and_paid_back(world: World, order_id: UUID) -> None:
    assert await world.status(order_id) is OrderStatus.CANCELLED
    assert await world.owned(order_id) == 0
    await _is_paid_back(world, order_id)


async def _is_paid_back(world: World, _: object) -> None:
    await world.let_refunds_settle()
    assert await _refunds_at_the_gateway(world) == [("succeeded", 2_000)]
    assert await world.admin.fetchval("SELECT string_agg(status, ' ') FROM refund") == "SUCCEEDED"
    order_id = await world.admin.fetchval("SELECT order_id FROM payment")
    assert await books_of(order_id) == {}


async def _a_refund_owed(world: World) -> UUID:
    await _cancel(await _paid(world))
    found: UUID = await world.admin.fetchval("SELECT id FROM refund")
    return found


async def _a_refund_that_failed(world: World) -> UUID:
    refund_id = await _a_refund_owed(world)
    await world.sandbox.set_refunds(outcome="fail")
    await submit_refund(refund_id)
    await world.sandbox.set_refunds(outcome="succeed")
    world.clock.advance(timedelta(minutes=5))
    await reconcile_refunds()
    assert await world.admin.fetchval("SELECT status FROM refund") == "FAILED"
    return refund_id


async def _is_paid_back_at_the_second_attempt(world: World, _: object) -> None:
    await world.let_refunds_settle()
    assert await _refunds_at_the_gateway(world) == [("failed", 2_000), ("succeeded", 2_000)]
    assert await world.admin.fetchval("SELECT string_agg(status, ' ') FROM refund") == "SUCCEEDED"


async def _a_refund_nobody_asked_for(world: World) -> UUID:
    refund_id = await _a_refund_owed(world)
    await world.admin.execute(
        "DELETE FROM procrastinate_jobs WHERE task_name = 'payments:submit_refund'"
    )
    world.clock.advance(timedelta(minutes=5))
    return refund_id


async def _ask_again(_: object) -> int:
    return await reconcile_refunds()


# A campaign that is called off


async def _a_campaign_with_buyers(world: World) -> UUID:
    await _paid(world)
    await world.order(email="unpaid@example.com")
    return world.sale.campaign.id


async def _call_off(campaign_id: UUID) -> object:
    # As it was previewed: one order that is paid, one that is held.
    return await call_off_campaign(
        CallOffCampaign(
            campaign_id=campaign_id,
            reason=CALLED_OFF,
            expected_orders=2,
            expected_refund_minor=DEPOSIT.amount_minor,
        )
    )


async def _is_called_off(world: World, campaign_id: UUID) -> None:
    assert await world.admin.fetchval("SELECT bool_or(is_open) FROM slot_pool") is False
    assert (
        await world.count(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'orders:cancel_campaign'"
        )
        == 1
    )
    await work_off(world.admin, "orders")
    await _all_are_refunded(world, campaign_id)


async def _a_campaign_called_off(world: World) -> UUID:
    campaign_id = await _a_campaign_with_buyers(world)
    await _call_off(campaign_id)
    return campaign_id


async def _refund_all(campaign_id: UUID) -> None:
    while await cancel_orders_of_campaign(campaign_id, reason=CALLED_OFF):
        continue


async def _all_are_refunded(world: World, _: UUID) -> None:
    assert await world.count("SELECT count(*) FROM sales_order WHERE status = 'CANCELLED'") == 2
    assert await world.count("SELECT count(*) FROM slot WHERE order_id IS NOT NULL") == 0
    await work_off(world.admin, "payments")
    assert await _refunds_at_the_gateway(world) == [("succeeded", 2_000)]


# Telling


async def _a_message(world: World) -> UUID:
    await _paid(world)
    found: UUID = await world.admin.fetchval("SELECT id FROM message")
    return found


async def _tell(message_id: UUID) -> None:
    # One that a dead worker had in hand is left to it for two minutes.
    with contextlib.suppress(MessageBusy):
        await deliver(message_id)


async def _is_told(world: World, message_id: UUID) -> None:
    world.clock.advance(timedelta(minutes=3))
    await deliver(message_id)
    assert await world.admin.fetchval("SELECT sent_at IS NOT NULL FROM message") is True


SCENARIOS = [
    Scenario("expiring", _a_hold_that_runs_out, _sweep, _has_expired),
    Scenario(
        "calling a payment off", _a_payment_called_off, cancel_intent, _is_called_off_everywhere
    ),
    Scenario("reminding", _a_balance_to_be_asked_for, _sweep, _is_reminded_once),
    Scenario("forfeiting", _a_balance_missed, _sweep, _is_forfeited_once),
    Scenario("cancelling", _paid, _cancel, _is_cancelled_and_paid_back),
    Scenario("refunding", _a_refund_owed, submit_refund, _is_paid_back),
    Scenario(
        "refunding again",
        _a_refund_that_failed,
        submit_refund,
        _is_paid_back_at_the_second_attempt,
    ),
    Scenario(
        "asking for a refund again",
        _a_refund_nobody_asked_for,
        _ask_again,
        _is_paid_back,
        broken_before=("a refund that is owed has a job that asks for it, or has been asked for",),
    ),
    Scenario("calling a campaign off", _a_campaign_with_buyers, _call_off, _is_called_off),
    Scenario("refunding a campaign", _a_campaign_called_off, _refund_all, _all_are_refunded),
    Scenario("telling", _a_message, _tell, _is_told),
]
