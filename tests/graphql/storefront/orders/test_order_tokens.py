"""An order's token is taken back: from then on it opens nothing, and the new link is mailed."""

import asyncio
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest

from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.events import EventRecord
from headless_presale.notifications import Message, MessageKind
from headless_presale.orders import Order, OrderStatus, TokenAccess, order_token, revoking
from resolvers.global_ids import find_uuid
from schema.transport.errors import root_cause
from tests.conftest import SECRET_KEY
from tests.graphql.customers import EMAIL, Storefront, codes_of
from tests.graphql.endpoint import Api, footprint
from tests.graphql.following import TRACKING, following
from tests.graphql.ordering import CANCEL, MINE, ONE, PLACE, START, order_input
from tests.graphql.providers import without_an_address
from tests.support.shop import Sale, open_sale
from tests.support.staff import Caller, sign_in

REVOKE = """
mutation ($input: OrderTokenRevokeInput!) { orderTokenRevoke(input: $input) {
  order { id } mailedTo userErrors { __typename code field } } }
"""
BY_MERCHANT = """
mutation ($input: OrderTokenRevokeByMerchantInput!) { orderTokenRevokeByMerchant(input: $input) {
  order { id version } mailedTo userErrors { __typename code field } } }
"""
BUYER = {"name": "Ann", "email": EMAIL}


@pytest.fixture
async def sale(api: Api, clock: ManualClock) -> Sale:
    return await open_sale(capacity=20)


@pytest.fixture
async def key(api: Api, sale: Sale) -> dict[str, str]:
    """Return the id and the token of a guest's order."""
    payload = (await api.ask(PLACE, input=order_input(sale, buyer=BUYER))).data["orderPlace"]
    return {"id": payload["order"]["id"], "token": payload["orderToken"]}


async def revoked(storefront: Storefront, bearer: str, id_: str, wish: str = "1") -> Any:
    given = {"orderId": id_, "idempotencyKey": wish}
    return (await storefront.api.ask(REVOKE, bearer=bearer, input=given)).data["orderTokenRevoke"]


async def by_merchant(api: Api, caller: Caller, id_: str, version: int, wish: str = "1") -> Any:
    given = {"orderId": id_, "version": version, "idempotencyKey": wish}
    reply = await api.ask(BY_MERCHANT, bearer=caller.token, input=given)
    return reply.data["orderTokenRevokeByMerchant"]


def new_token(id_: str, generation: int = 1) -> str:
    uuid = find_uuid(id_, "Order")
    assert uuid is not None
    return order_token(SECRET_KEY, uuid, generation)


async def test_from_then_on_the_old_token_opens_nothing(
    storefront: Storefront, api: Api, key: dict[str, str]
) -> None:
    bearer = (await storefront.sign_in())["accessToken"]
    read = await api.ask(ONE, **key)
    assert read.data["order"] is not None

    answer = await revoked(storefront, bearer, key["id"])

    assert answer == {"order": {"id": key["id"]}, "mailedTo": EMAIL, "userErrors": []}
    assert (await api.ask(ONE, **key)).data == {"order": None}
    cancelled = await api.ask(CANCEL, input={"orderId": key["id"], "token": key["token"]})
    assert codes_of(cancelled.data["orderCancel"]) == ["ORDER_NOT_FOUND"]
    paying = {"leg": "FULL", "gateway": "nowhere", "idempotencyKey": "pay"}
    body = {"orderId": key["id"], "token": key["token"], **paying}
    started = await api.ask(START, input=body)
    assert codes_of(started.data["paymentStart"]) == ["ORDER_NOT_FOUND"]
    # The new one opens it, and its customer needs none.
    fresh = {"id": key["id"], "token": new_token(key["id"])}
    assert (await api.ask(ONE, **fresh)).data["order"]["id"] == key["id"]
    mine = (await api.ask(MINE, bearer=bearer)).data["me"]["orders"]["nodes"]
    assert [order["id"] for order in mine] == [key["id"]]


async def test_control_without_generations_the_old_token_goes_on_to_open(
    storefront: Storefront, api: Api, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenAccess, "opens", lambda self, order: True)
    await revoked(storefront, (await storefront.sign_in())["accessToken"], key["id"])

    assert (await api.ask(ONE, **key)).data["order"]["id"] == key["id"]


async def test_the_new_link_is_mailed_once_however_often_it_is_asked(
    storefront: Storefront, api: Api, key: dict[str, str]
) -> None:
    bearer = (await storefront.sign_in())["accessToken"]

    first = await revoked(storefront, bearer, key["id"])
    again = await revoked(storefront, bearer, key["id"])

    assert again == first
    order = await Order.get()
    assert (order.access_generation, order.version) == (1, 2)
    mail = await Message.get(kind=MessageKind.ORDER_LINK_RENEWED)
    assert mail.recipient == EMAIL
    assert key["token"] not in str(mail.context)
    assert new_token(key["id"]) not in str(mail.context)
    event = await EventRecord.get(type="order.token_revoked")
    assert event.actor == f"customer:{order.customer_id}"
    # Another wish is another revocation.
    await revoked(storefront, bearer, key["id"], "2")
    assert (await api.ask(ONE, id=key["id"], token=new_token(key["id"]))).data == {"order": None}
    second = await api.ask(ONE, id=key["id"], token=new_token(key["id"], 2))
    assert second.data["order"] is not None


