"""Use cases cancelled at each of their awaits: nothing leaks, nothing is torn, a repeat is one.

Two kinds of cancellation. A caller's own, such as a client that goes away, never reaches a shielded
command: it goes on and comes to its end. A loop that shuts down reaches the command itself, at
whatever it waits for: then its transaction is committed or rolled back, and nothing in between.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain as drain_checkout
from headless_presale.checkout import place_order
from headless_presale.checkout.reservation import Reservation
from headless_presale.kernel import redis as kernel_redis
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import _is_shielded, drain
from headless_presale.orders import (
    OrderStatus,
    OrderView,
    cancel_order,
    start_payment,
    sweep_orders,
)
from headless_presale.payments import Payment, PaymentLeg, Refund, record_notice
from headless_presale.payments.gateways import set_gateways
from headless_presale.payments.refunds import submit_refund
from headless_presale.slots import count_available, load_if_unknown
from headless_presale.slots.admission import keys_of
from tests.support.invariants import broken_invariants, reconcile_later
from tests.support.memory_gateway import MemoryGateway
from tests.support.money import history_of, owned_numbers, place, read, start, start_of
from tests.support.pool import all_given_back, open_transactions
from tests.support.shop import Sale, open_sale, order_for
from tests.support.stepping import cancelled_at

MANY = 250
"""More awaits than any of these has: the loops below end when they run out of them."""
CAPACITY = 1_000


@dataclass(frozen=True)
class Stage:
    """What every case plays on."""

    sale: Sale
    gateway: MemoryGateway
    clock: ManualClock
    admin: asyncpg.Connection
    redis: Redis

    async def place(self, number: int) -> OrderView:
        """Place an order of two, as the buyer of this number."""
        return await place(self.sale, email=f"b{number}@example.com", key="order", quantity=2)

    async def pay(self, number: int) -> OrderView:
        """Place an order and pay it."""
        order = await self.place(number)
        payment = await start(order, PaymentLeg.FULL)
        assert payment.intent_id is not None
        self.gateway.capture(payment.intent_id)
        await record_notice("sandbox", self.gateway.notices.pop())
        return order

    async def count(self, order: OrderView, event: str) -> int:
        """Return how often something happened to an order."""
        return [entry[0] for entry in await history_of(self.admin, order.id)].count(event)


@dataclass(frozen=True)
class Round:
    """What is run and cancelled, and whether it has had its whole effect, once."""

    act: Callable[[], Coroutine[Any, Any, object]]
    is_done: Callable[[], Awaitable[bool]]


async def _placing(stage: Stage, number: int) -> Round:
    command = order_for(stage.sale, email=f"b{number}@example.com", key="order", quantity=2)

    async def is_done() -> bool:
        ids = await stage.admin.fetch(
            "SELECT id FROM sales_order WHERE buyer->>'email' = $1", command.buyer.email
        )
        return [len(await owned_numbers(stage.admin, row["id"])) for row in ids] == [2]

    return Round(lambda: place_order(command), is_done)


async def _starting(stage: Stage, number: int) -> Round:
    order = await stage.place(number)
    command = start_of(order, PaymentLeg.FULL, idempotency_key="pay")

    async def is_done() -> bool:
        payments = await Payment.filter(order_id=order.id)
        references = [intent.reference for intent in stage.gateway.intents.values()]
        is_known = [references.count(str(payment.id)) == 1 for payment in payments] == [True]
        return is_known and payments[0].intent_id is not None

    return Round(lambda: start_payment(command), is_done)


async def _noticing(stage: Stage, number: int) -> Round:
    order = await stage.place(number)
    payment = await start(order, PaymentLeg.FULL)
    assert payment.intent_id is not None
    stage.gateway.capture(payment.intent_id)
    notice = stage.gateway.notices.pop()

    async def is_done() -> bool:
        is_paid = (await read(order.id)).status is OrderStatus.PAID
        return is_paid and await stage.count(order, "payment.captured") == 1

    return Round(lambda: record_notice("sandbox", notice), is_done)


async def _cancelling(stage: Stage, number: int) -> Round:
    order = await stage.pay(number)

    async def is_done() -> bool:
        refunds = await Refund.filter(payment__order_id=order.id).count()
        return refunds == await stage.count(order, "order.cancelled") == 1

    return Round(lambda: cancel_order(order.id, reason="changed my mind"), is_done)


async def _expiring(stage: Stage, number: int) -> Round:
    order = await stage.place(number)
    stage.clock.move_to(order.hold_expires_at)

    async def is_done() -> bool:
        is_free = not await owned_numbers(stage.admin, order.id)
        return is_free and await stage.count(order, "order.expired") == 1

    return Round(sweep_orders, is_done)


async def _refunding(stage: Stage, number: int) -> Round:
    order = await stage.pay(number)
    await cancel_order(order.id, reason="changed my mind")
    refund = await Refund.get(payment__order_id=order.id).prefetch_related("payment")
    intent_id = refund.payment.intent_id
    assert intent_id is not None

    async def is_done() -> bool:
        asked = [back.amount.amount_minor for back in stage.gateway.refunds_of(intent_id)]
        return asked == [20_000] and (await Refund.get(id=refund.id)).status == "SUBMITTED"

    return Round(lambda: submit_refund(refund.id), is_done)


async def _settling(stage: Stage, number: int) -> Round:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reservation, "settle_soon", lambda self: None)
        order = await stage.place(number)
    reservation = Reservation(order.id, {stage.sale.pool_id: order.lines[0].numbers})

    async def is_done() -> bool:
        pending = keys_of(stage.sale.pool_id)["pending"]
        return not await stage.redis.hexists(pending, str(order.id))

    return Round(reservation.settle, is_done)


async def _loading(stage: Stage, number: int) -> Round:
    await stage.place(number)
    await drain_checkout()
    await stage.redis.flushdb()
    keys = keys_of(stage.sale.pool_id)

    async def is_done() -> bool:
        return bool(await stage.redis.exists(keys["meta"], keys["owners"]) == 2)

    return Round(lambda: load_if_unknown(stage.sale.pool_id), is_done)


CASES = {
    "place_order": _placing,
    "start_payment": _starting,
    "record_notice": _noticing,
    "cancel_order": _cancelling,
    "sweep_orders": _expiring,
    "submit_refund": _refunding,
    "settle": _settling,
    "load_if_unknown": _loading,
}
ONE_COMMAND = {"place_order", "record_notice", "cancel_order", "load_if_unknown"}
"""Those that a caller who goes away leaves to come to their end."""


LEAST_AWAITS = {
    "place_order": 8,
    "start_payment": 12,
    "record_notice": 16,
    "cancel_order": 18,
    "sweep_orders": 20,
    "submit_refund": 12,
    "settle": 1,
    "load_if_unknown": 10,
}
"""Fewer would mean that what is cancelled is no longer what this is about."""


@pytest.fixture
async def stage(
    database: str, clock: ManualClock, redis: Redis, database_admin: asyncpg.Connection
) -> AsyncIterator[Stage]:
    """Open a sale that is paid at a gateway in memory."""
    gateway = MemoryGateway("sandbox")
    set_gateways([gateway])
    sale = await open_sale(capacity=CAPACITY, days=60)
    yield Stage(sale, gateway, clock, database_admin, redis)
    set_gateways([])


async def _assert_nothing_is_held(stage: Stage, step: int) -> None:
    assert await drain(5) == 0
    await drain_checkout()
    # What was on its way to Redis arrives, whoever has gone.
    await kernel_redis.drain()
    assert await all_given_back(), f"a connection was lost at await {step}"
    assert await open_transactions(stage.admin) == 0
    # All but the one that batches keep.
    taken: Any = set(stage.redis.connection_pool._in_use_connections)
    kept = kernel_redis._batches and kernel_redis._batches._connection
    assert taken <= {kept}, f"lost one to Redis at {step}"
    assert await broken_invariants(stage.admin) == {}, f"torn in half at await {step}"


async def _assert_both_sides_agree(stage: Stage) -> None:
    await reconcile_later(stage.sale.pool_id)
    assert await broken_invariants(stage.admin, stage.redis) == {}
    free = await stage.admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NULL")
    assert await count_available([stage.sale.pool_id]) == {stage.sale.pool_id: free}


@pytest.mark.parametrize("case", CASES)
async def test_the_loop_shuts_down_at_any_await(case: str, stage: Stage) -> None:
    was_done_when_cancelled = set()
    is_cancelled, step = True, 0
    while is_cancelled:
        step += 1
        assert step < MANY
        round_ = await CASES[case](stage, step)

        async def inside(act: Callable[[], Coroutine[Any, Any, object]] = round_.act) -> None:
            # What runs inside the shield, in the task that is cancelled.
            _is_shielded.set(True)
            await act()

        is_cancelled = await cancelled_at(step, inside())

        await _assert_nothing_is_held(stage, step)
        if is_cancelled:
            was_done_when_cancelled.add(await round_.is_done())
        await round_.act()
        assert await round_.is_done(), f"a repeat does not mend what broke off at await {step}"
        await _assert_nothing_is_held(stage, step)

    assert step > LEAST_AWAITS[case]
    # Some were cancelled before their effect: it is the repeat that had it. One call of Redis is
    # on its way before the first await.
    assert (False in was_done_when_cancelled) is (case != "settle")
    await _assert_both_sides_agree(stage)


@pytest.mark.parametrize("case", [case for case in CASES if case != "settle"])
async def test_its_caller_goes_away_at_any_await(case: str, stage: Stage) -> None:
    is_cancelled, step = True, 0
    while is_cancelled:
        step += 1
        assert step < MANY
        round_ = await CASES[case](stage, step)

        is_cancelled = await cancelled_at(step, round_.act())

        await _assert_nothing_is_held(stage, step)
        if case in ONE_COMMAND:
            assert await round_.is_done(), "a command was torn by its caller"
        await round_.act()
        assert await round_.is_done()

    assert step > 1
    await _assert_both_sides_agree(stage)
