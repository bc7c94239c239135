"""Refunds: never more than was captured, settled a little later, or not at all."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from headless_presale.sandbox_gateway import database, refunds
from tests.integration.sandbox_gateway.parties import Receiver, Shop, gateway_running


async def test_a_refund_is_promised_then_settled(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent(amount=1_000)

    # When
    response = await shop.post(
        "/v1/refunds", {"payment_intent": intent["id"], "amount": 400, "reference": "refund-1"}
    )
    messages = await shop.receiver.wait_for(intent["id"], 2)

    # Then
    assert response.status_code == 201
    refund = response.json()
    assert refund == {
        "id": refund["id"],
        "object": "refund",
        "status": "pending",
        "amount": 400,
        "currency": "CNY",
        "payment_intent": intent["id"],
        "reference": "refund-1",
        "failure_code": None,
        "created_at": refund["created_at"],
        "settled_at": None,
    }
    settled = await shop.get(f"/v1/refunds/{refund['id']}")
    assert settled == refund | {"status": "succeeded", "settled_at": settled["settled_at"]}
    assert messages[1].event["type"] == "refund.succeeded"
    assert messages[1].event["data"]["object"] == settled
    assert (await shop.get_intent(intent["id"]))["amount_refunded"] == 400
    listed = await shop.get("/v1/refunds", payment_intent=intent["id"])
    assert listed == {"object": "list", "data": [settled], "has_more": False}
    assert (await shop.get("/v1/refunds", reference="refund-none"))["data"] == []


async def test_a_refund_that_fails_frees_its_amount(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent(amount=1_000)
    body = {"payment_intent": intent["id"], "amount": 1_000, "reference": "r"}
    await shop.set_refunds(outcome="fail")

    # When
    await shop.post("/v1/refunds", body)
    messages = await shop.receiver.wait_for(intent["id"], 2)

    # Then nothing was refunded, and all of it can be
    assert messages[1].event["type"] == "refund.failed"
    assert messages[1].event["data"]["object"]["failure_code"] == "refund_declined"
    assert (await shop.get_intent(intent["id"]))["amount_refunded"] == 0
    await shop.set_refunds(outcome="succeed")
    assert (await shop.post("/v1/refunds", body)).status_code == 201
    await shop.receiver.wait_for(intent["id"], 3)
    assert (await shop.get_intent(intent["id"]))["amount_refunded"] == 1_000


async def test_a_refund_that_hangs_waits_and_blocks_its_amount(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent(amount=1_000)
    body = {"payment_intent": intent["id"], "amount": 600, "reference": "r"}
    await shop.set_refunds(outcome="hang")

    # When
    hanging = (await shop.post("/v1/refunds", body)).json()
    more = await shop.post("/v1/refunds", body)

    # Then the 600 under way leave 1,000 - 600
    assert more.json()["error"] == {
        "code": "amount_too_large",
        "message": "At most 400 can be refunded, not 600.",
        "field": "amount",
    }
    assert (await shop.get(f"/v1/refunds/{hanging['id']}"))["status"] == "pending"
    # And another outcome lets it go
    await shop.set_refunds(outcome="succeed")
    await shop.receiver.wait_for(intent["id"], 2)
    assert (await shop.get(f"/v1/refunds/{hanging['id']}"))["status"] == "succeeded"


async def test_a_refund_settles_after_its_delay(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent()
    await shop.set_refunds(delay_seconds=0.3)

    # When
    refund = (
        await shop.post(
            "/v1/refunds", {"payment_intent": intent["id"], "amount": 1, "reference": "r"}
        )
    ).json()

    # Then
    assert (await shop.get(f"/v1/refunds/{refund['id']}"))["status"] == "pending"
    await shop.receiver.wait_for(intent["id"], 2)
    settled = await shop.get(f"/v1/refunds/{refund['id']}")
    assert settled["status"] == "succeeded"
    assert settled["settled_at"] > settled["created_at"]


async def test_what_was_not_captured_is_not_refunded(shop: Shop) -> None:
    # Given
    unpaid = await shop.create_intent()

    # When
    refused = await shop.post(
        "/v1/refunds", {"payment_intent": unpaid["id"], "amount": 1, "reference": "r"}
    )
    unknown = await shop.post(
        "/v1/refunds", {"payment_intent": "pi_nobody", "amount": 1, "reference": "r"}
    )

    # Then
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_refundable")
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (404, "payment_intent")
    assert (await shop.get("/v1/refunds", payment_intent=unpaid["id"]))["data"] == []


async def _refund_at_the_same_time(shop: Shop) -> tuple[str, Counter[int]]:
    """Ask 20 times at once for 300 of 1,000."""
    intent = await shop.create_paid_intent(amount=1_000)
    body = {"payment_intent": intent["id"], "amount": 300, "reference": "race"}
    answers = await asyncio.gather(*(shop.post("/v1/refunds", body) for _ in range(20)))
    return intent["id"], Counter(answer.status_code for answer in answers)


async def test_twenty_refunds_at_once_never_exceed_what_was_captured(shop: Shop) -> None:
    intent_id, statuses = await _refund_at_the_same_time(shop)

    assert statuses == {201: 3, 409: 20 - 3}
    await shop.receiver.wait_for(intent_id, 1 + 3)
    assert (await shop.get_intent(intent_id))["amount_refunded"] == 3 * 300


async def test_the_data_file_refuses_too_when_the_rule_does_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refunds, "get_refundable_minor", lambda intent: 1_000_000)

    intent_id, statuses = await _refund_at_the_same_time(shop)

    assert statuses == {201: 3, 500: 20 - 3}
    assert len((await shop.get("/v1/refunds", payment_intent=intent_id))["data"]) == 3


async def test_control_without_both_guards_too_much_is_refunded(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race above is a race: with its guards removed it is lost."""
    guard = "<= CASE WHEN captured_at IS NULL THEN 0 ELSE amount_minor END"
    assert guard in database.SCHEMA
    monkeypatch.setattr(database, "SCHEMA", database.SCHEMA.replace(guard, ">= 0"))
    monkeypatch.setattr(refunds, "get_refundable_minor", lambda intent: 1_000_000)

    async with gateway_running(tmp_path / "gateway.sqlite3", receiver) as shop:
        intent_id, statuses = await _refund_at_the_same_time(shop)
        await receiver.wait_for(intent_id, 1 + 20)

        assert statuses == {201: 20}
        assert (await shop.get_intent(intent_id))["amount_refunded"] == 20 * 300
