"""Who is let in: with which token, for how long, and what he is told otherwise."""

from collections.abc import Awaitable, Callable

import pytest

from headless_presale.identity import (
    OAuthClient,
    Role,
    Scope,
    StaffMember,
    deactivate_member,
    disable_client,
    revoke_grant,
)
from headless_presale.kernel import clock
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.staff import Caller, connect, sign_in, token_of

VIEWER = "{ viewer { label role scopes hasAllShops } merchant { name shops { slug } } }"
STAFF = "{ merchant { staff(first: 5) { nodes { email role isActive } } } }"


async def test_a_member_sees_his_merchant_and_what_he_may_do(api: Api) -> None:
    shop = await make_shop()
    manager = await sign_in(shop, Role.MANAGER, email="Lin@Example.com")

    seen = (await api.ask(VIEWER, bearer=manager.token)).data

    assert seen == {
        "viewer": {
            "label": "lin@example.com",
            "role": "MANAGER",
            "scopes": [
                "settings:read",
                "catalog:read",
                "catalog:write",
                "campaigns:read",
                "campaigns:write",
                "orders:read",
                "orders:write",
                "analytics:read",
            ],
            "hasAllShops": True,
        },
        "merchant": {"name": "Moonlit Forge", "shops": [{"slug": "moonlit-forge"}]},
    }


async def test_nobody_is_told_how_to_become_somebody(api: Api) -> None:
    reply = await api.ask(VIEWER)

    assert reply.status == 401
    assert reply.error_codes == ["UNAUTHENTICATED"]
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["cache-control"] == "no-store"


async def test_a_token_that_is_none_fails_the_whole_request(api: Api) -> None:
    reply = await api.ask("{ serverTime }", bearer="not.a.token")

    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


async def test_a_missing_scope_is_named(api: Api) -> None:
    shop = await make_shop()
    support = await sign_in(shop, Role.SUPPORT)

    reply = await api.ask(STAFF, bearer=support.token)

    assert (reply.status, reply.error_codes) == (403, ["FORBIDDEN"])
    assert reply.body["errors"][0]["message"] == "This needs the scope members:read."
    assert 'scope="members:read"' in reply.headers["www-authenticate"]


async def test_a_token_says_less_than_the_role_allows(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop, scopes={Scope.CATALOG_READ})

    seen = (await api.ask("{ viewer { scopes } }", bearer=owner.token)).data

    assert seen["viewer"]["scopes"] == ["catalog:read"]
    assert (await api.ask(STAFF, bearer=owner.token)).error_codes == ["FORBIDDEN"]


async def test_a_token_that_says_more_than_was_granted_gets_what_was_granted(api: Api) -> None:
    shop = await make_shop()
    erp = await connect(shop, scopes={Scope.ORDERS_READ})

    token = await token_of(erp.grant, set(Scope))

    seen = (await api.ask("{ viewer { label role scopes } }", bearer=token)).data
    assert seen["viewer"] == {"label": "An ERP", "role": None, "scopes": ["orders:read"]}


async def test_who_is_limited_to_some_shops_reaches_no_other_and_nothing_of_the_whole(
    api: Api,
) -> None:
    # Given two shops of one merchant and an owner's client that is limited to the first
    first = await make_shop()
    second = await make_shop("second-forge")
    second.merchant_id = first.merchant_id
    await second.save()
    limited = await connect(first, shop_ids=[first.id])
    whole = await connect(first)

    shops = '{ merchant { shops { slug } shop(slug: "second-forge") { name } } }'

    assert (await api.ask(shops, bearer=limited.token)).data["merchant"] == {
        "shops": [{"slug": "moonlit-forge"}],
        "shop": None,
    }
    assert len((await api.ask(shops, bearer=whole.token)).data["merchant"]["shops"]) == 2
    refused = await api.ask(STAFF, bearer=limited.token)
    assert refused.error_codes == ["FORBIDDEN"]
    assert "access to all shops" in refused.body["errors"][0]["message"]


async def _revoke(caller: Caller) -> None:
    await revoke_grant(caller.grant.merchant_id, caller.grant.id)


async def _deactivate(caller: Caller) -> None:
    assert caller.member is not None
    await deactivate_member(
        caller.grant.merchant_id, caller.member.id, granted_by=frozenset(Scope), version=1
    )


async def _close_account(caller: Caller) -> None:
    assert caller.account is not None
    caller.account.deactivated_at = clock.now()
    await caller.account.save()


async def _disable(caller: Caller) -> None:
    client = await OAuthClient.get(id=caller.grant.client_id)
    client.merchant_id = caller.grant.merchant_id
    await client.save()
    await disable_client(caller.grant.merchant_id, client.id, version=1)


@pytest.mark.parametrize("end", [_revoke, _deactivate, _close_account, _disable])
async def test_what_ends_counts_with_the_next_request(
    api: Api, end: Callable[[Caller], Awaitable[None]]
) -> None:
    shop = await make_shop()
    await sign_in(shop)
    member = await sign_in(shop, Role.ADMIN)
    assert (await api.ask(VIEWER, bearer=member.token)).status == 200

    await end(member)

    reply = await api.ask(VIEWER, bearer=member.token)
    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    assert "revoked" in reply.body["errors"][0]["message"]


async def test_a_new_role_counts_with_the_next_request(api: Api) -> None:
    shop = await make_shop()
    member = await sign_in(shop, Role.ADMIN)
    assert (await api.ask(STAFF, bearer=member.token)).status == 200

    await StaffMember.filter(id=member.member.id).update(role=Role.ANALYST)  # type: ignore[union-attr]

    assert (await api.ask(STAFF, bearer=member.token)).error_codes == ["FORBIDDEN"]
