"""A shop's settings and numbers, as the admin reads and changes them."""

from typing import Any

import asyncpg
import pytest

from headless_presale.identity import Role
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.shops import POLICY_BOUNDS, Shop, get_shop_by_id
from resolvers.admin.policy_texts import POLICY_TEXTS
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, make_variant
from tests.support.staff import Caller, sign_in
from tests.support.state import stored_rows

SHOP = """
query ($slug: String!) {
  merchant { shop(slug: $slug) {
    slug name currency version
    settings { contactEmail timezone defaultLocale isFixed translations { locale name } }
    policies {
      warnShipDays { value default lowest highest unit explanation }
      defaultDepositBps { value unit }
      defaultHoldSeconds { value unit }
    }
  } }
}
"""
ERRORS = """
userErrors {
  __typename code message field
  ... on VersionConflictError { currentVersion conflicts { field yours current } }
}
"""
UPDATE = f"""
mutation ($input: ShopUpdateInput!) {{
  shopUpdate(input: $input) {{
    shop {{
      slug name currency version
      settings {{ contactEmail timezone defaultLocale isFixed translations {{ locale name }} }}
    }}
    {ERRORS}
  }}
}}
"""
POLICIES = f"""
mutation ($input: ShopPoliciesUpdateInput!) {{
  shopPoliciesUpdate(input: $input) {{
    shop {{ version policies {{ warnShipDays {{ value }} warnDepositBps {{ value }} }} }}
    {ERRORS}
  }}
}}
"""
LOG = """
query ($slug: String!) {
  merchant { shop(slug: $slug) { auditLog(first: 1) { nodes {
    action actorLabel changes { field before after }
  } } } }
}
"""


@pytest.fixture
async def shop(api: Api) -> Shop:
    """Return a shop with a name in two languages."""
    shop = await make_shop()
    await Shop.filter(id=shop.id).update(translations={"zh-CN": {"name": "月铸工坊"}})
    await shop.refresh_from_db()
    return shop


async def update(
    api: Api, caller: Caller, shop: Shop, *, language: str = "en", **changes: Any
) -> dict[str, Any]:
    wish = {"shopId": seal("Shop", shop.id), "version": 1, **changes}
    reply = await api.ask(UPDATE, bearer=caller.token, language=language, input=wish)
    payload: dict[str, Any] = reply.data["shopUpdate"]
    return payload


async def update_policies(api: Api, caller: Caller, shop: Shop, **changes: Any) -> dict[str, Any]:
    wish = {"shopId": seal("Shop", shop.id), "version": 1, **changes}
    reply = await api.ask(POLICIES, bearer=caller.token, input=wish)
    payload: dict[str, Any] = reply.data["shopPoliciesUpdate"]
    return payload


async def test_a_shop_tells_its_settings_and_what_its_numbers_may_be(
    api: Api, shop: Shop, owner: Caller
) -> None:
    reply = await api.ask(SHOP, bearer=owner.token, slug=shop.slug)

    found = reply.data["merchant"]["shop"]
    assert found["version"] == 1
    assert found["settings"] == {
        "contactEmail": "",
        "timezone": "UTC",
        "defaultLocale": "en",
        "isFixed": False,
        "translations": [{"locale": "zh-CN", "name": "月铸工坊"}],
    }
    assert found["policies"] == {
        "warnShipDays": {
            "value": 30,
            "default": 30,
            "lowest": 1,
            "highest": 365,
            "unit": "DAYS",
            "explanation": "A promise to ship later than this after the close is warned about.",
        },
        "defaultDepositBps": {"value": 2_000, "unit": "BASIS_POINTS"},
        "defaultHoldSeconds": {"value": 900, "unit": "SECONDS"},
    }


async def test_settings_are_changed_in_part_and_read_back(
    api: Api, shop: Shop, owner: Caller
) -> None:
    payload = await update(
        api,
        owner,
        shop,
        name="Forge",
        contactEmail="hello@example.com",
        timezone="Asia/Shanghai",
        translations=[{"locale": "fr", "name": "La Forge"}, {"locale": "zh-CN", "name": None}],
    )

    assert payload == {
        "shop": {
            "slug": shop.slug,
            "name": "Forge",
            "currency": "CNY",
            "version": 2,
            "settings": {
                "contactEmail": "hello@example.com",
                "timezone": "Asia/Shanghai",
                "defaultLocale": "en",
                "isFixed": False,
                "translations": [{"locale": "fr", "name": "La Forge"}],
            },
        },
        "userErrors": [],
    }


