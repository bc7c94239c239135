"""Commands about who may do what, each as a process of its own."""

import re

import pytest
from redis.asyncio import Redis

from headless_presale.identity import (
    ALL_SCOPES,
    OAuthClient,
    Role,
    Scope,
    StaffMember,
    find_principal,
    issuer,
    set_issuer,
)
from headless_presale.identity.oauth.access_tokens import TokenInvalid, verify_access_token
from headless_presale.identity.oauth.keys import forget_keys
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.ids import hash_secret
from tests.support.commands import run
from tests.support.shop import make_shop
from tests.support.staff import sign_in

pytestmark = pytest.mark.usefixtures("database", "redis")

SHOP = ("--shop", "moonlit-forge")


async def test_a_local_token_is_for_one_shop_and_what_was_asked(
    environment: dict[str, str], redis: Redis
) -> None:
    shop = await make_shop()
    other = await make_shop("second-forge")
    other.merchant_id = shop.merchant_id
    await other.save()

    done = await run(environment, "token", *SHOP, "--scope", "orders:read catalog:read")

    assert done.returncode == 0, done.stderr
    set_issuer("http://127.0.0.1:8000")
    forget_keys()
    claims = await verify_access_token(done.stdout.strip(), audience=issuer(), issuer=issuer())
    assert (claims.expires_at - claims.issued_at).total_seconds() == 600
    principal = await find_principal(claims)
    assert principal is not None
    assert principal.shop_ids == {shop.id}
    assert principal.scopes == {Scope.ORDERS_READ, Scope.CATALOG_READ}
    assert not principal.has_all_shops
    assert (await AuditEntry.get(action="grant.issue")).actor == "cli"


async def test_a_scope_that_does_not_exist_gives_no_token(environment: dict[str, str]) -> None:
    await make_shop()

    done = await run(environment, "token", *SHOP, "--scope", "orders:eat")

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no scope orders:eat" in done.stderr


async def test_a_token_of_another_place_is_not_believed(environment: dict[str, str]) -> None:
    await make_shop()
    done = await run(
        {**environment, "PRESALE_PUBLIC_URL": "https://elsewhere.example"},
        *("token", *SHOP, "--scope", "orders:read"),
    )

    forget_keys()
    with pytest.raises(TokenInvalid, match="issuer"):
        await verify_access_token(done.stdout.strip(), audience=issuer(), issuer=issuer())


async def test_staff_is_listed_changed_and_the_last_owner_kept(
    environment: dict[str, str],
) -> None:
    shop = await make_shop()
    await sign_in(shop, Role.OWNER, email="owner@example.com")
    await sign_in(shop, Role.MANAGER, email="lin@example.com")

    listed = await run(environment, "staff", "list", *SHOP)
    assert re.search(r"lin@example\.com .*MANAGER .*all .*active", listed.stdout)

    changed = await run(
        environment, "staff", "set-role", "LIN@example.com", *SHOP, "--role", "support"
    )
    assert changed.returncode == 0, changed.stderr
    member = await StaffMember.get(account__email="lin@example.com")
    assert (member.role, member.version) == (Role.SUPPORT, 2)

    refused = await run(environment, "staff", "deactivate", "owner@example.com", *SHOP)
    assert refused.returncode == 1
    assert "last owner" in refused.stderr
    unknown = await run(environment, "staff", "deactivate", "nobody@example.com", *SHOP)
    assert (unknown.returncode, "not found" in unknown.stderr) == (1, True)


async def test_a_client_is_created_rotated_and_turned_off(environment: dict[str, str]) -> None:
    await make_shop()

    made = await run(
        environment,
        *("clients", "create", "ERP", *SHOP, "--kind", "service"),
        *("--scope", "orders:read", "--this-shop-only"),
    )

    assert made.returncode == 0, made.stderr
    client = await OAuthClient.get(name="ERP")
    secret = re.search(r"client_secret +(\S+)", made.stdout)
    assert secret is not None
    assert client.secret_hash == hash_secret(secret[1])
    assert client.shop_ids is not None
    assert ALL_SCOPES > set(client.scopes) == {"orders:read"}

    rotated = await run(environment, "clients", "rotate-secret", str(client.id), *SHOP, "--at-once")
    assert rotated.returncode == 0, rotated.stderr
    again = await OAuthClient.get(name="ERP")
    assert again.secret_hash != client.secret_hash
    assert again.previous_secret_hash is None

    narrow = {**environment, "COLUMNS": "80"}
    listed = await run(narrow, "clients", "list", *SHOP)
    assert re.search(rf"{client.id} .*ERP .*orders:read .*on", listed.stdout)

    off = await run(environment, "clients", "disable", str(client.id), *SHOP)
    assert off.returncode == 0, off.stderr
    assert (await OAuthClient.get(name="ERP")).disabled_at is not None
