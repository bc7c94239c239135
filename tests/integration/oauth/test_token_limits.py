"""Only requests that fail are counted, and for nobody but who sends them."""

import asyncio
from datetime import timedelta

import asyncpg
import httpx
import pytest

from headless_presale.identity import ClientKind
from headless_presale.identity.limits import TOKEN_OF_CLIENT
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops.models import Shop
from headless_presale.web import oauth
from tests.support.oauth import App, make_app
from tests.support.pages import Site
from tests.support.statements import counted_statements

FREE = TOKEN_OF_CLIENT.free


async def fetch(app: App) -> httpx.Response:
    return await app.post("/oauth/token", grant_type="client_credentials")


async def test_who_keeps_failing_has_to_wait(
    http: httpx.AsyncClient, shop: Shop, clock: ManualClock
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)
    guessing = App(erp.client_id, "a guess", http)
    assert [(await fetch(guessing)).status_code for _ in range(FREE)] == [401] * FREE

    refused = await fetch(guessing)

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"] == "slow_down"
    # Waiting helps, and the pause doubles; a refused attempt prolongs nothing.
    clock.advance(timedelta(seconds=1))
    assert (await fetch(guessing)).status_code == 401
    assert (await fetch(guessing)).headers["retry-after"] == "2"
    assert (await fetch(guessing)).headers["retry-after"] == "2"


async def test_somebody_who_guesses_elsewhere_makes_nobody_wait(
    site: Site, http: httpx.AsyncClient, shop: Shop
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)
    transport = httpx.ASGITransport(app=site, client=("203.0.113.9", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as elsewhere:
        guessing = App(erp.client_id, "a guess", elsewhere)
        for _ in range(FREE):
            await fetch(guessing)
        assert (await fetch(guessing)).status_code == 429

    assert (await fetch(erp)).status_code == 200


async def test_a_hundred_workers_behind_one_address_are_welcome(
    http: httpx.AsyncClient, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)

    answers = [
        answer
        for _ in range(4)
        for answer in await asyncio.gather(*(fetch(erp) for _ in range(25)))
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert await database_admin.fetchval("SELECT count(*) FROM throttle") == 0


async def test_control_without_the_limit_one_may_guess_on(
    http: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_by(keys: object) -> None:
        """Refuse nobody."""

    monkeypatch.setattr(oauth, "refuse_paused", pass_by)
    erp = await make_app(http, shop, ClientKind.SERVICE)
    guessing = App(erp.client_id, "a guess", http)

    assert {(await fetch(guessing)).status_code for _ in range(FREE + 5)} == {401}


async def test_what_cannot_be_read_costs_no_look_at_the_database(
    http: httpx.AsyncClient, database: str
) -> None:
    async with counted_statements() as sent:
        for _ in range(FREE + 5):
            assert (await http.post("/oauth/token", json={})).status_code == 400

    assert sent == []
