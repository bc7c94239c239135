"""Idempotency keys: the same request again gets the same answer and does nothing."""

import asyncio
from typing import Any

import pytest

from tests.integration.sandbox_gateway.parties import Shop

INTENT: dict[str, Any] = {"amount": 500, "currency": "EUR", "reference": "idem"}


async def test_a_repeated_request_is_answered_alike(shop: Shop) -> None:
    # When the second spells the same JSON differently
    first = await shop.post("/v1/payment_intents", INTENT, key="same")
    second = await shop.client.post(
        "/v1/payment_intents",
        content=b'{ "reference":"idem", "amount":500,"currency":"EUR", "metadata": {} }',
        headers={"idempotency-key": "same", "content-type": "application/json"},
    )

    # Then
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    listed = await shop.get("/v1/payment_intents", reference="idem")
    assert [row["id"] for row in listed["data"]] == [first.json()["id"]]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/v1/payment_intents", {"amount": 501}),
        ("/v1/payment_intents", {"description": "other"}),
        ("/v1/refunds", None),
    ],
)
async def test_another_request_under_the_same_key_is_refused(
    shop: Shop, path: str, change: dict[str, Any] | None
) -> None:
    # Given
    reference = f"mismatch-{path}-{change}"
    first = INTENT | {"reference": reference}
    created = (await shop.post("/v1/payment_intents", first, key=reference)).json()
    other = (
        {"payment_intent": created["id"], "amount": 1, "reference": reference}
        if change is None
        else first | change
    )

    # When
    answer = await shop.post(path, other, key=reference)

    # Then
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_mismatch"
    assert len((await shop.get("/v1/payment_intents", reference=reference))["data"]) == 1
    assert (await shop.get("/v1/refunds", reference=reference))["data"] == []


async def test_a_refusal_is_replayed_even_when_it_would_succeed_now(shop: Shop) -> None:
    # Given a refund refused because nothing was captured
    intent = await shop.create_intent()
    body = {"payment_intent": intent["id"], "amount": 1, "reference": "replayed-refusal"}
    first = await shop.post("/v1/refunds", body, key="refusal")
    await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")

    # When
    second = await shop.post("/v1/refunds", body, key="refusal")

    # Then
    assert (first.status_code, second.status_code) == (409, 409)
    assert second.json() == first.json()
    assert (await shop.get("/v1/refunds", payment_intent=intent["id"]))["data"] == []


async def test_twenty_equal_requests_at_once_make_one_refund(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent(amount=1_000)
    body = {"payment_intent": intent["id"], "amount": 100, "reference": "one"}

    # When
    answers = await asyncio.gather(
        *(shop.post("/v1/refunds", body, key="refund-once") for _ in range(20))
    )

    # Then
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await shop.get("/v1/refunds", payment_intent=intent["id"]))["data"]) == 1


async def test_paying_and_cancelling_are_repeated_safely(shop: Shop) -> None:
    # Given
    paid, cancelled = await shop.create_intent(), await shop.create_intent()
    pay = f"/v1/test_helpers/payment_intents/{paid['id']}/pay"
    cancel = f"/v1/payment_intents/{cancelled['id']}/cancel"

    # When
    answers = [await shop.post(path, key=f"once-{path}") for path in (pay, pay, cancel, cancel)]

    # Then
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json() == answers[1].json()
    assert answers[2].json() == answers[3].json()
    assert await shop.event_types_of(paid["id"]) == ["payment_intent.succeeded"]
    assert await shop.event_types_of(cancelled["id"]) == ["payment_intent.cancelled"]


async def test_a_flush_is_repeated_without_delivering_again(shop: Shop) -> None:
    # Given
    await shop.set_webhooks(paused=True)
    intent = await shop.create_paid_intent()

    # When
    first = await shop.post("/v1/test_helpers/webhooks/flush", key="flush-once")
    second = await shop.post("/v1/test_helpers/webhooks/flush", key="flush-once")

    # Then
    assert [row["event_type"] for row in first.json()["data"]] == ["payment_intent.succeeded"]
    assert second.json() == first.json()
    assert len(shop.receiver.of(intent["id"])) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside"])
async def test_a_key_that_cannot_be_kept_is_refused(shop: Shop, key: str) -> None:
    reference = f"bad-key-{len(key)}"
    answer = await shop.post("/v1/payment_intents", INTENT | {"reference": reference}, key=key)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_idempotency_key"
    assert (await shop.get("/v1/payment_intents", reference=reference))["data"] == []
