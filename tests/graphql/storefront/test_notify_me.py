"""The notify-me list over GraphQL: a storefront's mutation, and how long the list is."""

from typing import Any

import pytest

from headless_presale.campaigns import sweep_openings_and_closings
from headless_presale.identity import Scope
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import announcing
from headless_presale.notify_me import CampaignWatcher
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import Sale
from tests.support.staff import connect
from tests.support.waiting import EMAIL, OPENS_IN, ask, scheduled_sale

pytestmark = pytest.mark.usefixtures("redis", "clock")

NOTIFY_ME = """
mutation ($input: CampaignNotifyMeInput!) {
  campaignNotifyMe(input: $input) { needsConfirmation userErrors { __typename code field message
    ... on NotifyMeClosedError { campaignStatus }
    ... on TooManyAttemptsError { retryAfterSeconds } } } }
"""
COUNT = """
query ($shop: String!, $id: ID!) {
  merchant { shop(slug: $shop) { campaign(id: $id) { notifyMe { count confirmed told } } } } }
"""


async def asked(api: Api, sale: Sale, language: str = "en", **changes: Any) -> dict[str, Any]:
    """Return the payload of asking to be told of a sale."""
    given = {"campaignId": seal("Campaign", sale.campaign.id), "email": EMAIL, "consent": True}
    reply = await api.ask(NOTIFY_ME, language=language, input={**given, **changes})
    payload: dict[str, Any] = reply.data["campaignNotifyMe"]
    return payload


async def test_asking_is_answered_alike_for_everybody(api: Api) -> None:
    sale = await scheduled_sale()

    answers = [await asked(api, sale) for _ in range(2)]
    answers.append(await asked(api, sale, email="lin@example.com", source="drop page"))

    assert answers == [{"needsConfirmation": True, "userErrors": []}] * 3
    assert await CampaignWatcher.all().count() == 2


async def test_the_language_is_the_clients_unless_it_is_named(api: Api) -> None:
    sale = await scheduled_sale()
    await asked(api, sale, "zh-CN")
    await asked(api, sale, email="lin@example.com", locale="fr")

    assert (await CampaignWatcher.get(email=EMAIL)).locale == "zh-CN"
    assert (await CampaignWatcher.get(email="lin@example.com")).locale == "fr"


async def test_each_no_has_its_code_and_place(api: Api, clock: ManualClock) -> None:
    sale = await scheduled_sale()

    async def refusal(**changes: Any) -> tuple[str, str, list[str] | None]:
        payload = await asked(api, sale, **changes)
        assert payload["needsConfirmation"] is None
        (error,) = payload["userErrors"]
        return error["__typename"], error["code"], error["field"]

    assert await refusal(consent=False) == ("InvalidInputError", "INVALID_INPUT", ["consent"])
    assert await refusal(email="x") == ("InvalidInputError", "INVALID_INPUT", ["email"])
    assert await refusal(locale="?") == ("InvalidInputError", "INVALID_INPUT", ["locale"])
    assert await refusal(campaignId="x") == ("InvalidInputError", "INVALID_INPUT", ["campaignId"])
    nobody = seal("Campaign", sale.shop.id)
    assert await refusal(campaignId=nobody) == (
        "NotFoundError",
        "CAMPAIGN_NOT_FOUND",
        ["campaignId"],
    )
    clock.advance(OPENS_IN)
    assert (await refusal())[:2] == ("NotifyMeClosedError", "NOTIFY_ME_CLOSED")
    assert await CampaignWatcher.all().count() == 0


async def test_a_campaign_that_is_open_says_so_in_both_languages(
    api: Api, clock: ManualClock
) -> None:
    sale = await scheduled_sale()
    clock.advance(OPENS_IN)

    (english,) = (await asked(api, sale))["userErrors"]
    (chinese,) = (await asked(api, sale, "zh-CN"))["userErrors"]

    assert english["campaignStatus"] == "LIVE"
    assert english["message"] == "This campaign takes no more names: it is open."
    assert chinese["message"] == "该活动不再接受订阅提醒：已开始。"


async def test_too_often_says_how_long_to_wait(api: Api) -> None:
    sale = await scheduled_sale()
    for _ in range(10):
        await asked(api, sale)

    (error,) = (await asked(api, sale))["userErrors"]

    assert (error["__typename"], error["retryAfterSeconds"]) == ("TooManyAttemptsError", 3_600)


async def test_a_merchant_sees_how_many_wait(api: Api, clock: ManualClock) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    for number in range(3):
        await ask(sale, f"ann{number}@example.com")
    await CampaignWatcher.filter(email="ann2@example.com").update(confirmed_at=None)
    where = {"shop": sale.shop.slug, "id": seal("Campaign", sale.campaign.id)}

    async def counted() -> dict[str, int]:
        caller = await connect(sale.shop, scopes=[Scope.CAMPAIGNS_READ])
        reply = await api.ask(COUNT, bearer=caller.token, **where)
        found: dict[str, int] = reply.data["merchant"]["shop"]["campaign"]["notifyMe"]
        return found

    assert await counted() == {"count": 3, "confirmed": 2, "told": 0}
    clock.advance(OPENS_IN)
    await sweep_openings_and_closings()
    await announcing.tell_watchers(sale.campaign.id)
    assert await counted() == {"count": 3, "confirmed": 2, "told": 2}


SET = """
mutation ($input: ShopUpdateInput!) {
  shopUpdate(input: $input) { shop { settings { notifyDoubleOptIn } } userErrors { code } } }
"""


async def test_a_shop_says_whether_it_wants_a_confirmation(api: Api) -> None:
    sale = await scheduled_sale()
    caller = await connect(sale.shop, scopes=[Scope.SETTINGS_READ, Scope.SETTINGS_WRITE])
    wanted = {"shopId": seal("Shop", sale.shop.id), "version": 1, "notifyDoubleOptIn": False}

    reply = await api.ask(SET, bearer=caller.token, input=wanted)

    assert reply.data["shopUpdate"] == {
        "shop": {"settings": {"notifyDoubleOptIn": False}},
        "userErrors": [],
    }
    assert (await asked(api, sale))["needsConfirmation"] is False
    entry = await AuditEntry.get(action="shop.update")
    assert (entry.before, entry.after) == (
        {"notify_double_opt_in": True},
        {"notify_double_opt_in": False},
    )
