"""Applications: registered, changed, turned off; their secrets."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.identity import (
    ALL_SCOPES,
    ClientKind,
    ClientNotFound,
    ClientWish,
    GrantNotFound,
    OAuthClient,
    OAuthGrant,
    Scope,
    ScopesExceeded,
    create_client,
    disable_client,
    kind_of,
    revoke_grant,
    rotate_client_secret,
    update_client,
)
from headless_presale.identity.api_clients import is_redirect_uri
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import FieldConflict, InvalidInput, VersionConflict
from headless_presale.kernel.ids import hash_secret
from tests.support.shop import make_shop
from tests.support.staff import connect
from tests.support.state import stored_rows

APP = ClientWish(
    name="Planner",
    redirect_uris=["https://planner.example/callback"],
    scopes=frozenset({Scope.CATALOG_READ}),
)
ERP = ClientWish(name="ERP", redirect_uris=[], scopes=frozenset({Scope.ORDERS_READ}))


async def test_an_application_is_registered_with_a_secret_that_is_not_kept(database: str) -> None:
    shop = await make_shop()

    made = await create_client(shop.merchant_id, ClientKind.WEB, APP, granted_by=ALL_SCOPES)

    assert made.secret is not None
    stored = await OAuthClient.get(id=made.client.id)
    assert stored.secret_hash == hash_secret(made.secret)
    assert kind_of(stored) is ClientKind.WEB
    assert stored.grant_types == ["authorization_code", "refresh_token"]
    entry = await AuditEntry.get(action="client.create")
    assert made.secret not in str(entry.after)
    assert stored.secret_hash not in str(entry.after)
    assert entry.after["scopes"] == ["catalog:read"]


async def test_a_public_client_has_no_secret_and_a_service_no_address(database: str) -> None:
    shop = await make_shop()

    public = await create_client(shop.merchant_id, ClientKind.PUBLIC, APP, granted_by=ALL_SCOPES)
    service = await create_client(shop.merchant_id, ClientKind.SERVICE, ERP, granted_by=ALL_SCOPES)

    assert (public.secret, kind_of(public.client)) == (None, ClientKind.PUBLIC)
    assert kind_of(service.client) is ClientKind.SERVICE
    with pytest.raises(InvalidInput):
        await create_client(shop.merchant_id, ClientKind.SERVICE, APP, granted_by=ALL_SCOPES)
    with pytest.raises(InvalidInput):
        await create_client(shop.merchant_id, ClientKind.WEB, ERP, granted_by=ALL_SCOPES)
    with pytest.raises(InvalidInput, match="no secret"):
        await rotate_client_secret(
            shop.merchant_id, public.client.id, granted_by=ALL_SCOPES, version=1
        )


async def test_nobody_registers_more_than_he_has(database: str) -> None:
    shop = await make_shop()
    own = frozenset({Scope.CLIENTS_WRITE, Scope.CATALOG_READ})

    with pytest.raises(ScopesExceeded):
        await create_client(shop.merchant_id, ClientKind.SERVICE, ERP, granted_by=own)
    assert await OAuthClient.all().count() == 0

    # Nor does he take over one that may do more: whoever knows the secret is the client.
    erp = await create_client(shop.merchant_id, ClientKind.SERVICE, ERP, granted_by=ALL_SCOPES)
    with pytest.raises(ScopesExceeded):
        await rotate_client_secret(shop.merchant_id, erp.client.id, granted_by=own, version=1)


async def test_a_secret_is_rotated_and_the_old_one_is_good_for_a_week(
    database: str, clock: ManualClock
) -> None:
    shop = await make_shop()
    made = await create_client(shop.merchant_id, ClientKind.SERVICE, ERP, granted_by=ALL_SCOPES)
    assert made.secret is not None

    kept = await rotate_client_secret(
        shop.merchant_id, made.client.id, granted_by=ALL_SCOPES, version=1
    )
    assert kept.client.previous_secret_hash == hash_secret(made.secret)
    assert kept.client.previous_secret_expires_at == clock.now() + timedelta(days=7)

    cut = await rotate_client_secret(
        shop.merchant_id, made.client.id, granted_by=ALL_SCOPES, version=2, keep_old=False
    )
    assert cut.client.previous_secret_hash is None
    assert len({made.secret, kept.secret, cut.secret}) == 3


async def test_a_stale_change_is_told_both_values(
    database: str, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    made = await create_client(shop.merchant_id, ClientKind.WEB, APP, granted_by=ALL_SCOPES)
    renamed = ClientWish(name="Planner 2", redirect_uris=APP.redirect_uris, scopes=APP.scopes)
    await update_client(shop.merchant_id, made.client.id, renamed, granted_by=ALL_SCOPES, version=1)
    before = await stored_rows(database_admin)

    with pytest.raises(VersionConflict) as refused:
        await update_client(shop.merchant_id, made.client.id, APP, granted_by=ALL_SCOPES, version=1)

    assert refused.value.params["conflicts"] == (FieldConflict("name", '"Planner"', '"Planner 2"'),)
    assert await stored_rows(database_admin) == before


async def test_what_belongs_to_another_merchant_does_not_exist(
    database: str, database_admin: asyncpg.Connection
) -> None:
    mine, theirs = await make_shop(), await make_shop("other")
    made = await create_client(theirs.merchant_id, ClientKind.WEB, APP, granted_by=ALL_SCOPES)
    erp = await connect(theirs)
    before = await stored_rows(database_admin)

    for client_id in (made.client.id, uuid4()):
        with pytest.raises(ClientNotFound):
            await update_client(mine.merchant_id, client_id, APP, granted_by=ALL_SCOPES, version=1)
        with pytest.raises(ClientNotFound):
            await rotate_client_secret(
                mine.merchant_id, client_id, granted_by=ALL_SCOPES, version=1
            )
        with pytest.raises(ClientNotFound):
            await disable_client(mine.merchant_id, client_id, version=1)
    for grant_id in (erp.grant.id, uuid4()):
        with pytest.raises(GrantNotFound):
            await revoke_grant(mine.merchant_id, grant_id)

    assert await stored_rows(database_admin) == before


async def test_turning_a_client_off_ends_all_of_its_grants(database: str) -> None:
    shop = await make_shop()
    erp, other = await connect(shop), await connect(shop)

    await disable_client(shop.merchant_id, erp.grant.client_id, version=1)
    again = await disable_client(shop.merchant_id, erp.grant.client_id, version=1)

    assert again.version == 2
    assert (await OAuthGrant.get(id=erp.grant.id)).revoked_reason == "client_disabled"
    assert (await OAuthGrant.get(id=other.grant.id)).revoked_at is None


async def test_a_grant_is_revoked_once(database: str) -> None:
    shop = await make_shop()
    erp = await connect(shop)

    for _ in range(2):
        await revoke_grant(shop.merchant_id, erp.grant.id)

    assert (await OAuthGrant.get(id=erp.grant.id)).revoked_reason == "revoked_by_merchant"
    assert await AuditEntry.filter(action="grant.revoke").count() == 1


@pytest.mark.parametrize(
    ("uri", "is_fine"),
    [
        ("https://planner.example/callback", True),
        ("https://planner.example:8443/cb?tenant=1", True),
        ("http://127.0.0.1:3000/cb", True),
        ("http://localhost/cb", True),
        ("http://[::1]:3000/cb", True),
        ("http://planner.example/cb", False),
        ("http://127.0.0.1.evil.example/cb", False),
        ("https://user@planner.example/cb", False),
        ("https://planner.example/cb#token", False),
        ("https://planner.example\\@evil.example/cb", False),
        ("https://planner.example/ cb", False),
        ("https:///cb", False),
        ("//planner.example/cb", False),
        ("javascript:alert(1)", False),
        ("myapp://cb", False),
        ("https://planner.example:99999/cb", False),
        ("https://пример.example/cb", False),
        ("https://planner.example/" + "a" * 2_000, False),
        ("", False),
    ],
)
def test_codes_are_sent_to_safe_addresses_alone(uri: str, is_fine: bool) -> None:
    assert is_redirect_uri(uri) is is_fine
