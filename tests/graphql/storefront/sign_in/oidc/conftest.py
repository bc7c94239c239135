"""An issuer that can be told to lie, and a storefront whose customers sign in there."""

from collections.abc import AsyncIterator

import pytest

from headless_presale.customers import SignInProvider, oidc
from headless_presale.kernel.clock import ManualClock
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.graphql.providers import add_oidc, outside_open
from tests.support.oidc_issuer import Issuer, running_issuer
from tests.support.shop import make_shop


@pytest.fixture(scope="module")
async def issuer_server() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def issuer(issuer_server: Issuer, database: str) -> AsyncIterator[Issuer]:
    """Return it as if nobody had come before."""
    oidc._app.cache_clear()
    async with outside_open("http://127.0.0.1:1"):
        yield issuer_server
    issuer_server.__dict__.update(Issuer(issuer_server.url).__dict__)


@pytest.fixture
async def storefront(api: Api, clock: ManualClock, issuer: Issuer) -> Storefront:
    return Storefront(api, await make_shop())


@pytest.fixture
async def provider(storefront: Storefront, issuer: Issuer) -> SignInProvider:
    return await add_oidc(storefront.shop, issuer.url)
