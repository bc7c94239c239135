"""Running campaigns over GraphQL: times, batches, caps, terms."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import Campaign, publish_campaign
from headless_presale.campaigns import create_campaign as make_draft
from headless_presale.checkout import TermsOutdated, drain, place_order
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import Order
from headless_presale.shops.models import Shop
from resolvers.admin.campaign_commands import ref_of
from resolvers.global_ids import seal
from tests.graphql.admin.campaigns.asking import actions, item_of, of, read, send
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, draft, make_shop, make_variant, order_for
from tests.support.staff import Caller, sign_in
from tests.support.state import stored_rows

# Times


async def scheduled(shop: Shop, handle: str = "coming") -> Campaign:
    opens_at = kernel_clock.now() + timedelta(days=1)
    made = await make_draft(ref_of(shop), draft(handle=handle, opens_at=opens_at))
    return await publish_campaign(made.id, default_locale="en")


async def test_what_has_not_opened_is_given_other_times_or_taken_back(
    api: Api, sale: Sale, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    campaign = await scheduled(sale.shop)
    known = {"campaignId": seal("Campaign", campaign.id)}
    before = await stored_rows(database_admin)
    refusals: list[dict[str, Any]] = []

    for times, code in (
        ({"opensAt": "2026-03-01T11:59:00Z"}, "INVALID_INPUT"),
        ({"closesAt": "2026-03-02T12:00:00Z"}, "INVALID_INPUT"),
        ({"closesAt": "2026-07-01T00:00:00Z"}, "CAMPAIGN_NOT_PUBLISHABLE"),
    ):
        _, refusals = await send(api, owner, "campaignSchedule", **known, version=2, **times)
        assert [e["code"] for e in refusals] == [code], times
    assert refusals[0]["fault"] == "TERMS_SHIP_DATE_EARLY"
    assert await stored_rows(database_admin) == before

    moved, refusals = await send(
        api, owner, "campaignSchedule", **known, version=2, opensAt="2026-03-03T12:00:00Z"
    )
    assert (refusals, moved["campaign"]["opensAt"]) == ([], "2026-03-03T12:00:00Z")
    # The same times again are no change, whatever was read.
    again, refusals = await send(
        api, owner, "campaignSchedule", **known, version=2, opensAt="2026-03-03T12:00:00Z"
    )
    assert (refusals, again["campaign"]["version"]) == ([], 3)

    taken, refusals = await send(api, owner, "campaignUnschedule", **known, version=3)
    assert (refusals, taken["campaign"]["status"]) == ([], "DRAFT")
    again, refusals = await send(api, owner, "campaignUnschedule", **known, version=3)
    assert (refusals, again["campaign"]["version"]) == ([], 4)
    # No storefront sees it any more.
    node = await api.ask("query ($id: ID!) { node(id: $id) { id } }", id=known["campaignId"])
    assert node.data["node"] is None
    # What has opened is neither moved nor taken back.
    for name in ("campaignSchedule", "campaignUnschedule"):
        _, refusals = await send(api, owner, name, **of(sale))
        assert [(e["code"], e["campaignStatus"]) for e in refusals] == [
            ("CAMPAIGN_NOT_OPEN", "LIVE")
        ]
    assert (await actions(database_admin))[-2:] == ["campaign.schedule", "campaign.unschedule"]


async def test_terms_that_were_published_are_not_written_over_by_a_draft(
    api: Api, sale: Sale, owner: Caller
) -> None:
    campaign = await scheduled(sale.shop)
    known = {"campaignId": seal("Campaign", campaign.id)}
    await send(api, owner, "campaignUnschedule", **known, version=2)
    update = "mutation ($input: CampaignUpdateInput!) { campaignUpdate(input: $input) {"
    update += " campaign { terms { version } } } }"

    async def write(version: int, text: str) -> int:
        terms = {
            "shipsBy": "2026-07-01",
            "refundPolicy": [{"locale": "en", "text": text}],
            "cancelConditions": [{"locale": "en", "text": text}],
        }
        wish = {**known, "version": version, "terms": terms}
        reply = await api.ask(update, bearer=owner.token, input=wish)
        return int(reply.data["campaignUpdate"]["campaign"]["terms"]["version"])

    # Somebody has read version 1; what nobody has read is written over.
    assert [await write(3, "Half."), await write(4, "None.")] == [2, 2]
    published, _ = await send(api, owner, "campaignPublish", **known, version=5)
    assert published["campaign"]["terms"] == {"version": 2}


async def test_a_campaign_sells_longer_with_a_reason(
    api: Api, sale: Sale, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    wish = {**of(sale), "closesAt": "2026-03-20T12:00:00Z"}
    before = await stored_rows(database_admin)
    refusals: list[dict[str, Any]] = []
    for refused, code in (
        ({**wish, "reason": " "}, "INVALID_INPUT"),
        ({**wish, "reason": "x" * 201}, "INVALID_INPUT"),
        ({**wish, "reason": "More", "closesAt": "2026-03-08T12:00:00Z"}, "INVALID_INPUT"),
        ({**wish, "reason": "More", "version": 1}, "VERSION_CONFLICT"),
    ):
        _, refusals = await send(api, owner, "campaignExtend", **refused)
        assert [e["code"] for e in refusals] == [code], refused
    assert refusals[0]["conflicts"] == [
        {
            "field": "closesAt",
            "yours": '"2026-03-20T12:00:00+00:00"',
            "current": '"2026-03-08T12:00:00+00:00"',
        }
    ]
    assert await stored_rows(database_admin) == before

    done, refusals = await send(api, owner, "campaignExtend", **wish, reason="More clay")
    assert (refusals, done["campaign"]["closesAt"]) == ([], "2026-03-20T12:00:00Z")
    entry = await database_admin.fetchrow(
        "SELECT before, after FROM audit_entry WHERE action = 'campaign.extend'"
    )
    assert entry is not None
    assert '"reason": "More clay"' in entry["after"]
    assert '"closesAt": "2026-03-08T12:00:00+00:00"' in entry["before"]


# Batches, caps, terms


async def test_a_repeated_batch_is_not_a_second_one(
    api: Api, sale: Sale, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    wish = {**item_of(sale), "capacity": 5, "shipsBy": "2026-09-30"}

    added, refusals = await send(api, owner, "campaignBatchAdd", **wish)
    assert (refusals, added["campaign"]["progress"]) == ([], {"capacity": 15})
    again, refusals = await send(api, owner, "campaignBatchAdd", **wish)

    assert again["campaign"] is None
    assert refusals[0]["code"] == "VERSION_CONFLICT"
    assert await database_admin.fetchval("SELECT count(*) FROM production_batch") == 2
    assert await database_admin.fetchval("SELECT count(*) FROM slot") == 15


async def test_a_cap_never_goes_below_what_is_sold_and_says_how_much_that_is(
    api: Api, sale: Sale, owner: Caller, database_admin: asyncpg.Connection
) -> None:
    await place_order(order_for(sale, quantity=4))
    await drain()
    before = await stored_rows(database_admin)

    _, refusals = await send(api, owner, "campaignCapSet", **item_of(sale), capacity=3)
    assert [(e["__typename"], e["sold"]) for e in refusals] == [("CapacityBelowSoldError", 4)]
    assert await stored_rows(database_admin) == before

    done, refusals = await send(api, owner, "campaignCapSet", **item_of(sale), capacity=4)
    assert (refusals, done["campaign"]["progress"]) == ([], {"capacity": 4})
    assert await database_admin.fetchval("SELECT capacity FROM production_batch") == 4
    # Two who read the same version: the second is told.
    _, refusals = await send(api, owner, "campaignCapSet", **item_of(sale), capacity=8)
    assert refusals[0]["conflicts"] == [{"field": "capacity", "yours": "8", "current": "4"}]


async def test_new_terms_are_for_orders_to_come_and_differ_where_they_say(
    api: Api, sale: Sale, owner: Caller
) -> None:
    old = await place_order(order_for(sale))
    terms = {
        "shipsBy": "2026-08-31",
        "refundPolicy": [
            {"locale": "en", "text": "Half of it."},
            {"locale": "ZH-cn", "text": "退一半。"},
        ],
        "cancelConditions": [{"locale": "en", "text": "Cancel any time before the balance opens."}],
    }

    done, refusals = await send(api, owner, "campaignTermsCreate", **of(sale), terms=terms)

    assert (refusals, done["campaign"]["terms"]) == ([], {"version": 2})
    with pytest.raises(TermsOutdated):
        await place_order(order_for(sale, email="new@example.com"))
    found = await read(
        api,
        owner,
        "termsVersions(first: 5) { nodes { version } } "
        "termsDiff(older: 1, newer: 2) { field locale before after }",
    )
    assert (await Order.get(id=old.id)).terms_version == 1
    assert found["termsVersions"]["nodes"] == [{"version": 2}, {"version": 1}]
    assert found["termsDiff"] == [
        {"field": "shipsBy", "locale": None, "before": "2026-06-30", "after": "2026-08-31"},
        {
            "field": "refundPolicy",
            "locale": "en",
            "before": "Deposits are refunded until the campaign closes.",
            "after": "Half of it.",
        },
        {"field": "refundPolicy", "locale": "zh-CN", "before": None, "after": "退一半。"},
    ]
    # Terms that lack something are refused with the place, and a version that is none is told.
    _, refusals = await send(
        api,
        owner,
        "campaignTermsCreate",
        **{**of(sale), "version": 4},
        terms={**terms, "shipsBy": "2026-03-01"},
    )
    assert [(e["fault"], e["field"]) for e in refusals] == [
        ("TERMS_SHIP_DATE_EARLY", ["terms", "shipsBy"])
    ]


async def test_a_draft_made_for_an_empty_shop_is_worth_a_warning(
    api: Api, clock: ManualClock
) -> None:
    shop = await make_shop()
    await make_variant(shop)
    owner = await sign_in(shop)
    await make_draft(ref_of(shop), draft(days=3))

    found = await read(api, owner, "faults { code } warnings { code message }")

    assert found["faults"] == []
    assert found["warnings"] == [
        {
            "code": "WINDOW_UNUSUAL",
            "message": "7 to 14 days are recommended for a presale",
        },
        {"code": "SHIP_DATE_FAR", "message": "ships more than 30 days after the close"},
    ]
