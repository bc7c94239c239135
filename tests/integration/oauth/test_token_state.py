"""Ending a token, and telling whether one counts: to whom it belongs, and to nobody else."""

from datetime import timedelta

import asyncpg
import httpx
import pytest

from headless_presale.identity import (
    OAuthGrant,
    Role,
    Scope,
    StaffMember,
)
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops.models import Shop
from tests.conftest import ISSUER
from tests.support.oauth import App, Person, admin_app, is_let_in, make_app
from tests.support.state import stored_rows

INACTIVE = {"active": False}


async def introspect(app: App, token: str) -> object:
    answer = await app.post("/oauth/introspect", token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_a_revoked_token_takes_its_family_along(
    owner: Person, app: App, kind: str, hint: str | None
) -> None:
    tokens = await owner.tokens(app)
    assert await is_let_in(tokens["access_token"])

    for _ in range(2):
        answer = await app.post("/oauth/revoke", token=tokens[kind], token_type_hint=hint)
        assert (answer.status_code, answer.json()) == (200, {})

    assert not await is_let_in(tokens["access_token"])
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    entry = await AuditEntry.get(action="grant.revoke")
    assert entry.actor == f"client:{app.client_id}"
    assert entry.after == {"reason": "revoked_by_client"}


async def test_a_public_client_ends_its_own_token(owner: Person, http: httpx.AsyncClient) -> None:
    admin = admin_app(http, ISSUER)
    tokens = await owner.tokens(admin)

    assert (await admin.post("/oauth/revoke", token=tokens["refresh_token"])).status_code == 200

    assert not await is_let_in(tokens["access_token"])


async def test_nobody_ends_or_reads_anothers_token(
    owner: Person,
    app: App,
    http: httpx.AsyncClient,
    shop: Shop,
    database_admin: asyncpg.Connection,
) -> None:
    tokens = await owner.tokens(app)
    other = await make_app(http, shop)
    before = await stored_rows(database_admin)

    for token in (tokens["access_token"], tokens["refresh_token"], "nothing", "a.b.c"):
        assert (await other.post("/oauth/revoke", token=token)).status_code == 200
        assert await introspect(other, token) == INACTIVE
    assert await stored_rows(database_admin) == before

    stranger = App(app.client_id, "wrong", http)
    for path in ("/oauth/revoke", "/oauth/introspect"):
        answer = await stranger.post(path, token=tokens["access_token"])
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert await is_let_in(tokens["access_token"])


async def test_a_token_is_described_to_its_client(
    owner: Person, app: App, clock: ManualClock
) -> None:
    tokens = await owner.tokens(app)
    now = int(clock.now().timestamp())

    said = await introspect(app, tokens["access_token"])
    assert isinstance(said, dict)
    assert len(said.pop("jti")) == 32
    assert said == {
        "active": True,
        "token_type": "Bearer",
        "scope": "catalog:read orders:read",
        "client_id": app.client_id,
        "sub": str(owner.account_id),
        "iss": ISSUER,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 600,
    }
    assert await introspect(app, tokens["refresh_token"]) == {
        "active": True,
        "scope": "catalog:read orders:read",
        "client_id": app.client_id,
        "sub": str(owner.account_id),
        "iss": ISSUER,
        "exp": now + 14 * 86_400,
    }


async def test_a_token_that_has_ended_is_inactive(
    owner: Person, app: App, clock: ManualClock
) -> None:
    first = await owner.tokens(app)
    second = (await app.refresh(first["refresh_token"])).json()

    assert await introspect(app, first["refresh_token"]) == INACTIVE
    clock.advance(timedelta(minutes=10, seconds=10))
    assert await introspect(app, second["access_token"]) == INACTIVE
    clock.advance(timedelta(days=14))
    assert await introspect(app, second["refresh_token"]) == INACTIVE
    assert (await OAuthGrant.get()).revoked_at is None


async def test_what_a_token_allows_follows_the_role(
    owner: Person, http: httpx.AsyncClient, shop: Shop, clock: ManualClock
) -> None:
    app = await make_app(http, shop, scopes=frozenset({Scope.ORDERS_READ, Scope.ORDERS_REFUND}))
    tokens = await owner.tokens(app)
    member = StaffMember.filter(account_id=owner.account_id)
    await member.update(role=Role.ANALYST)

    said = await introspect(app, tokens["access_token"])

    assert isinstance(said, dict)
    assert said["scope"] == "orders:read"
    await member.update(deactivated_at=clock.now())
    assert await introspect(app, tokens["access_token"]) == INACTIVE


async def test_a_public_client_may_not_introspect(owner: Person, http: httpx.AsyncClient) -> None:
    admin = admin_app(http, ISSUER)
    tokens = await owner.tokens(admin)

    answer = await admin.post("/oauth/introspect", token=tokens["access_token"])

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_without_a_token_there_is_nothing_to_say(app: App) -> None:
    for path in ("/oauth/revoke", "/oauth/introspect"):
        answer = await app.post(path)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_metadata_and_keys_are_found_by_everybody(http: httpx.AsyncClient) -> None:
    metadata = await http.get("/.well-known/oauth-authorization-server")
    body = metadata.json()

    assert metadata.headers["access-control-allow-origin"] == "*"
    assert body["issuer"] == ISSUER
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["authorization_response_iss_parameter_supported"] is True
    assert body["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
    (first, *_) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert first.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    resource = (await http.get("/.well-known/oauth-protected-resource")).json()
    assert resource["authorization_servers"] == [ISSUER]
