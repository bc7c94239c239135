"""Writing campaigns down over GraphQL: drafts, what hinders them, changes, copies, publishing."""

from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import Campaign, CampaignItem
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import UpdatePolicies, update_policies
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop, make_variant
from tests.support.staff import Caller
from tests.support.state import stored_rows

CAMPAIGN = """{ id handle title version status opensAt closesAt holdSeconds reminderSeconds
  paymentPlan { kind depositBps } faults { code message field }
  items { id sku price { amount } limitPerCustomer batches { capacity shipsBy } } 
  terms { version shipsBy } }"""
ERRORS = (
    "userErrors { __typename code message field ... on CampaignFaultError { fault } "
    "... on VersionConflictError { currentVersion conflicts { field yours current } } }"
)


@pytest.fixture
async def shop(api: Api, clock: ManualClock) -> Shop:
    return await make_shop()


async def send(
    api: Api, caller: Caller, name: str, language: str = "en", **wish: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Send a mutation; return the campaign and the user errors."""
    type_ = f"{name[0].upper()}{name[1:]}Input!"
    query = (
        f"mutation ($input: {type_}) {{ {name}(input: $input) {{ campaign {CAMPAIGN} {ERRORS} }} }}"
    )
    reply = await api.ask(query, bearer=caller.token, language=language, input=wish)
    return reply.data[name]["campaign"], reply.data[name]["userErrors"]


async def wish_for(shop: Shop, **changes: Any) -> dict[str, Any]:
    """Return a sound campaign of one item, as a merchant sends it."""
    variant = await make_variant(shop, changes.pop("sku", "FOX-1"))
    return {
        "shopId": seal("Shop", shop.id),
        "handle": "nebula-fox",
        "title": "Nebula Fox presale",
        "opensAt": "2026-03-02T10:00:00Z",
        "closesAt": "2026-03-09T10:00:00Z",
        "items": [
            {
                "variantId": seal("ProductVariant", variant.id),
                "batches": [{"capacity": 50, "shipsBy": "2026-06-30"}],
            }
        ],
        "terms": {
            "shipsBy": "2026-06-30",
            "refundPolicy": [{"locale": "en", "text": "In full."}],
            "cancelConditions": [{"locale": "en", "text": "Until the close."}],
        },
        **changes,
    }


async def test_a_draft_starts_from_the_numbers_of_its_shop(
    api: Api, shop: Shop, owner: Caller
) -> None:
    await update_policies(
        UpdatePolicies(
            shop_id=shop.id,
            changes={
                "default_deposit_bps": 1_500,
                "default_hold_seconds": 600,
                "default_reminder_seconds": 7_200,
            },
        )
    )

    campaign, refusals = await send(
        api, owner, "campaignCreate", **await wish_for(shop, paymentPlan={"kind": "DEPOSIT"})
    )

    assert refusals == []
    assert (campaign["status"], campaign["version"]) == ("DRAFT", 1)
    assert campaign["paymentPlan"] == {"kind": "DEPOSIT", "depositBps": 1_500}
    assert (campaign["holdSeconds"], campaign["reminderSeconds"]) == (600, 7_200)
    assert campaign["items"][0]["price"] == {"amount": "100.00"}
    # A deposit without a window for its balance hinders publishing, and says where.
    assert campaign["faults"] == [
        {
            "code": "BALANCE_WINDOW_MISSING",
            "message": "a deposit needs a window in which the balance is paid",
            "field": ["paymentPlan", "balanceOpensAt"],
        }
    ]


async def test_publishing_names_each_fault_with_its_place_in_both_languages(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    campaign, _ = await send(
        api, owner, "campaignCreate", **await wish_for(shop, items=[], terms=None)
    )
    before = await stored_rows(database_admin)

    answers = {
        language: (
            await send(
                api, owner, "campaignPublish", language, campaignId=campaign["id"], version=1
            )
        )[1]
        for language in ("en", "zh-CN")
    }

    assert await stored_rows(database_admin) == before
    assert [(e["fault"], e["field"], e["message"]) for e in answers["en"]] == [
        ("TERMS_SHIP_DATE_MISSING", ["terms", "shipsBy"], "the terms promise no ship date"),
        (
            "TERMS_REFUND_POLICY_MISSING",
            ["terms", "refundPolicy"],
            "the terms state no refund policy in en",
        ),
        (
            "TERMS_CANCEL_CONDITIONS_MISSING",
            ["terms", "cancelConditions"],
            "the terms state no cancel conditions in en",
        ),
        ("ITEMS_MISSING", ["items"], "the campaign sells nothing"),
    ]
    assert {e["code"] for e in answers["en"]} == {"CAMPAIGN_NOT_PUBLISHABLE"}
    assert [e["message"] for e in answers["zh-CN"]] == [
        "条款中没有承诺发货日期",
        "条款缺少 en 的退款规则",
        "条款缺少 en 的取消条件",
        "活动中没有商品",
    ]


async def test_it_is_published_once_and_the_second_time_is_told_so(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    campaign, _ = await send(api, owner, "campaignCreate", **await wish_for(shop))
    published, refusals = await send(
        api, owner, "campaignPublish", campaignId=campaign["id"], version=1
    )
    assert (refusals, published["status"], published["version"]) == ([], "SCHEDULED", 2)
    before = await stored_rows(database_admin)

    # Whichever version the second one has read
    for version in (1, 2):
        again, refusals = await send(
            api, owner, "campaignPublish", campaignId=campaign["id"], version=version
        )
        assert again is None
        assert [(e["code"], e["message"]) for e in refusals] == [
            ("CAMPAIGN_ALREADY_PUBLISHED", "The campaign has been published already.")
        ]
    assert await stored_rows(database_admin) == before


async def test_a_stale_change_is_told_both_values_and_changes_nothing(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    made, _ = await send(api, owner, "campaignCreate", **await wish_for(shop))
    known = {"campaignId": made["id"], "version": 1}
    await send(api, owner, "campaignUpdate", **known, title="Theirs", holdSeconds=60)
    before = await stored_rows(database_admin)

    nothing, refusals = await send(api, owner, "campaignUpdate", **known, title="Mine")
    assert nothing is None
    assert refusals[0]["__typename"] == "VersionConflictError"
    assert refusals[0]["currentVersion"] == 2
    assert refusals[0]["conflicts"] == [
        {"field": "title", "yours": '"Mine"', "current": '"Theirs"'}
    ]
    assert await stored_rows(database_admin) == before

    # What is so already is no change, whatever was read
    same, refusals = await send(api, owner, "campaignUpdate", **known, title="Theirs")
    assert (refusals, same["version"]) == ([], 2)
    assert await stored_rows(database_admin) == before


async def test_items_of_a_draft_are_replaced_and_keep_their_slots_where_they_can(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    wish = await wish_for(shop)
    owl = await make_variant(shop, "OWL-1")
    made, _ = await send(api, owner, "campaignCreate", **wish)
    fox_id = made["items"][0]["id"]
    fox, pool = wish["items"][0], (await CampaignItem.get()).pool_id

    # When an owl is put before the fox, whose price, limit and promise change
    fox_now = {
        **fox,
        "price": "90.5",
        "limitPerCustomer": 2,
        "batches": [{"capacity": 50, "shipsBy": "2026-07-31"}],
    }
    owl_now = {
        "variantId": seal("ProductVariant", owl.id),
        "batches": [{"capacity": 5, "shipsBy": "2026-06-30"}],
    }
    changed, refusals = await send(
        api, owner, "campaignUpdate", campaignId=made["id"], version=1, items=[owl_now, fox_now]
    )

    # Then the fox is the same item with the same pool
    assert refusals == []
    assert [item["sku"] for item in changed["items"]] == ["OWL-1", "FOX-1"]
    assert changed["items"][1] == {
        "id": fox_id,
        "sku": "FOX-1",
        "price": {"amount": "90.50"},
        "limitPerCustomer": 2,
        "batches": [{"capacity": 50, "shipsBy": "2026-07-31"}],
    }
    item = await CampaignItem.get(variant__sku="FOX-1").select_related("pool")
    assert (item.pool_id, item.pool.limit_per_customer) == (pool, 2)

    # And with other batches it has other slots, and the owl is gone with its own
    fewer = {**fox_now, "batches": [{"capacity": 7, "shipsBy": "2026-07-31"}]}
    changed, refusals = await send(
        api, owner, "campaignUpdate", campaignId=made["id"], version=2, items=[fewer]
    )
    assert refusals == []
    assert [(i["id"], i["batches"][0]["capacity"]) for i in changed["items"]] == [(fox_id, 7)]
    assert await database_admin.fetchval("SELECT count(*) FROM slot") == 7
    assert await database_admin.fetchval("SELECT count(*) FROM slot_pool") == 1


async def test_of_a_published_campaign_only_what_orders_do_not_hang_on_changes(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    wish = await wish_for(shop)
    made, _ = await send(api, owner, "campaignCreate", **wish)
    await send(api, owner, "campaignPublish", campaignId=made["id"], version=1)
    known = {"campaignId": made["id"], "version": 2}
    dearer = [{**wish["items"][0], "price": "120"}]
    before = await stored_rows(database_admin)

    for change, field in (
        ({"closesAt": "2026-03-20T10:00:00Z"}, "closesAt"),
        ({"items": dearer, "title": "New"}, "items"),
        ({"handle": "fox"}, "handle"),
        ({"paymentPlan": {"kind": "DEPOSIT"}}, "paymentPlan"),
        ({"cancelPolicy": {"paid": {"isAllowed": False}}}, "cancelPolicy"),
        ({"terms": {"shipsBy": "2026-08-01"}}, "terms"),
    ):
        nothing, refusals = await send(api, owner, "campaignUpdate", **known, **change)
        assert nothing is None
        assert [(e["code"], e["field"]) for e in refusals] == [("CAMPAIGN_FIXED", [field])], change
    _, refusals = await send(api, owner, "campaignUpdate", "zh-CN", **known, handle="fox")
    assert refusals[0]["message"] == "活动发布后不能再修改地址。"
    assert await stored_rows(database_admin) == before

    # The same items written down again are no change of them.
    changed, refusals = await send(
        api, owner, "campaignUpdate", **known, title="New", holdSeconds=60, items=wish["items"]
    )
    assert (refusals, changed["title"], changed["holdSeconds"]) == ([], "New", 60)
    assert await database_admin.fetchval(
        "SELECT payload->'fields' FROM event WHERE type = 'campaign.edited'"
    ) == '["title", "hold_seconds"]'.replace("hold_seconds", "holdSeconds")


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"handle": "Nebula Fox"}, ["handle"], "a slug is 1 to 120 lower-case letters"),
        ({"title": ""}, ["title"], "must not be empty"),
        ({"title": "x" * 201}, ["title"], "must not be longer than 200 characters"),
        ({"title": "x\x00"}, ["title"], "must not contain NUL characters"),
        ({"holdSeconds": 0}, ["holdSeconds"], "the number must be at least 1"),
        ({"closesAt": "2026-03-02T10:00:00Z"}, ["closesAt"], "closes before it opens"),
        ({"translations": [{"locale": "!", "title": "x"}]}, ["translations"], "a language tag"),
        ({"items": [{"variantId": "nonsense"}]}, ["items", "0", "variantId"], "no id of the type"),
        (
            {"paymentPlan": {"kind": "DEPOSIT", "depositPerUnit": "1.001"}},
            ["paymentPlan", "depositPerUnit"],
            "more decimals than CNY allows",
        ),
    ],
)
async def test_what_cannot_be_written_down_is_told_with_its_place(
    api: Api,
    shop: Shop,
    owner: Caller,
    database_admin: asyncpg.Connection,
    change: dict[str, Any],
    field: list[str],
    message: str,
) -> None:
    wish = await wish_for(shop)
    before = await stored_rows(database_admin)

    made, refusals = await send(api, owner, "campaignCreate", **{**wish, **change})
    assert made is None
    assert [(e["code"], e["field"]) for e in refusals] == [("INVALID_INPUT", field)]
    assert message in refusals[0]["message"]
    assert await stored_rows(database_admin) == before
    _, refusals = await send(api, owner, "campaignCreate", "zh-CN", **{**wish, **change})
    assert refusals[0]["message"].startswith("输入内容无法使用：")
    assert not any(letter in refusals[0]["message"] for letter in ("must", "the "))


async def test_a_campaign_is_made_again_with_every_date_moved(
    api: Api, shop: Shop, owner: Caller, clock: ManualClock
) -> None:
    wish = await wish_for(
        shop,
        paymentPlan={
            "kind": "DEPOSIT",
            "balanceOpensAt": "2026-03-10T10:00:00Z",
            "balanceDueAt": "2026-03-17T10:00:00Z",
        },
    )
    made, _ = await send(api, owner, "campaignCreate", **wish)

    # When it is copied twice, and once to a day that is named
    copy, refusals = await send(api, owner, "campaignDuplicate", campaignId=made["id"])
    second, _ = await send(api, owner, "campaignDuplicate", campaignId=made["id"])
    named, _ = await send(
        api,
        owner,
        "campaignDuplicate",
        campaignId=made["id"],
        opensAt="2026-05-01T10:00:00Z",
        handle="may-fox",
    )

    # Then the copies open a week later, at the same hour
    assert refusals == []
    assert (copy["handle"], second["handle"]) == ("nebula-fox-copy", "nebula-fox-copy-2")
    assert (copy["status"], copy["opensAt"], copy["closesAt"]) == (
        "DRAFT",
        "2026-03-09T10:00:00Z",
        "2026-03-16T10:00:00Z",
    )
    assert copy["items"][0]["batches"] == [{"capacity": 50, "shipsBy": "2026-07-07"}]
    assert copy["terms"] == {"version": 1, "shipsBy": "2026-07-07"}
    # 60 days from March 2 to May 1.
    assert named["handle"] == "may-fox"
    assert named["items"][0]["batches"][0]["shipsBy"] == "2026-08-29"
    plan = (await Campaign.get(handle="may-fox")).payment_plan
    assert plan["balance_due_at"] == "2026-05-16T10:00:00+00:00"
    # And a handle that is taken, or none, makes nothing.
    for handle, code in (("may-fox", "CAMPAIGN_CONFLICT"), ("May Fox", "INVALID_INPUT")):
        nothing, refusals = await send(
            api, owner, "campaignDuplicate", campaignId=made["id"], handle=handle
        )
        assert (nothing, [e["code"] for e in refusals]) == (None, [code])
    assert await Campaign.all().count() == 4


async def test_a_draft_is_discarded_whole(
    api: Api, shop: Shop, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    made, _ = await send(api, owner, "campaignCreate", **await wish_for(shop))
    query = (
        "mutation ($input: CampaignDiscardInput!) { campaignDiscard(input: $input) {"
        " deletedId userErrors { code } } }"
    )
    wish = {"campaignId": made["id"], "version": 1}

    first = (await api.ask(query, bearer=owner.token, input=wish)).data["campaignDiscard"]
    second = (await api.ask(query, bearer=owner.token, input=wish)).data["campaignDiscard"]

    assert first == {"deletedId": made["id"], "userErrors": []}
    assert second == {"deletedId": None, "userErrors": [{"code": "CAMPAIGN_NOT_FOUND"}]}
    for table in ("campaign", "campaign_item", "production_batch", "campaign_terms", "slot"):
        assert await database_admin.fetchval(f"SELECT count(*) FROM {table}") == 0
    actions = await database_admin.fetch(
        "SELECT action, actor_label FROM audit_entry WHERE action LIKE 'campaign.%' ORDER BY id"
    )
    assert [tuple(row) for row in actions] == [
        ("campaign.create", "owner@moonlit-forge.example.com"),
        ("campaign.discard", "owner@moonlit-forge.example.com"),
    ]
