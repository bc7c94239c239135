"""Orders that are paid at a gateway in memory, for tests that are about what comes after."""

from collections.abc import Iterator
from contextlib import contextmanager

from headless_presale.kernel.events import acting_as
from headless_presale.orders import OrderView, find_order
from headless_presale.payments import Payment, PaymentLeg, record_notice
from headless_presale.payments.gateways import set_gateways
from tests.support.memory_gateway import MemoryGateway
from tests.support.money import start


class Till:
    """Takes money at once, at any of its gateways; refunds are only asked for by jobs."""

    def __init__(self, *names: str) -> None:
        self.gateways = {name: MemoryGateway(name) for name in names or ("sandbox",)}

    async def take(
        self, order: OrderView, leg: PaymentLeg = PaymentLeg.FULL, *, gateway: str = "sandbox"
    ) -> Payment:
        """Pay a leg of an order, the shop told included; return the payment."""
        payment = await start(order, leg, gateway=gateway)
        assert payment.intent_id is not None
        provider = self.gateways[gateway]
        provider.capture(payment.intent_id)
        with acting_as(f"gateway:{gateway}"):
            assert await record_notice(gateway, provider.notices.pop()) == "captured"
        return await Payment.get(id=payment.id)

    async def pay(
        self, order: OrderView, leg: PaymentLeg = PaymentLeg.FULL, *, gateway: str = "sandbox"
    ) -> OrderView:
        """Pay a leg; return the order as it is then."""
        await self.take(order, leg, gateway=gateway)
        found = await find_order(order.id)
        assert found is not None
        return found


@contextmanager
def till_open(*names: str) -> Iterator[Till]:
    """Install the gateways of a till as this process's gateways."""
    till = Till(*names)
    set_gateways(list(till.gateways.values()))
    try:
        yield till
    finally:
        set_gateways([])
