"""An order in the hands of whoever holds its token: read, paid at a real gateway, cancelled."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.campaigns import revise_terms
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.events import acting_as
from headless_presale.orders import sweep_orders
from headless_presale.payments import record_notice
from headless_presale.payments.gateways import set_gateways
from headless_presale.payments.gateways.sandbox import SandboxGateway
from resolvers.global_ids import seal, unseal
from tests.graphql.endpoint import Api, footprint
from tests.graphql.test_order_place import order_input, place
from tests.integration.sandbox_gateway.parties import (
    API_KEY,
    WEBHOOK_SECRET,
    Shop,
    gateway_running,
    receiving,
)
from tests.support.shop import Sale, deposit_plan, open_sale

ORDER = """
query ($id: ID!, $token: String!) {
  order(id: $id, token: $token) {
    id number status total { minor } deposit { minor } balance { minor } holdExpiresAt shipsBy
    dueNow { leg amount { minor } dueAt } dueLater { leg opensAt }
    lines { slotNumbers campaignItemId }
    buyer { email name phone } shippingAddress { country city line1 line2 region postalCode }
    payments { leg status amount { minor } gateway capturedAt action { type url }
               refunds { amount { minor } status reason } }
    terms { version refundPolicy } campaign { handle }
    cancellation { isAllowed refund { minor } } closedReason
    history { totalCount pageInfo { hasNextPage }
              nodes { type actor at status leg amount { minor } reason } }
  }
}
"""

START = """
mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id leg status amount { minor } gateway action { type url } refunds { id } }
    userErrors { __typename code field message }
  }
}
"""

CANCEL = """
mutation ($input: OrderCancelInput!) {
  orderCancel(input: $input) {
    order { id status closedReason cancellation { isAllowed }
            payments { status refunds { amount { minor } } } }
    userErrors { __typename code field ... on CancelNotAllowedError { status } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order and what its buyer was given."""

    sale: Sale
    id: str
    token: str

    @property
    def key(self) -> dict[str, str]:
        return {"id": self.id, "token": self.token}


@pytest.fixture
async def placed(api: Api, clock: ManualClock) -> Placed:
    """Return an order of one unit at 100.00, 20 % of it due as a deposit."""
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(payment_plan=deposit_plan(closes_at))
    payload = await place(api, order_input(sale))
    return Placed(sale, payload["order"]["id"], payload["orderToken"])


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Shop]:
    """Let a real sandbox gateway listen, and install its client."""
    async with (
        receiving() as receiver,
        gateway_running(tmp_path / "gateway.sqlite3", receiver) as shop,
    ):
        client = SandboxGateway(
            url=shop.settings.base_url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
        )
        set_gateways([client])
        yield shop
        set_gateways([])
        await client.close()


def start_input(placed: Placed, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": placed.id,
        "token": placed.token,
        "leg": "DEPOSIT",
        "gateway": "sandbox",
        "returnUrl": "https://forge.example/thanks?order=1",
        "idempotencyKey": "pay-1",
        **changes,
    }


async def start(api: Api, body: dict[str, Any]) -> Any:
    return (await api.ask(START, input=body)).data["paymentStart"]


async def pay(api: Api, gateway: Shop, placed: Placed, leg: str = "DEPOSIT") -> None:
    """Pay a leg at the gateway and take its notification, as the webhook does."""
    started = await start(api, start_input(placed, leg=leg, idempotencyKey=f"pay {leg}"))
    assert started["userErrors"] == []
    intent_id = started["payment"]["action"]["url"].split("/")[-1]
    await gateway.post(f"/v1/test_helpers/payment_intents/{intent_id}/pay")
    client = SandboxGateway(
        url=gateway.settings.base_url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
    )
    for message in await gateway.receiver.wait_for(intent_id, 1):
        notice = client.read_notice(message.headers, message.body)
        with acting_as("gateway:sandbox"):
            assert await record_notice("sandbox", notice) == "captured"
    await client.close()


async def read(api: Api, placed: Placed) -> Any:
    return (await api.ask(ORDER, **placed.key)).data["order"]


async def test_an_order_is_shown_to_its_token(api: Api, placed: Placed) -> None:
    order = await read(api, placed)
    assert order["id"] == placed.id
    assert order["status"] == "AWAITING_DEPOSIT"
    assert (order["total"], order["deposit"], order["balance"]) == (
        {"minor": 10_000},
        {"minor": 2_000},
        {"minor": 8_000},
    )
    assert order["lines"] == [
        {"slotNumbers": [1], "campaignItemId": seal("CampaignItem", placed.sale.item_id)}
    ]
    assert order["buyer"] == {"email": "lin@example.com", "name": "Lin", "phone": None}
    assert order["shippingAddress"] == {
        "country": "CN",
        "city": "Shanghai",
        "line1": "1 Nanjing Road",
        "line2": None,
        "region": None,
        "postalCode": None,
    }
    assert order["payments"] == []
    assert order["campaign"] == {"handle": "nebula-fox"}
    assert order["cancellation"] == {"isAllowed": True, "refund": {"minor": 0}}
    assert order["history"] == {
        "totalCount": 1,
        "pageInfo": {"hasNextPage": False},
        "nodes": [
            {
                "type": "order.placed",
                "actor": "buyer",
                "at": "2026-03-01T12:00:00Z",
                "status": "AWAITING_DEPOSIT",
                "leg": None,
                "amount": {"minor": 10_000},
                "reason": None,
            }
        ],
    }


@pytest.mark.parametrize("wrong", ["id", "kind", "nonsense", "token", "empty token", "hostile"])
async def test_a_wrong_id_and_a_wrong_token_look_the_same(
    api: Api, placed: Placed, wrong: str
) -> None:
    # Given a key with one part wrong; the token of another order among them
    uuid = (unseal(placed.id) or ("", ""))[1]
    other = await place(api, order_input(placed.sale, idempotencyKey="other"))
    key = {
        "id": {"id": seal("Order", uuid4()), "token": placed.token},
        "kind": {"id": seal("Campaign", uuid), "token": placed.token},
        "nonsense": {"id": "nonsense", "token": placed.token},
        "token": {"id": placed.id, "token": other["orderToken"]},
        "empty token": {"id": placed.id, "token": ""},
        "hostile": {"id": placed.id, "token": "令牌\x00" * 100},
    }[wrong]

    # When the order is read, paid and cancelled with it
    reply = await api.ask(ORDER, **key)
    body = {"orderId": key["id"], "token": key["token"]}
    cancelled = (await api.ask(CANCEL, input=body)).data["orderCancel"]
    started = await start(api, start_input(placed, **body))

    # Then it is nowhere to be seen, and still as it was
    assert reply.data == {"order": None}
    is_an_id = wrong not in ("kind", "nonsense")
    code = "ORDER_NOT_FOUND" if is_an_id else "INVALID_INPUT"
    for payload in (cancelled, started):
        assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [(code, ["orderId"])]
    assert (await read(api, placed))["status"] == "AWAITING_DEPOSIT"
    assert (await read(api, placed))["payments"] == []


async def test_nobody_else_may_keep_what_a_token_opened(api: Api, placed: Placed) -> None:
    private = await api.read(ORDER, **placed.key)
    assert private.data["order"]["id"] == placed.id
    assert "public" not in private.headers["cache-control"]
    # Nor what is asked for together with it, in either order.
    fields = f'order(id: "{placed.id}", token: "{placed.token}") {{ id }}'
    shop = 'shop(slug: "moonlit-forge") { name }'
    for query in (f"{{ {fields} {shop} }}", f"{{ {shop} {fields} }}"):
        assert "public" not in (await api.read(query)).headers["cache-control"]


async def test_the_terms_are_those_that_were_accepted(api: Api, placed: Placed) -> None:
    # Given terms that have changed since
    assert placed.sale.campaign.terms is not None
    assert placed.sale.campaign.terms.ships_by is not None
    await revise_terms(
        placed.sale.campaign.id,
        ships_by=placed.sale.campaign.terms.ships_by,
        refund_policy={"en": "No refunds."},
        cancel_conditions={"en": "Never."},
        default_locale="en",
    )
    # Then the order keeps its own
    assert (await read(api, placed))["terms"] == {
        "version": 1,
        "refundPolicy": "Deposits are refunded until the campaign closes.",
    }


async def test_deposit_and_balance_are_paid_when_they_are_due(
    api: Api, clock: ManualClock, placed: Placed, gateway: Shop
) -> None:
    # Given the deposit paid
    await pay(api, gateway, placed)
    order = await read(api, placed)
    assert order["status"] == "DEPOSIT_PAID"
    assert order["dueNow"] == []
    assert order["dueLater"] == [{"leg": "BALANCE", "opensAt": "2026-03-09T12:00:00Z"}]
    assert order["cancellation"] == {"isAllowed": True, "refund": {"minor": 2_000}}
    assert order["payments"] == [
        {
            "leg": "DEPOSIT",
            "status": "CAPTURED",
            "amount": {"minor": 2_000},
            "gateway": "sandbox",
            "capturedAt": "2026-03-01T12:00:00Z",
            "action": None,
            "refunds": [],
        }
    ]
    # The balance cannot be paid before its window opens.
    early = await start(api, start_input(placed, leg="BALANCE", idempotencyKey="early"))
    assert [(e["__typename"], e["field"]) for e in early["userErrors"]] == [
        ("PaymentNotDueError", ["leg"])
    ]

    # When the window opens and it is paid
    clock.advance(timedelta(days=8))
    assert await sweep_orders() == 1
    due = (await read(api, placed))["dueNow"]
    assert due == [{"leg": "BALANCE", "amount": {"minor": 8_000}, "dueAt": "2026-03-16T12:00:00Z"}]
    await pay(api, gateway, placed, leg="BALANCE")

    # Then nothing is due, and the history tells who did what
    order = await read(api, placed)
    assert (order["status"], order["dueNow"], order["dueLater"]) == ("PAID", [], [])
    assert [(n["type"], n["actor"], n["leg"]) for n in order["history"]["nodes"]] == [
        ("order.placed", "buyer", None),
        ("payment.started", "buyer", "DEPOSIT"),
        ("payment.captured", "gateway:sandbox", "DEPOSIT"),
        ("order.confirmed", "gateway:sandbox", None),
        ("order.balance_opened", "system", None),
        ("payment.started", "buyer", "BALANCE"),
        ("payment.captured", "gateway:sandbox", "BALANCE"),
        ("order.paid", "gateway:sandbox", None),
    ]
    # By the policy's default a paid order gives the balance back and keeps the deposit.
    assert order["cancellation"] == {"isAllowed": True, "refund": {"minor": 8_000}}


async def test_a_payment_is_started_once_however_often_it_is_asked_for(
    api: Api, placed: Placed, gateway: Shop, database_admin: asyncpg.Connection
) -> None:
    # Given a payment that was started
    first = await start(api, start_input(placed))
    assert first["payment"]["action"]["type"] == "REDIRECT"
    assert first["payment"]["action"]["url"].startswith(gateway.settings.base_url)
    assert first["payment"]["amount"] == {"minor": 2_000}
    assert first["payment"]["refunds"] == []

    # When it is asked for again, under the same key and under another
    again = await start(api, start_input(placed))
    other = await start(api, start_input(placed, idempotencyKey="pay-2"))

    # Then it is the same one; the key with another request is refused
    assert first == again == other
    clash = await start(api, start_input(placed, returnUrl=None))
    assert [e["__typename"] for e in clash["userErrors"]] == ["IdempotencyMismatchError"]
    assert (await footprint(database_admin)).payments == 1


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"leg": "FULL"}, "PAYMENT_NOT_DUE", ["leg"]),
        ({"leg": "BALANCE"}, "PAYMENT_NOT_DUE", ["leg"]),
        ({"gateway": "paypel"}, "GATEWAY_UNKNOWN", ["gateway"]),
        ({"gateway": "x" * 5_000}, "GATEWAY_UNKNOWN", ["gateway"]),
        ({"idempotencyKey": ""}, "INVALID_INPUT", ["idempotencyKey"]),
        ({"idempotencyKey": "k" * 201}, "INVALID_INPUT", ["idempotencyKey"]),
        ({"returnUrl": "/thanks"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "javascript:alert(1)"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://[::1"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example:99999/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example@evil.example/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example\\@evil.example/"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example/ a"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://forge.example/\x00"}, "INVALID_INPUT", ["returnUrl"]),
        ({"returnUrl": "https://a.example/" + "a" * 2_031}, "INVALID_INPUT", ["returnUrl"]),
    ],
)
async def test_a_bad_payment_is_refused_by_name_and_changes_nothing(
    api: Api,
    placed: Placed,
    gateway: Shop,
    database_admin: asyncpg.Connection,
    changes: dict[str, Any],
    code: str,
    field: list[str],
) -> None:
    before = await footprint(database_admin)
    payload = await start(api, start_input(placed, **changes))
    assert payload["payment"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == (code, field)
    assert len(error["message"]) < 300
    assert await footprint(database_admin) == before


async def test_the_longest_return_address_is_taken(api: Api, placed: Placed, gateway: Shop) -> None:
    url = "https://a.example/" + "a" * 2_030
    assert len(url) == 2_048
    payload = await start(api, start_input(placed, returnUrl=url))
    assert payload["userErrors"] == []


async def test_a_gateway_that_is_away_keeps_the_order(
    api: Api, placed: Placed, gateway: Shop
) -> None:
    # Given a gateway that answers nothing but errors
    await gateway.set_outage("error_500", 10)
    payload = await start(api, start_input(placed))
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["field"]) == ("GatewayUnavailableError", ["gateway"])
    assert (await read(api, placed))["status"] == "AWAITING_DEPOSIT"

    # When it is back, then the same request goes on
    await gateway.set_outage("none", 0)
    assert (await start(api, start_input(placed)))["payment"]["action"]["type"] == "REDIRECT"


async def test_an_expired_hold_asks_for_nothing(
    api: Api, clock: ManualClock, placed: Placed, gateway: Shop
) -> None:
    # Given a hold that ran out and no worker that wrote it down
    clock.advance(timedelta(minutes=15))
    order = await read(api, placed)
    assert (order["dueNow"], order["dueLater"]) == ([], [])
    late = await start(api, start_input(placed))
    assert [e["code"] for e in late["userErrors"]] == ["PAYMENT_NOT_DUE"]


async def test_cancelling_refunds_by_the_policy_and_frees_the_slot(
    api: Api, placed: Placed, gateway: Shop, database_admin: asyncpg.Connection
) -> None:
    # Given a paid deposit
    await pay(api, gateway, placed)
    foretold = (await read(api, placed))["cancellation"]["refund"]
    body = {"orderId": placed.id, "token": placed.token, "reason": "changed my mind"}

    # When the order is cancelled, twice
    first = (await api.ask(CANCEL, input=body)).data["orderCancel"]
    again = (await api.ask(CANCEL, input=body)).data["orderCancel"]

    # Then the deposit goes back once, as foretold, and the slot is free
    assert first["userErrors"] == []
    assert first["order"]["status"] == "CANCELLED"
    assert first["order"]["closedReason"] == "changed my mind"
    assert first["order"]["cancellation"] == {"isAllowed": False}
    (payment,) = first["order"]["payments"]
    assert payment["refunds"] == [{"amount": {"minor": 2_000}}] == [{"amount": foretold}]
    assert again == first
    assert (await footprint(database_admin)).owned_slots == 0
    history = (await read(api, placed))["history"]["nodes"]
    assert [(n["type"], n["actor"]) for n in history[-2:]] == [
        ("refund.requested", "buyer"),
        ("order.cancelled", "buyer"),
    ]


async def test_a_payload_after_another_mutation_of_the_same_request_is_not_stale(
    api: Api, placed: Placed
) -> None:
    # Given one document that places an order again and then cancels it
    query = f"""
    mutation ($input: OrderPlaceInput!) {{
      orderPlace(input: $input) {{ order {{ status history {{ totalCount }} payments {{ id }} }} }}
      orderCancel(input: {{ orderId: "{placed.id}", token: "{placed.token}" }}) {{
        order {{ status history {{ totalCount }} }} }}
    }}
    """
    reply = await api.ask(query, input=order_input(placed.sale))
    assert reply.data["orderPlace"]["order"]["status"] == "AWAITING_DEPOSIT"
    assert reply.data["orderCancel"]["order"] == {
        "status": "CANCELLED",
        "history": {"totalCount": 2},
    }


async def test_an_order_that_is_over_cannot_be_cancelled(
    api: Api, clock: ManualClock, placed: Placed, database_admin: asyncpg.Connection
) -> None:
    clock.advance(timedelta(minutes=15))
    assert await sweep_orders() == 1
    before = await footprint(database_admin)
    body = {"orderId": placed.id, "token": placed.token}
    payload = (await api.ask(CANCEL, input=body)).data["orderCancel"]
    assert payload["order"] is None
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["status"]) == ("CancelNotAllowedError", "EXPIRED")
    assert await footprint(database_admin) == before


@pytest.mark.parametrize("reason", ["x" * 201, "a\x00b"])
async def test_a_reason_that_cannot_be_kept_is_refused(
    api: Api, placed: Placed, reason: str
) -> None:
    body = {"orderId": placed.id, "token": placed.token, "reason": reason}
    payload = (await api.ask(CANCEL, input=body)).data["orderCancel"]
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [
        ("INVALID_INPUT", ["reason"])
    ]
    assert (await read(api, placed))["status"] == "AWAITING_DEPOSIT"
