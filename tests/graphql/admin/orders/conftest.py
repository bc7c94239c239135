"""An order of two payments at two gateways, and somebody who may decide about it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from headless_presale.checkout import Buyer
from headless_presale.identity import Role
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderView, sweep_orders
from headless_presale.payments import PaymentLeg
from headless_presale.shops.models import Shop
from tests.graphql.endpoint import Api
from tests.support.money import open_deposit_sale, place
from tests.support.shop import Sale
from tests.support.staff import Caller, sign_in
from tests.support.till import Till, till_open


@pytest.fixture
def till() -> Iterator[Till]:
    with till_open("sandbox", "other") as open_till:
        yield open_till


@pytest.fixture
async def sale(api: Api, clock: ManualClock, till: Till) -> Sale:
    """A deposit campaign at 100.00: 20 % now. Two batches of ten."""
    batches = [
        {"capacity": 10, "ships_by": "2026-06-30"},
        {"capacity": 10, "ships_by": "2026-07-31"},
    ]
    return await open_deposit_sale(item={"batches": batches})


@pytest.fixture
def shop(sale: Sale) -> Shop:
    return sale.shop


@pytest.fixture
async def order(sale: Sale, till: Till, clock: ManualClock) -> OrderView:
    """Slots 9 to 12; 80.00 paid as a deposit here, 320.00 as a balance elsewhere; version 4."""
    await place(sale, email="first@example.com", quantity=8)
    placed = await place(sale, quantity=4, buyer=Buyer(email="lin@example.com", name="Lin"))
    placed = await till.pay(placed, PaymentLeg.DEPOSIT)
    clock.advance(timedelta(days=9))
    await sweep_orders()
    return await till.pay(placed, PaymentLeg.BALANCE, gateway="other")


@pytest.fixture
async def support(order: OrderView, sale: Sale) -> Caller:
    return await sign_in(sale.shop, Role.SUPPORT)
