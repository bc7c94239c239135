"""A customer's profile, and signing out with what is left of a sign-in."""

from datetime import timedelta
from typing import Any

import pytest

from headless_presale.customers.models import Customer, CustomerGrant
from headless_presale.kernel.clock import ManualClock
from tests.graphql.customers import EMAIL, SIGN_OUT, Storefront, codes_of
from tests.graphql.endpoint import Api

UPDATE = """
mutation ($input: ProfileUpdateInput!) { profileUpdate(input: $input) {
  customer { name phone locale version }
  userErrors { __typename code field ... on VersionConflictError { currentVersion
    conflicts { field yours current } } } } }
"""


async def changed(storefront: Storefront, token: str, **given: Any) -> dict[str, Any]:
    reply = await storefront.api.ask(UPDATE, bearer=token, input=given)
    payload: dict[str, Any] = reply.data["profileUpdate"]
    return payload


async def test_a_profile_is_changed_by_parts(storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]

    first = await changed(storefront, token, version=1, name=" Ann Lin ", phone="+86 138 0000")
    second = await changed(storefront, token, version=2, phone="", locale="zh-cn")

    assert first["customer"] == {
        "name": "Ann Lin",
        "phone": "+86 138 0000",
        "locale": "en",
        "version": 2,
    }
    assert second["customer"] == {"name": "Ann Lin", "phone": "", "locale": "zh-CN", "version": 3}
    me = await storefront.api.ask("{ me { name phone version } }", bearer=token)
    assert me.data["me"] == {"name": "Ann Lin", "phone": "", "version": 3}


async def test_what_is_equal_changes_nothing(storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]
    for given in ({}, {"locale": "en"}, {"name": None, "phone": ""}):
        assert (await changed(storefront, token, version=1, **given))["customer"]["version"] == 1


async def test_a_stale_version_is_refused_with_both_values(storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]
    await changed(storefront, token, version=1, name="Ann")

    refused = await changed(storefront, token, version=1, name="Anna", phone="1")

    (error,) = refused["userErrors"]
    assert (error["code"], error["currentVersion"]) == ("VERSION_CONFLICT", 2)
    assert error["conflicts"] == [
        {"field": "name", "yours": '"Anna"', "current": '"Ann"'},
        {"field": "phone", "yours": '"1"', "current": '""'},
    ]
    assert (await Customer.get()).name == "Ann"


@pytest.mark.parametrize(
    "given",
    [{"name": "x" * 121}, {"phone": "1" * 41}, {"locale": "klingon!"}, {"name": "a\x00b"}],
    ids=["long name", "long phone", "no language", "not storable"],
)
async def test_what_cannot_be_kept_is_told(storefront: Storefront, given: dict[str, str]) -> None:
    token = (await storefront.sign_in())["accessToken"]

    refused = await changed(storefront, token, version=1, **given)

    assert codes_of(refused) == ["INVALID_INPUT"]
    assert refused["userErrors"][0]["field"] == list(given)
    assert (await Customer.get()).version == 1


async def test_a_sign_in_ends_by_its_refresh_token_alone(
    storefront: Storefront, api: Api, clock: ManualClock
) -> None:
    here, there = await storefront.sign_in(), await storefront.sign_in()
    clock.advance(timedelta(hours=1))

    reply = await api.ask(SIGN_OUT, input={"refreshToken": here["refreshToken"]})

    assert reply.data["signOut"] == {"ended": 1, "userErrors": []}
    assert codes_of(await storefront.refresh(here["refreshToken"])) == ["SESSION_ENDED"]
    assert codes_of(await storefront.refresh(there["refreshToken"])) == []


async def test_all_sign_ins_end_by_one_refresh_token(
    storefront: Storefront, api: Api, clock: ManualClock
) -> None:
    here, _ = await storefront.sign_in(), await storefront.sign_in()
    bob = await storefront.sign_in("bob@example.com")
    given = {"refreshToken": here["refreshToken"], "everywhere": True}

    assert (await api.ask(SIGN_OUT, input=given)).data["signOut"]["ended"] == 2
    # Again, and with one that nobody has: nothing is left to end, and nothing is told.
    assert (await api.ask(SIGN_OUT, input=given)).data["signOut"]["ended"] == 0
    unknown = await api.ask(SIGN_OUT, input={"refreshToken": "nobody's\x00"})
    assert unknown.data["signOut"] == {"ended": 0, "userErrors": []}
    assert codes_of(await storefront.refresh(bob["refreshToken"])) == []


async def test_a_refresh_token_of_another_ends_his_sign_in_alone(
    storefront: Storefront, api: Api
) -> None:
    mine, bob = await storefront.sign_in(), await storefront.sign_in("bob@example.com")

    given = {"refreshToken": bob["refreshToken"]}
    await api.ask(SIGN_OUT, bearer=mine["accessToken"], input=given)

    left = await CustomerGrant.filter(revoked_at=None).select_related("customer")
    assert [grant.customer.email for grant in left] == [EMAIL]
