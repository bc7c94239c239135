"""Where a shop lets its customers sign in, as its merchant sets it up."""

from typing import Any

import asyncpg
import pytest

from headless_presale.customers import SignInProvider
from headless_presale.customers.providers import MAX_PROVIDERS, secret_of
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.customers import codes_of
from tests.graphql.endpoint import Api
from tests.support.state import stored_rows

PROVIDER = """{ id kind name issuer clientId hasSecret redirectUris isEnabled version }
  userErrors { __typename code field message
    ... on VersionConflictError { currentVersion conflicts { field yours current } } }"""
CREATE = f"""
mutation ($input: SignInProviderCreateInput!) {{
  signInProviderCreate(input: $input) {{ provider {PROVIDER} }} }}
"""
UPDATE = f"""
mutation ($input: SignInProviderUpdateInput!) {{
  signInProviderUpdate(input: $input) {{ provider {PROVIDER} }} }}
"""
DELETE = """
mutation ($input: SignInProviderDeleteInput!) {
  signInProviderDelete(input: $input) { deletedId userErrors { code field } } }
"""
LIST = """
query ($slug: String!) { merchant { shop(slug: $slug) { signInProviders { name isEnabled } } } }
"""
WECHAT = {"kind": "WECHAT", "name": "WeChat", "clientId": "wx01", "secret": "c4n4ry"}
OIDC = {
    "kind": "OIDC",
    "name": "Forge ID",
    "clientId": "presale",
    "issuer": "https://login.example.com",
    "redirectUris": ["https://shop.example.com/back"],
}


