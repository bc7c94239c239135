"""Webhooks as the admin and merchants' systems manage them."""

from typing import Any

import pytest

from headless_presale.checkout import place_order
from headless_presale.identity import Scope
from headless_presale.kernel import vault
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops.models import Shop
from headless_presale.webhooks import (
    EVENT_TYPES,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.receiver import subscribe
from tests.support.shop import make_shop, open_sale, order_for
from tests.support.staff import connect, sign_in
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("clock")

URL = "https://erp.example.com/hooks"
CREATE = """
mutation ($input: WebhookEndpointCreateInput!) {
  webhookEndpointCreate(input: $input) {
    endpoint { id url description eventTypes shopIds isEnabled version }
    secret
    userErrors { __typename code message field }
  }
}
"""
UPDATE = """
mutation ($input: WebhookEndpointUpdateInput!) {
  webhookEndpointUpdate(input: $input) {
    endpoint { url eventTypes version }
    userErrors {
      code message field
      ... on VersionConflictError { currentVersion conflicts { field yours current } }
    }
  }
}
"""
LOG = """
{ merchant { webhookEndpoints(first: 5) { nodes { id url isEnabled deliveries(first: 5) { nodes {
  messageId type status attempts body occurredAt nextAttemptAt
  log { number url responseCode responseBody error durationMs }
} } } } } }
"""


async def create(api: Api, token: str, *, language: str = "en", **changes: Any) -> dict[str, Any]:
    given = {"url": URL, "eventTypes": ["order.*"], **changes}
    reply = await api.ask(CREATE, bearer=token, language=language, input=given)
    payload: dict[str, Any] = reply.data["webhookEndpointCreate"]
    return payload


async def test_an_endpoint_is_registered_and_its_secret_shown_once(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)

    payload = await create(api, owner.token, description="ERP", shopIds=[seal("Shop", shop.id)])

    assert payload["userErrors"] == []
    row = await WebhookEndpoint.get()
    assert payload["endpoint"] == {
        "id": seal("WebhookEndpoint", row.id),
        "url": URL,
        "description": "ERP",
        "eventTypes": ["order.*"],
        "shopIds": [seal("Shop", shop.id)],
        "isEnabled": True,
        "version": 1,
    }
    # Sealed at rest, and in no log.
    assert payload["secret"] == vault.unseal("webhooks", row.secret)
    assert payload["secret"] not in row.secret
    entry = await AuditEntry.get(action="webhook_endpoint.create")
    assert entry.actor == f"staff:{owner.account.id}" if owner.account else False
    assert entry.after == {
        "url": URL,
        "description": "ERP",
        "eventTypes": ["order.*"],
        "shopIds": [str(shop.id)],
        "isEnabled": True,
    }


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"url": "http://erp.example.com/"}, ["url"], "absolute and https"),
        ({"url": "https://10.0.0.1/"}, ["url"], "public internet"),
        ({"url": "https://erp.example.com:22/"}, ["url"], "443 or 8443"),
        ({"eventTypes": []}, ["eventTypes"], "at least one event"),
        ({"eventTypes": ["order.*", "x.y"]}, ["eventTypes", "1"], "there is no event x.y"),
        ({"description": "a\nb"}, ["description"], "printable"),
        ({"shopIds": []}, ["shopIds"], "name shops of this merchant"),
    ],
)
async def test_what_cannot_be_used_is_named_and_nothing_changes(
    api: Api, changes: dict[str, Any], field: list[str], message: str
) -> None:
    owner = await sign_in(await make_shop())

    payload = await create(api, owner.token, **changes)

    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)
    assert message in error["message"]
    assert payload["secret"] is None
    assert await WebhookEndpoint.all().count() == 0


async def test_the_refusal_is_told_in_chinese_as_well(api: Api) -> None:
    owner = await sign_in(await make_shop())

    payload = await create(api, owner.token, language="zh-CN", url="https://10.0.0.1/")

    assert payload["userErrors"][0]["message"] == "输入内容无法使用：地址须为公网地址。"


