"""What would be done to an order, and what is done."""

from typing import Any

import asyncpg
import pytest

from headless_presale.identity import Role, Scope
from headless_presale.orders import OrderView
from headless_presale.payments import Refund
from resolvers.context import RequestContext
from resolvers.global_ids import seal
from tests.graphql.admin.orders.asking import (
    CANCEL,
    NOTE,
    REFUND,
    cancel_input,
    detail,
    minor,
    refund_input,
)
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, make_shop
from tests.support.staff import Caller, connect, sign_in
from tests.support.state import stored_rows
from tests.support.till import Till


async def test_what_is_previewed_is_what_is_done(
    api: Api, support: Caller, order: OrderView
) -> None:
    before = await detail(api, support, order, minor=35_000)

    preview = before["refundPreview"]
    assert (minor(preview["amount"]), minor(preview["left"])) == (35_000, 40_000 - 35_000)
    assert [
        (p["leg"], p["gateway"], minor(p["held"]), minor(p["refund"]), minor(p["left"]))
        for p in preview["parts"]
    ] == [
        ("BALANCE", "other", 32_000, 32_000, 0),
        ("DEPOSIT", "sandbox", 8_000, 3_000, 5_000),
    ]
    done = await api.ask(
        REFUND, bearer=support.token, input=refund_input(order, amountMinor=35_000)
    )
    assert minor(done.data["orderRefund"]["order"]["money"]["refundable"]) == 5_000
    made = {(r.payment.leg, r.amount_minor) for r in await Refund.all().prefetch_related("payment")}
    assert made == {("BALANCE", 32_000), ("DEPOSIT", 3_000)}

    # Cancelling: the policy keeps deposits of paid orders; all else goes back
    after = await detail(api, support, order)
    assert (minor(after["byPolicy"]["refund"]), minor(after["byPolicy"]["kept"])) == (0, 5_000)
    assert (minor(after["inFull"]["refund"]), minor(after["inFull"]["kept"])) == (5_000, 0)
    cancelled = await api.ask(CANCEL, bearer=support.token, input=cancel_input(order, version=5))
    assert cancelled.data["orderCancelByMerchant"] == {
        "order": {
            "status": "CANCELLED",
            "version": 6,
            "closedReason": "the kiln broke",
            "money": {"sum": {"refunded": {"minor": 35_000}}},
        },
        "userErrors": [],
    }


async def test_a_preview_of_units_and_of_what_cannot_be(
    api: Api, support: Caller, order: OrderView, sale: Sale, till: Till
) -> None:
    line_id = seal("OrderLine", order.lines[0].id)
    units = await detail(
        api, support, order, minor=None, lines=[{"lineId": line_id, "quantity": 3}]
    )
    assert minor(units["refundPreview"]["amount"]) == 3 * 10_000
    too_much = (await detail(api, support, order, minor=40_001))["refundPreview"]
    assert (too_much["amount"], too_much["parts"], minor(too_much["refundable"])) == (
        None,
        [],
        40_000,
    )
    assert too_much["userErrors"] == [
        {
            "__typename": "RefundTooLargeError",
            "code": "REFUND_TOO_LARGE",
            "message": "At most 400.00 CNY can be given back.",
            "field": ["amountMinor"],
            "refundable": {"amount": "400.00"},
        }
    ]
    for wrong in ([{"lineId": "x", "quantity": 1}], [{"lineId": line_id, "quantity": 5}]):
        seen = await detail(api, support, order, minor=None, lines=wrong)
        assert seen["refundPreview"]["userErrors"][0]["code"] == "INVALID_INPUT"
    await api.ask(CANCEL, bearer=support.token, input=cancel_input(order))
    over = await detail(api, support, order, language="zh-CN")
    assert over["refundPreview"]["userErrors"][0]["message"] == "该订单无法退款：已取消。"
    assert over["refundPreview"]["userErrors"][0]["orderStatus"] == "CANCELLED"
    assert (over["byPolicy"]["isAllowed"], over["byPolicy"]["refund"]) == (False, None)
    assert over["byPolicy"]["userErrors"][0]["orderStatus"] == "CANCELLED"


