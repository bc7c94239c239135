"""A shop in which something of everything has happened, on gateways in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import (
    OrderStatus,
    OrderView,
    RefundOrder,
    RefundWish,
    StartPayment,
    cancel_order,
    find_order,
    refund_order,
    start_payment,
    sweep_orders,
)
from headless_presale.payments import Payment, PaymentLeg, record_notice
from headless_presale.payments.gateways import set_gateways
from tests.support.memory_gateway import MemoryGateway
from tests.support.shop import Sale, deposit_plan, open_sale, order_for


@dataclass(frozen=True, slots=True)
class PlayedShop:
    """A sale of ten slots, three to a customer, at 100.00 with a deposit of 20.00.

    Three of the ten are free; the orders are named after what became of them.
    """

    sale: Sale
    gateways: dict[str, MemoryGateway]
    orders: dict[str, OrderView]

    async def place(self, name: str, quantity: int = 1) -> OrderView:
        """Place an order and remember it."""
        order = await place_order(
            order_for(self.sale, email=f"{name}@example.com", key=name, quantity=quantity)
        )
        self.orders[name] = order
        return order

    async def start(self, name: str, gateway: str = "sandbox") -> Payment:
        """Start the deposit of an order."""
        return await start_payment(
            StartPayment(
                order_id=self.orders[name].id,
                leg=PaymentLeg.DEPOSIT,
                gateway=gateway,
                return_url=None,
                idempotency_key=gateway,
            )
        )

    async def capture(self, payment: Payment) -> str:
        """Let a payment be made and told; return what it did."""
        gateway = self.gateways[payment.gateway]
        assert payment.intent_id is not None
        gateway.capture(payment.intent_id)
        return await record_notice(gateway.name, gateway.notices.pop())


@pytest.fixture
async def played(database: str, redis: Redis, clock: ManualClock) -> AsyncIterator[PlayedShop]:
    """Play a shop through; every audit holds afterwards."""
    gateways = {name: MemoryGateway(name) for name in ("sandbox", "other")}
    set_gateways(list(gateways.values()))
    sale = await open_sale(
        capacity=10,
        limit=3,
        payment_plan=deposit_plan(clock.now() + timedelta(days=7)),
        cancel_policy={"deposit_paid": {"allowed": True, "refund_deposit_bps": 5_000}},
    )
    shop = PlayedShop(sale, gateways, {})

    await shop.place("late")
    late = await shop.start("late")

    await shop.place("gone")
    await shop.start("gone")
    await cancel_order(shop.orders["gone"].id, reason="changed my mind")

    await shop.place("paid", quantity=2)
    assert await shop.capture(await shop.start("paid")) == "captured"

    await refund_order(
        RefundOrder(
            shop_ids=[sale.shop.id],
            order_id=shop.orders["paid"].id,
            wish=RefundWish(amount_minor=1_000),
            reason="a scratch on the box",
            version=2,
            idempotency_key="scratch",
        )
    )

    await shop.place("half")
    assert await shop.capture(await shop.start("half")) == "captured"
    await cancel_order(shop.orders["half"].id, reason="changed my mind")

    await shop.place("twice")
    first = await shop.start("twice", "sandbox")
    second = await shop.start("twice", "other")
    assert await shop.capture(second) == "captured"
    assert await shop.capture(first) == "surplus"

    clock.advance(timedelta(minutes=16))
    assert await sweep_orders() == 1
    await shop.place("open", quantity=3)
    await shop.start("open")
    await shop.place("rest", quantity=3)
    await shop.place("last")
    assert await shop.capture(late) == "captured"
    found = await find_order(late.order_id)
    assert found is not None
    assert found.status is OrderStatus.EXPIRED

    await cancel_order(shop.orders["rest"].id, reason="changed my mind")
    await drain()
    yield shop
    set_gateways([])
