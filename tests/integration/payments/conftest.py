"""The gateway of each test, the shop that it tells, and an order to be paid."""

import pytest

from headless_presale.orders import OrderView
from headless_presale.payments import Payment, PaymentLeg
from tests.support.gateway import SandboxRun, sandbox, shop_url
from tests.support.http import shop
from tests.support.money import (
    place,
    start,
)
from tests.support.shop import open_sale

__all__ = ["sandbox", "shop", "shop_url"]


@pytest.fixture
async def order(sandbox: SandboxRun) -> OrderView:
    """An unpaid order over 100.00."""
    return await place(await open_sale(capacity=10))


@pytest.fixture
async def payment(order: OrderView) -> Payment:
    """Its payment, which the gateway knows of."""
    return await start(order, PaymentLeg.FULL)