async def test_a_refusal_is_data_and_changes_nothing(
    api: Api, support: Caller, order: OrderView, database_admin: asyncpg.Connection
) -> None:
    before = await stored_rows(database_admin)
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"amountMinor": 40_001}, "RefundTooLargeError", "REFUND_TOO_LARGE"),
        ({"amountMinor": 0}, "InvalidInputError", "INVALID_INPUT"),
        ({"amountMinor": None}, "InvalidInputError", "INVALID_INPUT"),
        ({"version": 3}, "VersionConflictError", "VERSION_CONFLICT"),
        ({"reason": ""}, "InvalidInputError", "INVALID_INPUT"),
        ({"idempotencyKey": "\x00"}, "InvalidInputError", "INVALID_INPUT"),
        ({"orderId": "x"}, "InvalidInputError", "INVALID_INPUT"),
        ({"orderId": seal("Order", order.shop_id)}, "NotFoundError", "ORDER_NOT_FOUND"),
    ]
    for change, kind, code in wrong:
        reply = await api.ask(REFUND, bearer=support.token, input=refund_input(order, **change))
        payload = reply.data["orderRefund"]
        (error,) = payload["userErrors"]
        assert (error["__typename"], error["code"], payload["order"]) == (kind, code, None), change
    assert await stored_rows(database_admin) == before


async def test_the_same_key_is_answered_the_same(
    api: Api, support: Caller, order: OrderView
) -> None:
    answers = [
        (await api.ask(REFUND, bearer=support.token, input=refund_input(order))).data
        for _ in range(2)
    ]
    other = await api.ask(
        REFUND, bearer=support.token, input=refund_input(order, amountMinor=2_000)
    )

    assert answers[0] == answers[1]
    assert len(answers[0]["orderRefund"]["order"]["merchantRefunds"]) == 1
    (error,) = other.data["orderRefund"]["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_MISMATCH", ["idempotencyKey"])


async def test_money_leaves_only_through_those_who_may_refund(
    api: Api, order: OrderView, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    manager = await sign_in(sale.shop, Role.MANAGER)
    blind = await connect(sale.shop, scopes=set(Scope) - {Scope.ORDERS_READ})
    second = await make_shop("second")
    elsewhere = await sign_in(second, Role.OWNER)
    before = await stored_rows(database_admin)

    for caller in (manager, blind):
        for query, given in ((REFUND, refund_input(order)), (CANCEL, cancel_input(order))):
            assert (await api.ask(query, bearer=caller.token, input=given)).error_codes == [
                "FORBIDDEN"
            ]
    for query, given in ((REFUND, refund_input(order)), (CANCEL, cancel_input(order))):
        reply = await api.ask(query, bearer=elsewhere.token, input=given)
        (payload,) = reply.data.values()
        assert payload["userErrors"][0]["code"] == "ORDER_NOT_FOUND"
    assert await stored_rows(database_admin) == before
    # A manager writes notes
    note = {"orderId": seal("Order", order.id), "text": "in blue", "idempotencyKey": "n"}
    noted = await api.ask(NOTE, bearer=manager.token, input=note)
    assert noted.data["orderNoteAdd"]["order"]["notes"][0]["text"] == "in blue"


OFF_AND_REFUND = """
mutation ($off: ApiClientDisableInput!, $refund: OrderRefundInput!) {
  apiClientDisable(input: $off) { userErrors { code } }
  orderRefund(input: $refund) { userErrors { code } }
}
"""


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_what_a_document_takes_away_counts_for_its_next_mutation(
    api: Api, order: OrderView, sale: Sale, is_guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a document that first turns off the very client it is sent by
    caller = await connect(sale.shop)
    off = {"clientId": seal("ApiClient", caller.grant.client_id), "version": 1}
    if not is_guarded:
        # The control: who asks is looked up once for the whole document
        monkeypatch.setattr(RequestContext, "forget_principal", lambda self: None)

    reply = await api.ask(OFF_AND_REFUND, bearer=caller.token, off=off, refund=refund_input(order))

    if is_guarded:
        assert reply.error_codes == ["UNAUTHENTICATED"]
    assert await Refund.all().count() == (0 if is_guarded else 1)