async def test_a_follower_with_the_old_token_is_told_nothing_more(
    storefront: Storefront, api: Api, key: dict[str, str]
) -> None:
    bearer = (await storefront.sign_in())["accessToken"]
    async with aclosing(api.follow(TRACKING, **key)) as stream:
        assert (await following(stream))["type"] == "order.placed"

        await revoked(storefront, bearer, key["id"])

        outcome = await asyncio.wait_for(anext(stream), 30)
        assert outcome.data is None
        assert outcome.errors is not None
        assert getattr(root_cause(outcome.errors[0]), "code", None) == "ORDER_NOT_FOUND"


async def test_repeating_the_order_does_not_give_a_guest_the_new_token(
    storefront: Storefront, api: Api, sale: Sale, key: dict[str, str]
) -> None:
    bearer = (await storefront.sign_in())["accessToken"]
    await revoked(storefront, bearer, key["id"])
    body = order_input(sale, buyer=BUYER)

    refused = (await api.ask(PLACE, input=body)).data["orderPlace"]
    his = (await api.ask(PLACE, bearer=bearer, input=body)).data["orderPlace"]

    assert codes_of(refused) == ["ORDER_TOKEN_REVOKED"]
    assert (refused["order"], refused["orderToken"]) == (None, None)
    assert (his["order"]["id"], his["orderToken"]) == (key["id"], new_token(key["id"]))
    assert await Order.all().count() == 1


async def test_nobody_else_takes_it_back(
    storefront: Storefront, api: Api, key: dict[str, str], database_admin: asyncpg.Connection
) -> None:
    bob = (await storefront.sign_in("bob@example.com"))["accessToken"]
    before = await footprint(database_admin)

    answer = await revoked(storefront, bob, key["id"])

    assert codes_of(answer) == ["ORDER_NOT_FOUND"]
    assert (answer["order"], answer["mailedTo"]) == (None, None)
    given = {"orderId": key["id"], "idempotencyKey": "1"}
    assert (await api.ask(REVOKE, input=given)).error_codes == ["UNAUTHENTICATED"]
    assert await footprint(database_admin) == before
    assert (await api.ask(ONE, **key)).data["order"] is not None


async def test_a_merchant_takes_it_back_and_his_log_has_it(
    api: Api, sale: Sale, key: dict[str, str]
) -> None:
    owner = await sign_in(sale.shop)

    stale = await by_merchant(api, owner, key["id"], 7)
    done = await by_merchant(api, owner, key["id"], 1)
    again = await by_merchant(api, owner, key["id"], 1)

    assert codes_of(stale) == ["VERSION_CONFLICT"]
    expected = {"order": {"id": key["id"], "version": 2}, "mailedTo": EMAIL, "userErrors": []}
    assert done == again == expected
    assert (await api.ask(ONE, **key)).data == {"order": None}
    entry = await AuditEntry.get(action="order.token_revoke")
    assert (entry.before, entry.after) == ({"access_generation": 0}, {"access_generation": 1})
    assert await Message.filter(kind=MessageKind.ORDER_LINK_RENEWED).count() == 1


async def test_a_stranger_s_mailbox_is_not_filled(
    storefront: Storefront, api: Api, sale: Sale
) -> None:
    # Given somebody without an address, who orders under a stranger's and does not pay
    bearer = await without_an_address(sale.shop)
    body = order_input(sale, buyer=BUYER)
    placed = (await api.ask(PLACE, bearer=bearer, input=body)).data["orderPlace"]
    id_ = placed["order"]["id"]

    answer = await revoked(storefront, bearer, id_)

    assert answer == {"order": {"id": id_}, "mailedTo": None, "userErrors": []}
    assert await Message.all().count() == 0
    assert (await api.ask(ONE, id=id_, token=placed["orderToken"])).data == {"order": None}
    # What has been paid is somebody's who wants to know of it.
    await Order.all().update(status=OrderStatus.PAID)
    assert (await revoked(storefront, bearer, id_, "2"))["mailedTo"] == EMAIL
    assert await Message.filter(kind=MessageKind.ORDER_LINK_RENEWED).count() == 1


async def test_so_many_times_and_no_more(
    storefront: Storefront, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoking, "MOST_REVOCATIONS", 1)
    bearer = (await storefront.sign_in())["accessToken"]
    await revoked(storefront, bearer, key["id"], "1")

    assert codes_of(await revoked(storefront, bearer, key["id"], "2")) == ["INVALID_INPUT"]
    assert (await Order.get()).access_generation == 1
    assert codes_of(await revoked(storefront, bearer, key["id"], "1")) == []


async def test_where_no_link_can_be_mailed_nobody_is_locked_out(
    storefront: Storefront,
    api: Api,
    sale: Sale,
    key: dict[str, str],
    database_admin: asyncpg.Connection,
) -> None:
    bearer = (await storefront.sign_in())["accessToken"]
    caller = await sign_in(sale.shop)
    api.runtime.settings.order_url_template = None
    before = await footprint(database_admin)

    refused = await revoked(storefront, bearer, key["id"])
    of_the_merchant = await by_merchant(api, caller, key["id"], 1)

    for answer in (refused, of_the_merchant):
        assert (answer["order"], answer["mailedTo"]) == (None, None)
        assert codes_of(answer) == ["ORDER_LINK_NOT_CONFIGURED"]
    assert await footprint(database_admin) == before
    assert (await api.ask(ONE, **key)).data["order"]["id"] == key["id"]
