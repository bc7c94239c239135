"""Placing and paying, each up to its end state: one order, one payment, one booking."""

from dataclasses import replace
from uuid import UUID

from headless_presale.checkout import CartLine, PlaceOrder, place_order
from headless_presale.kernel.money import Money
from headless_presale.orders import OrderStatus, StartPayment, start_payment, sweep_orders
from headless_presale.payments import PaymentLeg, get_gateway, record_notice
from headless_presale.payments.gateways import GatewayNotice
from headless_presale.slots.admission import keys_of
from tests.failpoints.world import HOLD, Scenario, World
from tests.support.money import books_of, read, start_of
from tests.support.shop import order_for

DEPOSIT_MINOR = 2 * 2_000
"""20 % of two units at 100.00."""


# Placing


def _wish(world: World) -> PlaceOrder:
    lines = [CartLine(item.id, quantity=1) for item in world.sale.campaign.items]
    return order_for(world.sale, key="placed-once", lines=lines)


async def _placing(world: World) -> PlaceOrder:
    return _wish(world)


async def _placing_on_a_stale_redis(world: World) -> PlaceOrder:
    # Redis offers number 1 of each pool, though an order owns it.
    await world.order(email="first@example.com", lines=_wish(world).lines)
    for item in world.sale.campaign.items:
        await world.redis.zadd(keys_of(item.pool_id)["free"], {"1": 1})
    return _wish(world)


async def _is_placed_once(world: World, wish: PlaceOrder) -> None:
    order = await place_order(wish)
    assert order.status is OrderStatus.AWAITING_DEPOSIT
    assert await world.owned(order.id) == 2
    assert (
        await world.count(
            "SELECT count(*) FROM sales_order WHERE buyer->>'email' = $1", "lin@example.com"
        )
        == 1
    )


# Paying


async def _starting(world: World) -> StartPayment:
    order = await world.order(quantity=2)
    return start_of(order, PaymentLeg.DEPOSIT, idempotency_key="started-once")


async def _is_started_once(world: World, wish: StartPayment) -> None:
    payment = await start_payment(wish)
    intents = await world.sandbox.intents()
    assert [
        (i["id"], i["amount"], i["status"])
        for i in intents
        if i["metadata"]["order_id"] == str(wish.order_id)
    ] == [(payment.intent_id, DEPOSIT_MINOR, "requires_payment")]
    assert await world.count("SELECT count(*) FROM payment") == 1


async def _told(notice: GatewayNotice) -> str:
    return await record_notice("sandbox", notice)


async def _capturing(world: World) -> GatewayNotice:
    return await world.capture_notice(await world.started(await world.order(quantity=2)))


async def _is_captured_once(world: World, notice: GatewayNotice) -> None:
    order_id = await _order_of(world, notice)
    assert await world.status(order_id) is OrderStatus.DEPOSIT_PAID
    assert await books_of(order_id) == {"GATEWAY": DEPOSIT_MINOR, "CUSTOMER_FUNDS": -DEPOSIT_MINOR}
    assert await world.count("SELECT count(*) FROM message") == 1
    assert await world.count("SELECT count(*) FROM ledger_transaction") == 1


async def _order_of(world: World, notice: GatewayNotice) -> UUID:
    assert notice.intent is not None
    found: UUID = await world.admin.fetchval(
        "SELECT order_id FROM payment WHERE intent_id = $1", notice.intent.id
    )
    return found


async def _declining(world: World) -> GatewayNotice:
    payment = await world.started(await world.order(quantity=2))
    await world.sandbox.decline(payment)
    return await world.notice(
        payment, "payment_intent.payment_failed", failure_code="card_declined"
    )


async def _is_declined_once(world: World, notice: GatewayNotice) -> None:
    assert await world.admin.fetchval("SELECT failure_code FROM payment") == "card_declined"
    assert await world.count("SELECT count(*) FROM event WHERE type = 'payment.failed'") == 1
    assert await world.status(await _order_of(world, notice)) is OrderStatus.AWAITING_DEPOSIT


async def _ending_at_the_gateway(world: World) -> GatewayNotice:
    payment = await world.started(await world.order(quantity=2))
    assert payment.intent_id
    await get_gateway("sandbox").cancel_intent(payment.intent_id)
    return await world.notice(payment, "payment_intent.cancelled")


async def _has_ended_once(world: World, notice: GatewayNotice) -> None:
    assert await world.admin.fetchval("SELECT status FROM payment") == "CANCELLED"
    assert await world.count("SELECT count(*) FROM event WHERE type = 'payment.cancelled'") == 1


async def _paying_another_amount(world: World) -> GatewayNotice:
    notice = await _capturing(world)
    assert notice.intent is not None
    other = Money(notice.intent.amount.amount_minor + 1, notice.intent.amount.currency)
    return replace(notice, intent=replace(notice.intent, amount=other))


async def _is_kept_apart(world: World, notice: GatewayNotice) -> None:
    order_id = await _order_of(world, notice)
    assert await world.admin.fetchval("SELECT status FROM payment") == "MISMATCHED"
    assert await books_of(order_id) == {}
    assert await world.status(order_id) is OrderStatus.AWAITING_DEPOSIT


async def _paying_late(world: World) -> GatewayNotice:
    """The hold has run out and the first numbers are somebody else's."""
    order = await world.order(quantity=2)
    payment = await world.started(order)
    notice = await world.capture_notice(payment)
    world.clock.advance(HOLD)
    await sweep_orders()
    await world.order(email="quick@example.com", quantity=2)
    return notice


async def _has_slots_again(world: World, notice: GatewayNotice) -> None:
    order = await read(await _order_of(world, notice))
    assert order.status is OrderStatus.DEPOSIT_PAID
    assert [line.numbers for line in order.lines] == [(3, 4)]
    assert await world.owned(order.id) == 2


SCENARIOS = [
    Scenario("placing", _placing, place_order, _is_placed_once),
    Scenario("placing without Redis", _placing, place_order, _is_placed_once, has_redis=False),
    Scenario("placing on a stale Redis", _placing_on_a_stale_redis, place_order, _is_placed_once),
    Scenario("starting to pay", _starting, start_payment, _is_started_once),
    Scenario("paying", _capturing, _told, _is_captured_once),
    Scenario("failing to pay", _declining, _told, _is_declined_once),
    Scenario("a payment ending at the gateway", _ending_at_the_gateway, _told, _has_ended_once),
    Scenario(
        "paying another amount",
        _paying_another_amount,
        _told,
        _is_kept_apart,
        broken=("no payment differs from what was asked for",),
    ),
    Scenario("paying late", _paying_late, _told, _has_slots_again),
]
