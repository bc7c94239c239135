"""One order as its merchant sees it."""

from headless_presale.campaigns import forget_all
from headless_presale.kernel.ids import sign_token
from headless_presale.orders import OrderView
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.graphql.admin.orders.asking import NOTE, REFUND, detail, minor, refund_input
from tests.graphql.endpoint import Api
from tests.support.shop import Sale
from tests.support.staff import Caller, connect
from tests.support.statements import counted_statements


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

    # Within BEGIN and COMMIT: who asks, the bookings.
    framed = 2 * 3
    # Alone: merchant, shop, the order, the campaign, payments, their refunds, notes, the merchant's
    # refunds, terms, the history, who is behind it.
    assert len(own) == framed + 11, "\n".join(own)
