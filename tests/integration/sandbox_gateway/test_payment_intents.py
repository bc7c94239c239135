"""Payment intents over the API: made, found, paid, declined, cancelled, expired."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from headless_presale.sandbox_gateway.intents import INTENT_LIFECYCLE, IntentStatus
from tests.integration.sandbox_gateway.parties import Shop


async def test_an_intent_is_what_was_asked_for(shop: Shop) -> None:
    # Given an order to be paid
    body = {
        "amount": 2_001,
        "currency": "JPY",
        "reference": "order-7",
        "description": "Deposit for 海鸥 tea set",
        "return_url": "https://shop.example/thanks?order=7",
        "metadata": {"leg": "deposit"},
    }

    # When
    response = await shop.post("/v1/payment_intents", body)

    # Then
    assert response.status_code == 201
    intent = response.json()
    assert intent == body | {
        "id": intent["id"],
        "object": "payment_intent",
        "status": "requires_payment",
        "amount_refunded": 0,
        "page_url": f"{shop.settings.base_url}/pay/{intent['id']}",
        "created_at": intent["created_at"],
        "expires_at": None,
        "captured_at": None,
        "failure_code": None,
        "cancellation_reason": None,
    }
    assert intent["id"].startswith("pi_")
    assert datetime.fromisoformat(intent["created_at"]) <= datetime.now(UTC)
    assert await shop.get_intent(intent["id"]) == intent
    assert await shop.event_types_of(intent["id"]) == []


async def test_paying_captures_once_and_for_all(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()

    # When
    first = await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
    second = await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")

    # Then
    assert first.status_code == 200
    paid = first.json()
    assert (paid["status"], paid["failure_code"]) == ("succeeded", None)
    assert paid["captured_at"] >= paid["created_at"]
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "not_payable"
    assert await shop.get_intent(intent["id"]) == paid
    assert await shop.event_types_of(intent["id"]) == ["payment_intent.succeeded"]


async def test_a_declined_intent_can_be_paid_later(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()
    fail = f"/v1/test_helpers/payment_intents/{intent['id']}/fail"

    # When
    declined = (await shop.post(fail)).json()
    again = (await shop.post(fail, {"failure_code": "insufficient_funds"})).json()
    paid = (await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")).json()

    # Then
    assert (declined["status"], declined["failure_code"]) == ("failed", "card_declined")
    assert (again["status"], again["failure_code"]) == ("failed", "insufficient_funds")
    assert (paid["status"], paid["failure_code"]) == ("succeeded", None)
    assert await shop.event_types_of(intent["id"]) == [
        "payment_intent.payment_failed",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


async def test_only_the_unpaid_can_be_cancelled(shop: Shop) -> None:
    # Given one of each
    unpaid, declined, paid = [await shop.create_intent() for _ in range(3)]
    await shop.post(f"/v1/test_helpers/payment_intents/{declined['id']}/fail")
    await shop.post(f"/v1/test_helpers/payment_intents/{paid['id']}/pay")

    # When
    answers = [
        await shop.post(f"/v1/payment_intents/{intent['id']}/cancel")
        for intent in (unpaid, declined, paid, unpaid)
    ]

    # Then
    assert [answer.status_code for answer in answers] == [200, 200, 409, 409]
    assert answers[0].json()["status"] == "cancelled"
    assert answers[0].json()["cancellation_reason"] == "requested"
    assert answers[2].json()["error"]["code"] == "not_cancellable"
    assert (await shop.get_intent(paid["id"]))["status"] == "succeeded"
    assert await shop.event_types_of(unpaid["id"]) == ["payment_intent.cancelled"]
    assert await shop.event_types_of(paid["id"]) == ["payment_intent.succeeded"]


async def test_a_cancelled_intent_cannot_be_paid(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()
    await shop.post(f"/v1/payment_intents/{intent['id']}/cancel")

    # When
    answer = await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")

    # Then
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_payable")
    assert (await shop.get_intent(intent["id"]))["captured_at"] is None
    assert await shop.event_types_of(intent["id"]) == ["payment_intent.cancelled"]


async def test_an_unpaid_intent_expires_by_itself(shop: Shop) -> None:
    # Given one that is left alone and one that is paid in time
    expires_at = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    left = await shop.create_intent(expires_at=expires_at)
    paid = await shop.create_paid_intent(expires_at=expires_at)

    # When its time passes, the shop learns of it without asking
    message = (await shop.receiver.wait_for(left["id"], 1))[0]

    # Then
    assert message.event["type"] == "payment_intent.cancelled"
    assert message.event["data"]["object"]["cancellation_reason"] == "expired"
    late = await shop.post(f"/v1/test_helpers/payment_intents/{left['id']}/pay")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "not_payable")
    assert (await shop.get_intent(paid["id"]))["status"] == "succeeded"


async def test_reconciliation_reads_everything_page_by_page(shop: Shop) -> None:
    # Given five intents of one order and one of another
    before = datetime.now(UTC).isoformat()
    made = [(await shop.create_intent(reference="order-pages"))["id"] for _ in range(5)]
    other = await shop.create_intent(reference="order-other")

    # When
    first = await shop.get("/v1/payment_intents", reference="order-pages", limit=3)
    rest = await shop.get(
        "/v1/payment_intents", reference="order-pages", limit=3, starting_after=made[2]
    )
    since = await shop.get("/v1/payment_intents", created_after=before, limit=100)
    last = await shop.get("/v1/payment_intents", created_after=other["created_at"])

    # Then oldest first, and strictly after
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (made[:3], True)
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == (made[3:], False)
    assert [row["id"] for row in since["data"]] == [*made, other["id"]]
    assert last == {"object": "list", "data": [], "has_more": False}


async def _pay_at_the_same_time(shop: Shop, intent_id: str) -> list[int]:
    path = f"/v1/test_helpers/payment_intents/{intent_id}/pay"
    answers = await asyncio.gather(*(shop.post(path) for _ in range(50)))
    return sorted(answer.status_code for answer in answers)


async def test_fifty_payments_at_once_take_the_money_once(shop: Shop) -> None:
    intent = await shop.create_intent()

    statuses = await _pay_at_the_same_time(shop, intent["id"])

    assert statuses == [200] + [409] * 49
    assert await shop.event_types_of(intent["id"]) == ["payment_intent.succeeded"]


async def test_control_without_the_lifecycle_the_money_is_taken_fifty_times(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race above is a race: with its guard removed it is lost."""
    intent = await shop.create_intent()
    monkeypatch.setitem(INTENT_LIFECYCLE, IntentStatus.SUCCEEDED, {IntentStatus.SUCCEEDED})

    statuses = await _pay_at_the_same_time(shop, intent["id"])

    assert statuses == [200] * 50
    assert len(await shop.event_types_of(intent["id"])) == 50
