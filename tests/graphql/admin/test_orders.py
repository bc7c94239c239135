"""One order as its merchant sees it, what would be done to it, and what is done."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import forget_all
from headless_presale.checkout import Buyer
from headless_presale.identity import Role, Scope
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import sign_token
from headless_presale.orders import OrderView, sweep_orders
from headless_presale.payments import PaymentLeg, Refund
from resolvers.context import RequestContext
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.graphql.endpoint import Api
from tests.support.money import open_deposit_sale, place
from tests.support.shop import Sale, make_shop
from tests.support.staff import Caller, connect, sign_in
from tests.support.state import stored_rows
from tests.support.statements import counted_statements
from tests.support.till import Till, till_open

DETAIL = """
query ($id: ID!, $minor: SafeInt, $lines: [OrderLineQuantityInput!]) {
  merchant { shop(slug: "moonlit-forge") { order(id: $id) {
    id number status version quantity shopId locale placedAt closedReason
    buyer { email name } shippingAddress { city } total { amount }
    lines { id title slotNumbers unitPrice { minor } batches { position shipsBy slotNumbers } }
    paymentPlan { kind depositBps } cancelPolicy { paid { isAllowed refundBalanceBps } }
    terms { version refundPolicy } campaign { handle }
    money {
      due { minor } refundable { minor } sum { paid { minor } refunded { minor } }
      legs { leg amount { minor } sum { paid { minor } refunded { minor } } opensAt dueAt }
      gateways { gateway sum { paid { minor } refundPending { minor } } }
    }
    ledger { balances { account balance { minor } } bookings { kind amount { minor } } }
    notes { text author at }
    merchantRefunds { amount { minor } reason author parts { leg refund { status reason } } }
    timeline(first: 50) { nodes { type summary actorLabel reason at } }
    refundPreview(amountMinor: $minor, lines: $lines) {
      refundable { minor } amount { minor } left { minor }
      parts { leg gateway held { minor } refund { minor } left { minor } }
      userErrors { __typename code message field
                   ... on RefundTooLargeError { refundable { amount } }
                   ... on RefundNotAllowedError { orderStatus: status } }
    }
    byPolicy: cancelPreview(terms: POLICY) {
      isAllowed refund { minor } kept { minor } parts { leg refund { minor } kept { minor } }
      userErrors { code message ... on CancelNotAllowedError { orderStatus: status } }
    }
    inFull: cancelPreview(terms: FULL_REFUND) { isAllowed refund { minor } kept { minor } }
  } } }
}
"""
REFUND = """
mutation ($input: OrderRefundInput!) { orderRefund(input: $input) {
  order { status version money { refundable { minor } } merchantRefunds { amount { minor } } }
  userErrors { __typename code message field
    ... on RefundTooLargeError { refundable { amount } }
    ... on VersionConflictError { currentVersion conflicts { field yours current } } }
} }
"""
CANCEL = """
mutation ($input: OrderCancelByMerchantInput!) { orderCancelByMerchant(input: $input) {
  order { status version closedReason money { sum { refunded { minor } } } }
  userErrors { __typename code message ... on CancelNotAllowedError { orderStatus: status } }
} }
"""
NOTE = """
mutation ($input: OrderNoteAddInput!) { orderNoteAdd(input: $input) {
  order { version notes { text author } } userErrors { code field }
} }
"""


@pytest.fixture
def till() -> Iterator[Till]:
    with till_open("sandbox", "other") as open_till:
        yield open_till


@pytest.fixture
async def sale(api: Api, clock: ManualClock, till: Till) -> Sale:
    """A deposit campaign at 100.00: 20 % now. Two batches of ten."""
    batches = [
        {"capacity": 10, "ships_by": "2026-06-30"},
        {"capacity": 10, "ships_by": "2026-07-31"},
    ]
    return await open_deposit_sale(item={"batches": batches})


@pytest.fixture
async def order(sale: Sale, till: Till, clock: ManualClock) -> OrderView:
    """Slots 9 to 12; 80.00 paid as a deposit here, 320.00 as a balance elsewhere; version 4."""
    await place(sale, email="first@example.com", quantity=8)
    placed = await place(sale, quantity=4, buyer=Buyer(email="lin@example.com", name="Lin"))
    placed = await till.pay(placed, PaymentLeg.DEPOSIT)
    clock.advance(timedelta(days=9))
    await sweep_orders()
    return await till.pay(placed, PaymentLeg.BALANCE, gateway="other")


@pytest.fixture
async def support(order: OrderView, sale: Sale) -> Caller:
    return await sign_in(sale.shop, Role.SUPPORT)


async def detail(api: Api, caller: Caller, order: OrderView, **asked: Any) -> Any:
    language = asked.pop("language", "en")
    reply = await api.ask(
        DETAIL,
        bearer=caller.token,
        language=language,
        id=seal("Order", order.id),
        **{"minor": 1_000, **asked},
    )
    return reply.data["merchant"]["shop"]["order"]


def refund_input(order: OrderView, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": seal("Order", order.id),
        "amountMinor": 1_000,
        "reason": "a scratch on the box",
        "version": order.version,
        "idempotencyKey": "r1",
        **changes,
    }


def cancel_input(order: OrderView, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": seal("Order", order.id),
        "terms": "POLICY",
        "reason": "the kiln broke",
        "version": order.version,
        "idempotencyKey": "c1",
        **changes,
    }


def minor(money: dict[str, int]) -> int:
    return money["minor"]


async def test_an_order_is_shown_with_all_that_belongs_to_it(
    api: Api, support: Caller, order: OrderView
) -> None:
    # Given a note and a refund of 10.00
    note = {"orderId": seal("Order", order.id), "text": "in blue", "idempotencyKey": "n"}
    await api.ask(NOTE, bearer=support.token, input=note)
    await api.ask(REFUND, bearer=support.token, input=refund_input(order))

    seen = await detail(api, support, order)

    assert (seen["number"], seen["status"], seen["version"], seen["quantity"]) == (
        order.number,
        "PAID",
        4 + 1,
        4,
    )
    assert seen["buyer"] == {"email": "lin@example.com", "name": "Lin"}
    # Slots with the batches that make them
    assert seen["lines"][0]["batches"] == [
        {"position": 1, "shipsBy": "2026-06-30", "slotNumbers": [9, 10]},
        {"position": 2, "shipsBy": "2026-07-31", "slotNumbers": [11, 12]},
    ]
    # What was agreed
    assert seen["paymentPlan"] == {"kind": "DEPOSIT", "depositBps": 2_000}
    assert seen["cancelPolicy"] == {"paid": {"isAllowed": True, "refundBalanceBps": 10_000}}
    assert seen["terms"]["version"] == 1
    # Money by leg and by gateway
    money = seen["money"]
    assert (minor(money["due"]), minor(money["refundable"])) == (0, 40_000 - 1_000)
    assert [
        (leg["leg"], minor(leg["amount"]), minor(leg["sum"]["paid"]), minor(leg["sum"]["refunded"]))
        for leg in money["legs"]
    ] == [("DEPOSIT", 8_000, 8_000, 0), ("BALANCE", 32_000, 32_000, 1_000)]
    assert [
        (g["gateway"], minor(g["sum"]["paid"]), minor(g["sum"]["refundPending"]))
        for g in money["gateways"]
    ] == [("sandbox", 8_000, 0), ("other", 32_000, 1_000)]
    # The books
    balances = {b["account"]: minor(b["balance"]) for b in seen["ledger"]["balances"]}
    assert balances == {"GATEWAY": 40_000, "CUSTOMER_FUNDS": -39_000, "REFUNDS_PAYABLE": -1_000}
    assert [b["kind"] for b in seen["ledger"]["bookings"]] == ["capture", "capture", "refund_owed"]
    # Notes and decisions with their authors
    email = "support@moonlit-forge.example.com"
    assert [(n["text"], n["author"]) for n in seen["notes"]] == [("in blue", email)]
    (decided,) = seen["merchantRefunds"]
    assert (minor(decided["amount"]), decided["author"]) == (1_000, email)
    assert [(p["leg"], p["refund"]["status"]) for p in decided["parts"]] == [
        ("BALANCE", "REQUESTED")
    ]


async def test_the_timeline_says_who_when_and_why_in_both_languages(
    api: Api, support: Caller, order: OrderView, sale: Sale
) -> None:
    system = await connect(sale.shop)
    await api.ask(REFUND, bearer=support.token, input=refund_input(order))
    later = refund_input(order, version=5, idempotencyKey="r2", reason="late")
    await api.ask(REFUND, bearer=system.token, input=later)

    told = (await detail(api, support, order))["timeline"]["nodes"]
    in_chinese = (await detail(api, support, order, language="zh-CN"))["timeline"]["nodes"]

    assert [(event["actorLabel"], event["summary"]) for event in told] == [
        ("The buyer", "Order placed over 400.00 CNY; the slots are held"),
        ("The buyer", "The buyer set out to pay the deposit, 80.00 CNY, with sandbox"),
        ("Payment gateway sandbox", "The deposit was paid: 80.00 CNY"),
        ("Payment gateway sandbox", "Order confirmed"),
        ("The system", "The balance can be paid"),
        ("The buyer", "The buyer set out to pay the balance, 320.00 CNY, with other"),
        ("Payment gateway other", "The balance was paid: 320.00 CNY"),
        ("Payment gateway other", "Order paid in full"),
        (
            "support@moonlit-forge.example.com",
            "The shop gives 10.00 CNY back; the order goes on",
        ),
        ("support@moonlit-forge.example.com", "A refund of 10.00 CNY is owed"),
        ("An ERP", "The shop gives 10.00 CNY back; the order goes on"),
        ("An ERP", "A refund of 10.00 CNY is owed"),
    ]
    assert told[8]["reason"] == "a scratch on the box"
    assert (in_chinese[0]["actorLabel"], in_chinese[0]["summary"]) == (
        "买家",
        "已下单，金额 400.00 CNY，名额已保留",
    )
    assert (in_chinese[2]["actorLabel"], in_chinese[2]["summary"]) == (
        "支付平台 sandbox",
        "已支付定金：80.00 CNY",
    )


async def test_the_buyer_is_not_told_which_of_the_staff_it_was(
    api: Api, support: Caller, order: OrderView
) -> None:
    await api.ask(REFUND, bearer=support.token, input=refund_input(order))
    query = """query ($id: ID!, $token: String!) { order(id: $id, token: $token) {
        history(last: 2) { nodes { type actor reason } } } }"""
    token = sign_token(SECRET_KEY, "order", order.id)

    told = (await api.ask(query, id=seal("Order", order.id), token=token)).data["order"]
    shown = await api.ask(
        """query ($id: ID!) { merchant { shop(slug: "moonlit-forge") { order(id: $id) {
           timeline(last: 2) { nodes { actor } } } } } }""",
        bearer=support.token,
        id=seal("Order", order.id),
    )

    assert [(event["type"], event["actor"]) for event in told["history"]["nodes"]] == [
        ("order.refunded", "shop"),
        ("refund.requested", "shop"),
    ]
    assert support.account is not None
    actors = shown.data["merchant"]["shop"]["order"]["timeline"]["nodes"]
    assert actors == [{"actor": f"staff:{support.account.id}"}] * 2


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


async def test_an_order_costs_a_known_number_of_statements(
    api: Api, support: Caller, order: OrderView
) -> None:
    await api.ask(REFUND, bearer=support.token, input=refund_input(order))
    async with counted_statements() as sent:
        # The process remembers a campaign for a second.
        forget_all()
        await detail(api, support, order)
        # New connections ask once what types there are.
        own = [sql for sql in sent if "typeinfo" not in sql and "'jit'" not in sql]

    # Within BEGIN and COMMIT: who asks, the order, the campaign, the bookings.
    framed = 4 * 3
    # Alone: merchant, shop, payments, their refunds, notes, the merchant's refunds, terms, the
    # history, who is behind it.
    assert len(own) == framed + 9, "\n".join(own)