async def test_a_stale_change_is_told_both_values(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    await update(api, owner, shop, contactEmail="first@example.com")
    before = await stored_rows(database_admin)

    payload = await update(api, owner, shop, contactEmail="second@example.com", timezone="UTC")

    (error,) = payload["userErrors"]
    assert (error["__typename"], error["field"]) == ("VersionConflictError", ["version"])
    assert error["currentVersion"] == 2
    assert error["conflicts"] == [
        {
            "field": "contactEmail",
            "yours": '"second@example.com"',
            "current": '"first@example.com"',
        }
    ]
    assert payload["shop"] is None
    assert await stored_rows(database_admin) == before


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"timezone": "Mars/Olympus"}, ["timezone"], "this is not a time zone"),
        ({"contactEmail": "anna"}, ["contactEmail"], "this is not an e-mail address"),
        ({"name": " "}, ["name"], "a name has 1 to 120 printable characters"),
        ({"slug": "A B"}, ["slug"], "a slug is 1 to 60"),
        (
            {"translations": [{"locale": "fr", "name": "x"}, {"locale": "FR", "name": "y"}]},
            ["translations", "1", "locale"],
            "each language is named once",
        ),
        (
            {"translations": [{"locale": "fr", "name": "x"}, {"locale": "!", "name": "y"}]},
            ["translations", "1", "locale"],
            "must be a language tag",
        ),
        (
            {"translations": [{"locale": "zh-CN", "name": "\u0007"}]},
            ["translations", "0", "name"],
            "a name has 1 to 120 printable characters",
        ),
    ],
)
async def test_what_cannot_be_is_told_by_its_place_and_changes_nothing(
    api: Api,
    shop: Shop,
    owner: Caller,
    database_admin: asyncpg.Connection,
    changes: dict[str, Any],
    field: list[str],
    message: str,
) -> None:
    before = await stored_rows(database_admin)

    payload = await update(api, owner, shop, **changes)

    (error,) = payload["userErrors"]
    assert (error["__typename"], error["code"]) == ("InvalidInputError", "INVALID_INPUT")
    assert error["field"] == field
    assert message in error["message"]
    assert await stored_rows(database_admin) == before


async def test_products_fix_the_address_and_the_currency(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    await make_variant(shop)
    before = await stored_rows(database_admin)

    moved = await update(api, owner, shop, slug="elsewhere", language="zh-CN")
    priced = await update(api, owner, shop, currency="USD")

    assert [error["code"] for error in moved["userErrors"]] == ["SHOP_FIXED"]
    assert moved["userErrors"][0]["message"] == "店铺已有商品，不能再修改地址。"
    assert [error["field"] for error in priced["userErrors"]] == [["currency"]]
    assert await stored_rows(database_admin) == before
    renamed = await update(api, owner, shop, name="Forge", slug=shop.slug)
    assert renamed["shop"]["settings"]["isFixed"] is True


async def test_an_address_of_another_shop_is_taken(api: Api, shop: Shop, owner: Caller) -> None:
    await make_shop("other")

    payload = await update(api, owner, shop, slug="other")

    assert [error["code"] for error in payload["userErrors"]] == ["SHOP_SLUG_TAKEN"]
    assert (await get_shop_by_id(shop.id)).slug == shop.slug


async def test_numbers_are_changed_in_part_and_written_into_the_log(
    api: Api, shop: Shop, owner: Caller
) -> None:
    payload = await update_policies(api, owner, shop, warnShipDays=45)

    assert payload == {
        "shop": {
            "version": 2,
            "policies": {"warnShipDays": {"value": 45}, "warnDepositBps": {"value": 3_000}},
        },
        "userErrors": [],
    }
    log = await api.ask(LOG, bearer=owner.token, slug=shop.slug)
    assert log.data["merchant"]["shop"]["auditLog"]["nodes"] == [
        {
            "action": "shop.policies_update",
            "actorLabel": owner.account.email if owner.account else "",
            "changes": [{"field": "warnShipDays", "before": "30", "after": "45"}],
        }
    ]


async def test_a_number_out_of_bounds_is_told_its_bounds(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    before = await stored_rows(database_admin)

    payload = await update_policies(api, owner, shop, warnShipDays=366, warnDepositBps=1)

    assert payload["userErrors"] == [
        {
            "__typename": "InvalidInputError",
            "code": "INVALID_INPUT",
            "message": "The input cannot be used: the number must be within 1 and 365.",
            "field": ["warnShipDays"],
        }
    ]
    assert await stored_rows(database_admin) == before


async def test_stale_numbers_are_told_both_values(api: Api, shop: Shop, owner: Caller) -> None:
    await update_policies(api, owner, shop, warnShipDays=45)

    payload = await update_policies(api, owner, shop, warnShipDays=60)

    (error,) = payload["userErrors"]
    assert error["conflicts"] == [{"field": "warnShipDays", "yours": "60", "current": "45"}]


async def test_a_manager_reads_but_does_not_change(api: Api, shop: Shop) -> None:
    manager = await sign_in(shop, Role.MANAGER)

    assert (await api.ask(SHOP, bearer=manager.token, slug=shop.slug)).data["merchant"]["shop"]
    reply = await api.ask(
        UPDATE, bearer=manager.token, input={"shopId": seal("Shop", shop.id), "version": 1}
    )

    assert (reply.status, reply.error_codes) == (403, ["FORBIDDEN"])


def test_every_number_is_explained_in_every_language() -> None:
    assert POLICY_TEXTS.keys() == POLICY_BOUNDS.keys()
    assert {
        name for name, texts in POLICY_TEXTS.items() if set(texts) != set(SUPPORTED_LOCALES)
    } == (set())
