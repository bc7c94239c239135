"""A storefront of a shop that has nothing yet."""

import pytest

from headless_presale.kernel.clock import ManualClock
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop


@pytest.fixture
async def storefront(api: Api, clock: ManualClock) -> Storefront:
    return Storefront(api, await make_shop())
