"""Orders that were paid, or not, through the product's own services."""

from datetime import timedelta
from typing import Any

from headless_presale.checkout import place_order
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.money import Money
from headless_presale.orders import OrderView
from headless_presale.payments import Payment, PaymentLeg, PaymentStatus, record_notice
from headless_presale.payments.gateways import GatewayIntent, GatewayNotice
from headless_presale.payments.gateways.port import IntentStatus
from tests.support.shop import Sale, deposit_plan, open_sale, order_for

CLOSES_AFTER = timedelta(days=7)


async def open_deposit_sale(**plan: Any) -> Sale:
    """Open a campaign that takes 20 % now and the balance a day after its close."""
    return await open_sale(payment_plan=deposit_plan(clock.now() + CLOSES_AFTER, **plan))


async def place(sale: Sale, **order: Any) -> OrderView:
    """Place an order."""
    return await place_order(order_for(sale, **order))


async def start(order: OrderView, leg: PaymentLeg) -> Payment:
    """Open a payment that the gateway knows."""
    amount = {
        PaymentLeg.DEPOSIT: order.deposit,
        PaymentLeg.BALANCE: order.balance,
        PaymentLeg.FULL: order.total,
    }[leg]
    return await Payment.create(
        id=new_id(),
        shop_id=order.shop_id,
        order_id=order.id,
        leg=leg,
        gateway="sandbox",
        status=PaymentStatus.PENDING,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        intent_id=f"pi_{new_id()}",
        created_at=clock.now(),
    )


async def capture(payment: Payment, *, event_id: str | None = None) -> str:
    """Let the gateway tell that the money is there."""
    assert payment.intent_id is not None
    intent = GatewayIntent(
        id=payment.intent_id,
        reference=str(payment.id),
        status=IntentStatus.CAPTURED,
        amount=Money(payment.amount_minor, payment.currency),
        client_action={},
    )
    notice = GatewayNotice(
        event_id=event_id or str(new_id()), type="payment_intent.captured", intent=intent
    )
    return await record_notice("sandbox", notice)


async def pay(order: OrderView, leg: PaymentLeg) -> Payment:
    """Pay a leg of an order."""
    payment = await start(order, leg)
    assert await capture(payment) == "captured"
    return payment