async def test_nobody_has_told_elsewhere_what_he_may_not_read(api: Api) -> None:
    shop = await make_shop()
    client = await connect(shop, scopes={Scope.WEBHOOKS_WRITE, Scope.CAMPAIGNS_READ})

    for events in (["order.placed"], ["campaign.*", "refund.*"], ["payment.captured"]):
        payload = await create(api, client.token, eventTypes=events)
        assert payload["userErrors"][0]["code"] == "SCOPES_EXCEEDED"
        assert payload["userErrors"][0]["field"] == ["eventTypes"]
    assert await WebhookEndpoint.all().count() == 0
    assert (await create(api, client.token, eventTypes=["campaign.*"]))["userErrors"] == []
    # Nor by another address for what somebody else subscribed to.
    made = await subscribe(shop, URL, "order.*")
    reply = await api.ask(
        UPDATE,
        bearer=client.token,
        input={
            "endpointId": seal("WebhookEndpoint", made.endpoint.id),
            "url": "https://other.example.com/",
            "eventTypes": ["campaign.*"],
            "version": 1,
        },
    )
    assert reply.data["webhookEndpointUpdate"]["userErrors"][0]["code"] == "SCOPES_EXCEEDED"
    assert (await WebhookEndpoint.get(id=made.endpoint.id)).url == URL


