"""A merchant, its staff, its applications and its log, as the admin asks for them."""

from datetime import timedelta
from typing import Any

import asyncpg

from headless_presale.identity import OAuthClient, Role, Scope
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import hash_secret
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.staff import sign_in
from tests.support.state import stored_rows
from tests.support.statements import counted_statements

UPDATE = """
mutation ($input: StaffUpdateInput!) {
  staffUpdate(input: $input) {
    member { email role shopIds version }
    userErrors {
      __typename code message field
      ... on VersionConflictError { currentVersion conflicts { field yours current } }
    }
  }
}
"""
CREATE = """
mutation ($input: ApiClientCreateInput!) {
  apiClientCreate(input: $input) {
    client { clientId kind scopes redirectUris isEnabled version }
    secret
    userErrors { code message field }
  }
}
"""
LOG = """
query ($filter: AuditFilterInput, $first: Int, $after: String) {
  merchant { auditLog(filter: $filter, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      action actor actorLabel subjectType subjectId subjectLabel requestId
      changes { field before after }
    }
  } }
}
"""


async def update(api: Api, token: str, *, language: str = "en", **changes: Any) -> dict[str, Any]:
    reply = await api.ask(UPDATE, bearer=token, language=language, input=changes)
    payload: dict[str, Any] = reply.data["staffUpdate"]
    return payload


async def test_a_role_is_changed_and_a_stale_change_is_told_both_values(api: Api) -> None:
    # Given two owners who both read version 1 of a member
    shop = await make_shop()
    owner = await sign_in(shop)
    member = (await sign_in(shop, Role.MANAGER, email="lin@example.com")).member
    assert member is not None
    id_, shop_id = seal("StaffMember", member.id), seal("Shop", shop.id)

    # When one makes her support and the other an analyst
    first = await update(
        api, owner.token, memberId=id_, role="SUPPORT", shopIds=[shop_id], version=1
    )
    second = await update(api, owner.token, memberId=id_, role="ANALYST", version=1)

    # Then the first is done and the second is told what is there now
    assert first == {
        "member": {
            "email": "lin@example.com",
            "role": "SUPPORT",
            "shopIds": [shop_id],
            "version": 2,
        },
        "userErrors": [],
    }
    (error,) = second["userErrors"]
    assert error["__typename"] == "VersionConflictError"
    assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["version"])
    assert error["currentVersion"] == 2
    assert error["conflicts"] == [
        {"field": "role", "yours": '"ANALYST"', "current": '"SUPPORT"'},
        {"field": "shopIds", "yours": None, "current": f'["{shop.id}"]'},
    ]
    assert second["member"] is None


