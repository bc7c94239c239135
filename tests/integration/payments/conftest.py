"""The gateway of each test, the shop that it tells, and an order to be paid."""

from collections.abc import AsyncIterator

import httpx
import pytest

from headless_presale.orders import OrderView
from headless_presale.payments import Payment, PaymentLeg
from tests.support.gateway import SandboxRun, sandbox, shop_url
from tests.support.http import make_app
from tests.support.money import (
    place,
    start,
)
from tests.support.shop import open_sale

__all__ = ["sandbox", "shop_url"]


@pytest.fixture
async def shop() -> AsyncIterator[httpx.AsyncClient]:
    """The shop's webhook address, called directly."""
    transport = httpx.ASGITransport(app=make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client


@pytest.fixture
async def order(sandbox: SandboxRun) -> OrderView:
    """An unpaid order over 100.00."""
    return await place(await open_sale(capacity=10))


@pytest.fixture
async def payment(order: OrderView) -> Payment:
    """Its payment, which the gateway knows of."""
    return await start(order, PaymentLeg.FULL)