async def test_a_stale_change_is_told_both_values(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    made = await subscribe(shop, URL, "order.*")
    given = {
        "endpointId": seal("WebhookEndpoint", made.endpoint.id),
        "eventTypes": ["order.*"],
        "version": 1,
    }

    first = await api.ask(UPDATE, bearer=owner.token, input={**given, "url": URL + "/1"})
    second = await api.ask(UPDATE, bearer=owner.token, input={**given, "url": URL + "/2"})

    assert first.data["webhookEndpointUpdate"]["endpoint"]["version"] == 2
    (error,) = second.data["webhookEndpointUpdate"]["userErrors"]
    assert (error["code"], error["currentVersion"]) == ("VERSION_CONFLICT", 2)
    assert {"field": "url", "yours": f'"{URL}/2"', "current": f'"{URL}/1"'} in error["conflicts"]
    assert (await WebhookEndpoint.get()).url == URL + "/1"


async def test_who_is_limited_to_shops_has_the_endpoints_of_those_alone(api: Api) -> None:
    shop = await make_shop()
    second = await make_shop("second")
    await Shop.filter(id=second.id).update(merchant_id=shop.merchant_id)
    limited = await connect(shop, shop_ids=[shop.id])
    own = await subscribe(shop, f"{URL}/own", shop_ids=[shop.id])
    for shop_ids in (None, [second.id], [shop.id, second.id]):
        await subscribe(shop, URL, shop_ids=shop_ids)

    reply = await api.ask(LOG, bearer=limited.token)

    nodes = reply.data["merchant"]["webhookEndpoints"]["nodes"]
    assert [node["url"] for node in nodes] == [f"{URL}/own"]
    # He may not listen to what is not his either: not to all shops, not to another one.
    for given in (None, [seal("Shop", second.id)], [seal("Shop", s.id) for s in (shop, second)]):
        payload = await create(api, limited.token, shopIds=given)
        assert payload["userErrors"][0]["field"] == ["shopIds"]
    payload = await create(api, limited.token, shopIds=[seal("Shop", shop.id)])
    assert payload["userErrors"] == []
    assert await WebhookEndpoint.filter(merchant_id=shop.merchant_id).count() == 4 + 1
    assert own.endpoint.version == 1


async def test_the_log_shows_what_was_sent_to_those_who_may_read_it(
    api: Api, clock: ManualClock
) -> None:
    sale = await open_sale()
    await subscribe(sale.shop, URL)
    order = await place_order(order_for(sale))
    delivery = await WebhookDelivery.get()
    await WebhookAttempt.create(
        delivery_id=delivery.id,
        number=1,
        at=clock.now(),
        url=URL,
        response_code=500,
        response_body='{"echo": "of the order"}',
        error="",
        duration_ms=12,
    )
    full = await connect(sale.shop, scopes={Scope.WEBHOOKS_READ, Scope.ORDERS_READ})
    bare = await connect(sale.shop, scopes={Scope.WEBHOOKS_READ})

    def first(reply: Any) -> dict[str, Any]:
        found = reply.data["merchant"]["webhookEndpoints"]["nodes"][0]["deliveries"]["nodes"][0]
        assert isinstance(found, dict)
        return found

    shown = first(await api.ask(LOG, bearer=full.token))
    hidden = first(await api.ask(LOG, bearer=bare.token))

    assert order.number in shown["body"]
    assert shown["log"][0]["responseBody"] == '{"echo": "of the order"}'
    assert (shown["type"], shown["status"]) == ("order.placed", "PENDING")
    assert shown["messageId"] == f"msg_{delivery.id.hex}"
    assert (hidden["body"], hidden["log"][0]["responseBody"]) == (None, None)
    assert hidden["log"][0]["responseCode"] == 500


async def test_the_log_of_a_narrowed_endpoint_tells_nothing_of_other_shops(api: Api) -> None:
    # Given an endpoint that was told of an order of each of two shops, and now has the first alone
    sale = await open_sale()
    second = await open_sale(shop=await make_shop("second"), skus=("OTHER-1",))
    await Shop.filter(id=second.shop.id).update(merchant_id=sale.shop.merchant_id)
    made = await subscribe(sale.shop, URL, "order.placed")
    orders = [
        await place_order(order_for(sale, email="1@example.com")),
        await place_order(order_for(second, email="2@example.com")),
    ]
    await WebhookEndpoint.filter(id=made.endpoint.id).update(shop_ids=[sale.shop.id])
    limited = await connect(sale.shop, shop_ids=[sale.shop.id])
    owner = await sign_in(sale.shop)

    async def bodies(token: str) -> str:
        reply = await api.ask(LOG, bearer=token)
        (node,) = reply.data["merchant"]["webhookEndpoints"]["nodes"]
        return "".join(delivery["body"] for delivery in node["deliveries"]["nodes"])

    # Then whoever is of the first shop reads of its order alone, the owner of both
    assert [order.number in await bodies(limited.token) for order in orders] == [True, False]
    assert [order.number in await bodies(owner.token) for order in orders] == [True, True]
    # And what concerns the other one is not there to be sent again.
    foreign = await WebhookDelivery.get(shop_id=second.shop.id)
    replay = """mutation ($input: WebhookDeliveryReplayInput!) {
      webhookDeliveryReplay(input: $input) { delivery { id } userErrors { code } } }"""
    given = {"deliveryId": seal("WebhookDelivery", foreign.id)}
    before = foreign.next_attempt_at
    reply = await api.ask(replay, bearer=limited.token, input=given)
    payload = reply.data["webhookDeliveryReplay"]
    assert payload["userErrors"] == [{"code": "WEBHOOK_DELIVERY_NOT_FOUND"}]
    assert (await WebhookDelivery.get(id=foreign.id)).next_attempt_at == before


async def test_events_can_be_looked_up(api: Api) -> None:
    owner = await sign_in(await make_shop())

    reply = await api.ask(
        "{ merchant { webhookEventTypes { name description scope } } }", bearer=owner.token
    )

    listed = reply.data["merchant"]["webhookEventTypes"]
    assert [event["name"] for event in listed] == list(EVENT_TYPES)
    assert {event["scope"] for event in listed} == {"orders:read", "campaigns:read"}


async def test_a_list_of_endpoints_costs_the_same_however_many_there_are(api: Api) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    query = "{ merchant { webhookEndpoints { nodes { id url eventTypes isEnabled } } } }"

    async def cost() -> int:
        async with counted_statements() as sent:
            await api.ask(query, bearer=owner.token)
            del sent[:]
            await api.ask(query, bearer=owner.token)
            return len(sent)

    await subscribe(shop, URL)
    one = await cost()
    for number in range(5):
        await subscribe(shop, f"{URL}/{number}")

    assert await cost() == one


async def test_whoever_deletes_an_endpoint_is_told_which_is_gone_once(api: Api) -> None:
    owner = await sign_in(await make_shop())
    endpoint = (await create(api, owner.token))["endpoint"]
    query = (
        "mutation ($input: WebhookEndpointDeleteInput!) { webhookEndpointDelete(input: $input) {"
        " deletedId userErrors { code } } }"
    )
    wish = {"endpointId": endpoint["id"], "version": endpoint["version"]}

    first, second = [await api.ask(query, bearer=owner.token, input=wish) for _ in range(2)]

    assert first.data["webhookEndpointDelete"] == {"deletedId": endpoint["id"], "userErrors": []}
    assert second.data["webhookEndpointDelete"]["deletedId"] is None
    assert len(second.data["webhookEndpointDelete"]["userErrors"]) == 1
