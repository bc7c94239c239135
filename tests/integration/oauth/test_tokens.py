"""The token endpoint: codes, refresh tokens, services; and what its answers say."""

from datetime import timedelta

import asyncpg
import httpx
import pytest

from headless_presale.identity import (
    ALL_SCOPES,
    ClientKind,
    OAuthClient,
    OAuthGrant,
    find_principal,
    read_bearer,
    rotate_client_secret,
)
from headless_presale.identity.models import OAuthRefreshToken
from headless_presale.identity.oauth.clients import ADMIN_CLIENT, find_client
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import hash_secret
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops.models import Shop
from tests.conftest import ISSUER
from tests.integration.identity.tokens import read
from tests.support.oauth import App, Person, admin_app, make_app


async def test_a_code_becomes_tokens(owner: Person, app: App, clock: ManualClock) -> None:
    answer = await app.redeem(await owner.allow(app))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "catalog:read orders:read"
    claims = read(body["access_token"], 1)
    assert claims["sub"] == str(owner.account_id)
    assert (claims["iss"], claims["aud"]) == (ISSUER, ISSUER)
    assert claims["client_id"] == app.client_id
    assert claims["amr"] == ["pwd", "otp"]
    said = await read_bearer(f"Bearer {body['access_token']}")
    assert said is not None
    principal = await find_principal(said)
    assert principal is not None
    assert principal.label == "owner@moonlit-forge.example"
    stored = await OAuthRefreshToken.get().select_related("grant")
    assert stored.token_hash == hash_secret(body["refresh_token"])
    assert stored.expires_at == clock.now() + timedelta(days=14)
    assert stored.grant.expires_at == clock.now() + timedelta(days=90)


@shielded
async def find_admin() -> OAuthClient | None:
    async with unit_of_work() as work:
        return await find_client(work, str(ADMIN_CLIENT))


@pytest.mark.usefixtures("database", "clock")
async def test_nobodys_admin_waits_for_anybody_elses(database_admin: asyncpg.Connection) -> None:
    @shielded
    async def find_admin_and_lock_it_elsewhere() -> None:
        async with unit_of_work() as work:
            assert await find_client(work, str(ADMIN_CLIENT)) is not None
            # Fails at once if the request under way holds the row.
            locked = await database_admin.fetchval(
                "SELECT id FROM oauth_client WHERE id = $1 FOR UPDATE NOWAIT", ADMIN_CLIENT
            )
            assert locked == ADMIN_CLIENT

    await find_admin()
    await find_admin_and_lock_it_elsewhere()


@pytest.mark.usefixtures("database", "clock")
@pytest.mark.parametrize(
    "older", [{"redirect_uris": ["https://old.example/admin/"]}, {"scopes": ["orders:read"]}]
)
async def test_the_admin_of_an_older_version_or_address_is_brought_up_to_date(
    older: dict[str, list[str]],
) -> None:
    await find_admin()
    assert await OAuthClient.filter(id=ADMIN_CLIENT).update(**older) == 1

    found = await find_admin()

    assert found is not None
    assert found.redirect_uris == [f"{ISSUER}/admin/"]
    assert found.scopes == sorted(ALL_SCOPES)


