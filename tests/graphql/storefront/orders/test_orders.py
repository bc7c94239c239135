"""An order in the hands of whoever holds its token: read and cancelled."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.campaigns import revise_terms
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import sweep_orders
from resolvers.global_ids import seal, unseal
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import (
    CANCEL,
    ORDER,
    Placed,
    order_input,
    pay,
    place,
    read,
    start,
    start_input,
)
from tests.integration.sandbox_gateway.parties import (
    Shop,
)


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
    assert private.headers["cache-control"] == "private, no-store"
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
    assert (error["__typename"], error["orderStatus"]) == ("CancelNotAllowedError", "EXPIRED")
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
