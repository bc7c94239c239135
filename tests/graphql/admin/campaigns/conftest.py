"""A campaign that sells ten."""

import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.shops.models import Shop
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, open_sale


@pytest.fixture
async def sale(api: Api, clock: ManualClock) -> Sale:
    return await open_sale(capacity=10)


@pytest.fixture
def shop(sale: Sale) -> Shop:
    return sale.shop
