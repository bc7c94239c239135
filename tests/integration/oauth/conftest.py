"""The authorization server over a real database, a browser without scripts, an application."""

from collections.abc import AsyncIterator

import httpx
import pytest

from headless_presale.shops.models import Shop
from tests.support.oauth import App, Person, make_app, make_person
from tests.support.pages import Browser, Site
from tests.support.shop import make_shop


@pytest.fixture
def site(database: str, clock: object) -> Site:
    return Site()


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with site.browser() as browser:
        yield browser


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """The application's own server, which is no browser."""
    transport = httpx.ASGITransport(app=site, client=("198.51.100.7", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=site.settings.base_url) as client:
        yield client


@pytest.fixture
async def shop(database: str, clock: object) -> Shop:
    return await make_shop()


@pytest.fixture
async def owner(site: Site, browser: Browser, shop: Shop) -> Person:
    return await make_person(site.settings, browser, shop)


@pytest.fixture
async def app(http: httpx.AsyncClient, shop: Shop) -> App:
    """A third party's application that keeps a secret."""
    return await make_app(http, shop)