async def test_the_admin_is_in_for_as_long_as_a_browser_session(
    owner: Person, http: httpx.AsyncClient, clock: ManualClock
) -> None:
    admin = admin_app(http, ISSUER)
    body = await owner.tokens(admin)

    assert (await OAuthGrant.get()).expires_at == clock.now() + timedelta(days=7)
    clock.advance(timedelta(days=6, hours=23, minutes=55))
    body = (await admin.refresh(body["refresh_token"])).json()
    # The last token ends with the grant.
    assert body["expires_in"] == 300
    clock.advance(timedelta(minutes=5))
    assert (await admin.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_used_once_and_replaced(owner: Person, app: App) -> None:
    first = await owner.tokens(app)

    answer = await app.refresh(first["refresh_token"])

    assert answer.status_code == 200
    second = answer.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    rows = {row.token_hash: row for row in await OAuthRefreshToken.all()}
    assert rows[hash_secret(first["refresh_token"])].used_at is not None
    assert rows[hash_secret(second["refresh_token"])].parent_hash == hash_secret(
        first["refresh_token"]
    )


async def test_a_refresh_may_ask_for_less_and_later_for_all_again(owner: Person, app: App) -> None:
    first = await owner.tokens(app)

    less = (await app.refresh(first["refresh_token"], scope="orders:read")).json()
    all_again = (await app.refresh(less["refresh_token"])).json()

    assert less["scope"] == "orders:read"
    assert read(less["access_token"], 1)["scope"] == "orders:read"
    assert all_again["scope"] == "catalog:read orders:read"


async def test_a_refresh_token_that_nobody_uses_ends(
    owner: Person, app: App, clock: ManualClock
) -> None:
    body = await owner.tokens(app)
    clock.advance(timedelta(days=14))

    answer = await app.refresh(body["refresh_token"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # It is late, not stolen.
    assert (await OAuthGrant.get()).revoked_at is None


async def test_a_service_serves_itself(
    http: httpx.AsyncClient, shop: Shop, clock: ManualClock
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)

    bodies = []
    for _ in range(2):
        answer = await erp.post("/oauth/token", grant_type="client_credentials")
        assert answer.status_code == 200
        bodies.append(answer.json())
    body = bodies[1]

    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert body["scope"] == "catalog:read orders:read"
    claims = await read_bearer(f"Bearer {body['access_token']}")
    assert claims is not None
    assert claims.is_client_itself
    principal = await find_principal(claims)
    assert principal is not None
    assert principal.label == "Planner"
    # Both tokens are of one grant, which the merchant sees and can end.
    grant = await OAuthGrant.get()
    assert grant.expires_at == clock.now() + timedelta(days=1)

    less = await erp.post("/oauth/token", grant_type="client_credentials", scope="orders:read")
    assert less.json()["scope"] == "orders:read"


async def test_a_secret_in_the_body_is_as_good(http: httpx.AsyncClient, shop: Shop) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)

    answer = await http.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": erp.client_id,
            "client_secret": erp.secret,
        },
    )

    assert answer.status_code == 200


async def test_a_secret_before_a_rotation_is_good_for_its_week(
    http: httpx.AsyncClient, shop: Shop, clock: ManualClock
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)
    client = await OAuthClient.get(id=erp.client_id)
    made = await rotate_client_secret(shop.merchant_id, client.id, granted_by=ALL_SCOPES, version=1)
    renewed = App(erp.client_id, made.secret, http)

    async def statuses() -> list[int]:
        return [
            (await app.post("/oauth/token", grant_type="client_credentials")).status_code
            for app in (erp, renewed)
        ]

    assert await statuses() == [200, 200]
    clock.advance(timedelta(days=7))
    assert await statuses() == [401, 200]


@pytest.mark.parametrize(
    ("values", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": 'a"b'}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "authorization_code", "code": "ä"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x" * 5_000}, 400, "invalid_request"),
    ],
)
async def test_a_request_that_is_not_in_order_is_told_why(
    app: App, values: dict[str, str], status: int, error: str
) -> None:
    answer = await app.post("/oauth/token", **values)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert await OAuthGrant.all().count() == 0


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic //8=", "Basic bm9jb2xvbg==", "Basic bm9ib2R5OnNlY3JldA=="],
)
async def test_who_does_not_prove_who_he_is_is_asked_to(
    http: httpx.AsyncClient, header: str
) -> None:
    answer = await http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": header},
    )

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_one_way_to_authenticate_at_a_time(app: App, http: httpx.AsyncClient) -> None:
    both = await app.post(
        "/oauth/token", grant_type="refresh_token", refresh_token="x", client_secret=app.secret
    )
    other = await app.post(
        "/oauth/token", grant_type="refresh_token", refresh_token="x", client_id="somebody"
    )
    bearer = await http.post(
        "/oauth/token",
        data={"grant_type": "refresh_token"},
        headers={"authorization": "Bearer x"},
    )

    for answer in (both, other, bearer):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_client_with_a_secret_has_to_show_it(
    owner: Person, app: App, http: httpx.AsyncClient
) -> None:
    code = await owner.allow(app)
    without = App(app.client_id, None, http)
    wrong = App(app.client_id, "wrong", http)

    for impostor in (without, wrong):
        answer = await impostor.redeem(code)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    # Nothing was used up: the application itself still gets its tokens.
    assert (await app.redeem(code)).status_code == 200


async def test_other_bodies_than_forms_are_refused(http: httpx.AsyncClient) -> None:
    for answer in (
        await http.post("/oauth/token", json={"grant_type": "client_credentials"}),
        await http.post("/oauth/token", content=b"a=%FF", headers=_form()),
        await http.post("/oauth/token", content=b"\xff", headers=_form()),
        await http.post("/oauth/token", content=b"a=1&a=2", headers=_form()),
        await http.post("/oauth/token", content=b"&".join([b"a=1"] * 50), headers=_form()),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await http.get("/oauth/token")).status_code == 405


def _form() -> dict[str, str]:
    return {"content-type": "application/x-www-form-urlencoded"}
