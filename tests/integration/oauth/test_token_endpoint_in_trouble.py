"""A database that goes away, a client that goes away, and a log that is read by others."""

import asyncio
import logging

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from headless_presale.identity import ClientKind, OAuthGrant
from headless_presale.identity.models import OAuthCode
from headless_presale.shops.models import Shop
from tests.support.oauth import App, Person, make_app
from tests.support.servers import until
from tests.support.statements import counted_statements

WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    "AND datname = current_database()"
)


async def test_while_the_database_is_away_nothing_is_used_up(
    owner: Person, app: App, database_admin: asyncpg.Connection
) -> None:
    code = await owner.allow(app)

    # Given a database that breaks off after the code was claimed
    async with database_admin.transaction():
        await database_admin.execute("LOCK TABLE oauth_refresh_token IN ACCESS EXCLUSIVE MODE")
        asking = asyncio.create_task(app.redeem(code))

        async def is_broken_off() -> bool:
            return bool(await database_admin.fetch(WAITING))

        await until(is_broken_off)
        answer = await asking

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"] == "temporarily_unavailable"
    assert (await OAuthCode.get()).used_at is None

    # Then the same request is as good as new
    assert (await app.redeem(code)).status_code == 200


async def test_a_client_that_goes_away_loses_an_answer_and_no_more(owner: Person, app: App) -> None:
    token = (await owner.tokens(app))["refresh_token"]

    # When it goes at any moment of the request
    for steps in range(40):
        asking = asyncio.create_task(app.refresh(token))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    # Then what it holds still counts, for it has had no answer
    answer = await app.refresh(token)
    assert answer.status_code == 200
    assert (await app.refresh(answer.json()["refresh_token"])).status_code == 200
    assert (await OAuthGrant.get()).revoked_at is None


async def test_no_secret_is_logged(
    owner: Person, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    # Authlib prints what it issues at DEBUG.
    for name in (None, "authlib"):
        caplog.set_level(logging.DEBUG, logger=name)
    with capture_logs() as events:
        code = await owner.allow(app)
        first = (await app.redeem(code)).json()
        second = (await app.refresh(first["refresh_token"])).json()
        await app.post("/oauth/introspect", token=second["access_token"])
        await app.redeem(code)
        await app.post("/oauth/revoke", token=second["refresh_token"])

    said = caplog.text + str(events)
    assert "Issue token" in said
    assert "code_replayed" in said
    for secret in (
        code,
        app.secret,
        *(tokens[name] for tokens in (first, second) for name in ("access_token", "refresh_token")),
    ):
        assert secret is not None
        assert secret not in said


async def test_what_a_request_for_tokens_costs(
    owner: Person, app: App, http: httpx.AsyncClient, shop: Shop
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)
    codes = [await owner.allow(app) for _ in range(2)]
    costs: list[int] = []
    async with counted_statements() as sent:
        # The first round is not counted: a new connection asks once what types there are.
        for code in codes:
            costs.clear()
            sent.clear()
            await erp.post("/oauth/token", grant_type="client_credentials")
            costs.append(len(sent))
            tokens = (await app.redeem(code)).json()
            costs.append(len(sent))
            await app.refresh(tokens["refresh_token"])
            costs.append(len(sent))
    service, redeemed, refreshed = costs[0], costs[1] - costs[0], costs[2] - costs[1]

    # Whether to wait, with BEGIN and COMMIT; then, with BEGIN and COMMIT, the client and
    looked = 3 + 3
    assert service == looked + 3  # its lock, its grant, the grant's new end
    assert redeemed == looked + 4  # the code, its claim, the grant's new end, a refresh token
    assert refreshed == looked + 4  # the token, the family's lock, its claim, its successor