async def test_a_refusal_speaks_chinese(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    assert owner.member is not None

    payload = await update(
        api,
        owner.token,
        language="zh-CN",
        memberId=seal("StaffMember", owner.member.id),
        role="ADMIN",
        version=1,
    )

    assert payload["userErrors"] == [
        {
            "__typename": "RefusedError",
            "code": "LAST_OWNER",
            "message": "这是最后一位所有者，请先将其他成员设为所有者。",
            "field": None,
        }
    ]


async def test_a_secret_is_shown_once(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    wish = {"name": "ERP", "kind": "SERVICE", "scopes": ["orders:read"]}

    made = (await api.ask(CREATE, bearer=owner.token, input=wish)).data["apiClientCreate"]
    listed = (
        await api.ask("{ merchant { clients { nodes { name clientId } } } }", bearer=owner.token)
    ).data

    stored = await OAuthClient.get(name="ERP")
    assert stored.secret_hash == hash_secret(made["secret"])
    assert made["client"]["clientId"] == str(stored.id)
    assert listed["merchant"]["clients"]["nodes"] == [{"name": "ERP", "clientId": str(stored.id)}]


async def test_what_cannot_be_registered_names_its_field_and_changes_nothing(
    api: Api, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    before = await stored_rows(database_admin)
    fine: dict[str, Any] = {
        "name": "App",
        "kind": "WEB",
        "scopes": ["orders:read"],
        "redirectUris": ["https://app.example.com/cb"],
    }
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": "  "}, ["name"]),
        ({"scopes": ["orders:eat"]}, ["scopes"]),
        ({"scopes": []}, ["scopes"]),
        ({"redirectUris": ["http://app.example.com/cb"]}, ["redirectUris", "0"]),
        ({"redirectUris": []}, ["redirectUris"]),
        ({"shopIds": ["nonsense"]}, ["shopIds", "0"]),
        ({"shopIds": []}, ["shopIds"]),
    ]
    for change, field in wrong:
        payload = (await api.ask(CREATE, bearer=owner.token, input={**fine, **change})).data
        (error,) = payload["apiClientCreate"]["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID_INPUT", field), change
    assert await stored_rows(database_admin) == before


async def test_the_log_tells_who_changed_what_and_is_searched(api: Api) -> None:
    # Given three changes: two of a member, one of a client
    shop = await make_shop()
    owner = await sign_in(shop)
    member = (await sign_in(shop, Role.MANAGER, email="lin@example.com")).member
    assert member is not None and owner.account is not None  # noqa: PT018
    id_ = seal("StaffMember", member.id)
    await update(api, owner.token, memberId=id_, role="SUPPORT", version=1)
    await update(api, owner.token, memberId=id_, role="ANALYST", version=2)
    wish = {"name": "ERP", "kind": "SERVICE", "scopes": ["orders:read"]}
    await api.ask(CREATE, bearer=owner.token, input=wish)

    async def log(**question: Any) -> dict[str, Any]:
        reply = await api.ask(LOG, bearer=owner.token, **question)
        found: dict[str, Any] = reply.data["merchant"]["auditLog"]
        return found

    # Then they are there, the newest first, with what they changed
    me = f"staff:{owner.account.id}"
    newest = (await log(filter={"actor": me}))["nodes"]
    assert [entry["action"] for entry in newest] == [
        "client.create",
        "staff.update",
        "staff.update",
    ]
    assert {entry["actorLabel"] for entry in newest} == {"owner@moonlit-forge.example.com"}
    assert newest[1]["subjectId"] == id_
    assert newest[1]["subjectLabel"] == "lin@example.com"
    assert newest[1]["changes"] == [{"field": "role", "before": '"SUPPORT"', "after": '"ANALYST"'}]
    # And are found by subject, by action and by what actions begin with, a page at a time
    page = await log(filter={"subjectId": id_, "action": "staff."}, first=2)
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    rest = await log(filter={"subjectId": id_}, after=page["pageInfo"]["endCursor"])
    assert [entry["action"] for entry in rest["nodes"]] == ["staff.join"]
    assert (await log(filter={"action": "client.create"}))["totalCount"] == 1
    assert (await log(filter={"actor": "cli"}))["totalCount"] == 0


async def test_a_filter_that_cannot_be_used_is_refused(api: Api) -> None:
    owner = await sign_in(await make_shop())
    for question, code in [
        ({"subjectId": "nonsense"}, "ID_INVALID"),
        ({"actor": ""}, "ARGUMENT_INVALID"),
        ({"action": "a\x00"}, "ARGUMENT_INVALID"),
        ({"action": "a" * 81}, "ARGUMENT_INVALID"),
    ]:
        reply = await api.ask(LOG, bearer=owner.token, filter=question)
        assert reply.error_codes == [code]


async def test_a_list_costs_the_same_whatever_its_length(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    for number in range(12):
        await sign_in(shop, Role.ANALYST, email=f"{number}@example.com")
    query = "{ merchant { staff(first: %d) { nodes { email name role hasSecondFactor } } } }"

    costs = []
    for size in (1, 12):
        async with counted_statements() as sent:
            # A new connection asks once what types there are.
            await api.ask("{ viewer { label } }", bearer=owner.token)
            before = len(sent)
            await api.ask(query % size, bearer=owner.token)
        costs.append(len(sent) - before)

    # Who asks (with BEGIN and COMMIT), his merchant, the members, their accounts.
    assert costs == [3 + 1 + 1 + 1] * 2


async def test_a_client_may_not_be_more_than_whoever_makes_it(api: Api) -> None:
    shop = await make_shop()
    limited = await sign_in(shop, scopes={Scope.CLIENTS_WRITE, Scope.CATALOG_READ})
    wish = {"name": "ERP", "kind": "SERVICE", "scopes": ["orders:refund", "catalog:read"]}

    payload = (await api.ask(CREATE, bearer=limited.token, input=wish)).data["apiClientCreate"]

    assert payload["userErrors"] == [
        {
            "code": "SCOPES_EXCEEDED",
            "message": "You cannot give permissions that you do not have: orders:refund.",
            "field": ["scopes"],
        }
    ]
    assert await OAuthClient.filter(name="ERP").count() == 0


async def test_a_log_is_entered_at_a_moment(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given a log in which the third entry has an earlier moment than the second
    shop = await make_shop()
    owner = await sign_in(shop)
    await database_admin.executemany(
        "INSERT INTO audit_entry (owner_id, at, actor, actor_label, client_id, request_id, action,"
        " subject_type, subject_id, subject_label, before, after) VALUES "
        "($1, $2, 'cli', '', '', '', $3, 'Shop', $1, '', '{}', '{}')",
        [
            (shop.merchant_id, clock.now() + timedelta(minutes=minutes), f"minute.{minutes}")
            for minutes in (0, 300, 290, 310, 600)
        ],
    )

    async def actions(**question: Any) -> list[str]:
        asked = {
            name: (clock.now() + timedelta(minutes=minutes)).isoformat()
            for name, minutes in question.items()
        }
        reply = await api.ask(LOG, bearer=owner.token, filter={"action": "minute.", **asked})
        nodes = reply.data["merchant"]["auditLog"]["nodes"]
        return [node["action"].removeprefix("minute.") for node in nodes]

    # Then each bound takes what lies on its side of it, and nothing else
    assert await actions(since=300) == ["600", "310", "300"]
    assert await actions(until=300) == ["290", "0"]
    assert await actions(since=290, until=310) == ["290", "300"]
    assert await actions(until=0) == []
    assert await actions(since=601) == []
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        for bound in ("since", "until"):
            reply = await api.ask(LOG, bearer=owner.token, filter={bound: moment})
            assert "errors" not in reply.body
