"""The storefront of the shop that each module sells in."""

import pytest

from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.support.shop import Sale


@pytest.fixture
def storefront(api: Api, sale: Sale) -> Storefront:
    return Storefront(api, sale.shop)