class Admin:
    """The owner of a shop."""

    def __init__(self, api: Api, shop: Shop, token: str) -> None:
        self.api, self.shop, self.token = api, shop, token

    async def create(self, **wish: Any) -> dict[str, Any]:
        given = {"shopId": seal("Shop", self.shop.id), **wish}
        return await self._ask(CREATE, "signInProviderCreate", given)

    async def update(self, provider: dict[str, Any], **changes: Any) -> dict[str, Any]:
        given = {"providerId": provider["id"], "version": provider["version"], **changes}
        return await self._ask(UPDATE, "signInProviderUpdate", given)

    async def delete(self, provider: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = {"providerId": provider["id"], "version": provider["version"], **more}
        return await self._ask(DELETE, "signInProviderDelete", given)

    async def _ask(self, mutation: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
        payload: dict[str, Any] = (
            await self.api.ask(mutation, bearer=self.token, input=given)
        ).data[name]
        return payload


@pytest.fixture
def admin(api: Api, shop: Shop, token: str) -> Admin:
    return Admin(api, shop, token)


async def test_a_mini_program_is_added_and_its_secret_shown_to_nobody(
    admin: Admin, database_admin: asyncpg.Connection
) -> None:
    created = await admin.create(**WECHAT)

    assert created["userErrors"] == []
    assert created["provider"] == {
        "id": created["provider"]["id"],
        "kind": "WECHAT",
        "name": "WeChat",
        "issuer": None,
        "clientId": "wx01",
        "hasSecret": True,
        "redirectUris": [],
        "isEnabled": True,
        "version": 1,
    }
    assert secret_of(await SignInProvider.get()) == "c4n4ry"
    stored = await stored_rows(database_admin)
    assert stored["audit_entry"]
    assert "c4n4ry" not in str(stored)
    entry = await AuditEntry.get(subject_type="SignInProvider")
    assert (entry.action, entry.subject_label) == ("sign_in_provider.create", "WeChat")


async def test_a_provider_is_added_changed_switched_off_and_removed(admin: Admin) -> None:
    provider = (await admin.create(**OIDC))["provider"]
    assert (provider["issuer"], provider["hasSecret"]) == ("https://login.example.com", False)

    uris = ["https://shop.example.com/back", "http://localhost:3000/back"]
    changed = await admin.update(provider, name="Login", secret="c4n4ry", redirectUris=uris)
    assert changed["userErrors"] == []
    assert (changed["provider"]["name"], changed["provider"]["redirectUris"]) == ("Login", uris)
    assert (changed["provider"]["hasSecret"], changed["provider"]["version"]) == (True, 2)
    off = (await admin.update(changed["provider"], isEnabled=False))["provider"]
    assert (off["isEnabled"], off["version"]) == (False, 3)
    # What is so already changes nothing.
    again = (await admin.update(off, isEnabled=False, name="Login"))["provider"]
    assert again["version"] == 3
    reply = await admin.api.ask(LIST, bearer=admin.token, slug=admin.shop.slug)
    found = reply.data["merchant"]["shop"]["signInProviders"]
    assert found == [{"name": "Login", "isEnabled": False}]

    assert (await admin.delete(off))["deletedId"] == off["id"]
    assert await SignInProvider.all().count() == 0
    actions = [
        entry.action
        for entry in await AuditEntry.filter(subject_type="SignInProvider").order_by("id")
    ]
    assert actions == [
        "sign_in_provider.create",
        "sign_in_provider.update",
        "sign_in_provider.update",
        "sign_in_provider.delete",
    ]
    secret_entry = (await AuditEntry.filter(subject_type="SignInProvider").order_by("id"))[1]
    assert secret_entry.after["newSecret"] is True
    assert "c4n4ry" not in str(secret_entry.after)


async def test_what_somebody_else_changed_is_told_with_both_values(admin: Admin) -> None:
    provider = (await admin.create(**OIDC))["provider"]
    await admin.update(provider, name="Theirs")

    refused = await admin.update(provider, name="Mine")

    (error,) = refused["userErrors"]
    assert (error["code"], error["currentVersion"]) == ("VERSION_CONFLICT", 2)
    assert error["conflicts"] == [{"field": "name", "yours": '"Mine"', "current": '"Theirs"'}]
    assert codes_of(await admin.delete(provider)) == ["VERSION_CONFLICT"]
    assert (await SignInProvider.get()).name == "Theirs"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({**WECHAT, "secret": None}, ["secret"]),
        ({**WECHAT, "secret": ""}, ["secret"]),
        ({**WECHAT, "clientId": "wx 1"}, ["clientId"]),
        ({**WECHAT, "issuer": "https://api.weixin.qq.com"}, ["issuer"]),
        ({**WECHAT, "redirectUris": ["https://shop.example.com/"]}, ["redirectUris"]),
        ({**OIDC, "name": " "}, ["name"]),
        ({**OIDC, "issuer": None}, ["issuer"]),
        ({**OIDC, "issuer": "http://login.example.com"}, ["issuer"]),
        ({**OIDC, "issuer": "https://169.254.169.254/"}, ["issuer"]),
        ({**OIDC, "issuer": "https://postgres"}, ["issuer"]),
        ({**OIDC, "issuer": "https://login.example.com:22"}, ["issuer"]),
        ({**OIDC, "issuer": "https://login.example.com/?tenant=1"}, ["issuer"]),
        ({**OIDC, "issuer": f"https://login.example.com/{'a' * 500}"}, ["issuer"]),
        ({**OIDC, "redirectUris": []}, ["redirectUris"]),
        ({**OIDC, "redirectUris": ["javascript:alert(1)"]}, ["redirectUris", "0"]),
        ({**OIDC, "redirectUris": ["https://a.test", "http://b.test"]}, ["redirectUris", "1"]),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_told(
    admin: Admin, wish: dict[str, Any], field: list[str]
) -> None:
    refused = await admin.create(**wish)

    (error,) = refused["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)
    assert await SignInProvider.all().count() == 0


async def test_a_mini_program_has_no_addresses_to_go_back_to(admin: Admin) -> None:
    provider = (await admin.create(**WECHAT))["provider"]

    refused = await admin.update(provider, redirectUris=["https://shop.example.com/"])

    assert codes_of(refused) == ["INVALID_INPUT"]
    assert codes_of(await admin.update(provider, redirectUris=[])) == []


async def test_one_mini_program_and_each_issuer_once(admin: Admin) -> None:
    await admin.create(**WECHAT)
    await admin.create(**OIDC)

    assert codes_of(await admin.create(**{**WECHAT, "clientId": "wx02"})) == [
        "SIGN_IN_PROVIDER_EXISTS"
    ]
    assert codes_of(await admin.create(**{**OIDC, "clientId": "another"})) == [
        "SIGN_IN_PROVIDER_EXISTS"
    ]
    assert await SignInProvider.all().count() == 2


async def test_a_shop_has_so_many(admin: Admin) -> None:
    for number in range(MAX_PROVIDERS):
        await admin.create(**{**OIDC, "issuer": f"https://login{number}.example.com"})

    assert codes_of(await admin.create(**OIDC)) == ["INVALID_INPUT"]
    assert await SignInProvider.all().count() == MAX_PROVIDERS
