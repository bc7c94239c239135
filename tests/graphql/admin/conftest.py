"""A shop and its owner; the two houses of the tenancy matrix, which have one of everything."""

import pytest

from headless_presale.shops.models import Shop
from tests.graphql.admin.tenancy.conftest import world
from tests.support.shop import make_shop
from tests.support.staff import Caller, sign_in

__all__ = ["world"]


@pytest.fixture
async def shop(database: str) -> Shop:
    return await make_shop()


@pytest.fixture
async def owner(shop: Shop) -> Caller:
    return await sign_in(shop)


@pytest.fixture
def token(owner: Caller) -> str:
    return owner.token
