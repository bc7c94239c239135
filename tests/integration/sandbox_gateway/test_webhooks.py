"""Webhooks: signed, retried, given up, and on demand late, twice, or in the wrong order."""

import asyncio
import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.integration.sandbox_gateway.parties import (
    WEBHOOK_SECRET,
    Receiver,
    Shop,
    gateway_running,
)
from tests.support.servers import until


async def test_a_webhook_is_signed_and_carries_the_object(shop: Shop) -> None:
    # When
    paid = await shop.create_paid_intent()
    message = (await shop.receiver.wait_for(paid["id"], 1))[0]

    # Then `standardwebhooks` has accepted it on arrival; the signature by hand is the same
    assert message.event == {
        "id": message.headers["webhook-id"],
        "type": "payment_intent.succeeded",
        "created_at": message.event["created_at"],
        "data": {"object": paid},
    }
    assert abs(int(message.headers["webhook-timestamp"]) - time.time()) < 60
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    content = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}."
    digest = hmac.new(key, content.encode() + message.body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    assert message.headers["webhook-signature"] == expected
    # And one changed byte would not have been accepted
    with pytest.raises(WebhookVerificationError):
        Webhook(WEBHOOK_SECRET).verify(message.body.replace(b"12345", b"99999"), message.headers)


async def test_a_refused_webhook_is_sent_again_with_the_same_id(shop: Shop) -> None:
    # Given a shop that is down twice, redirecting once
    intent = await shop.create_intent()
    shop.receiver.statuses[intent["id"]] = [500, 302]

    # When
    await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
    messages = await shop.receiver.wait_for(intent["id"], 3)
    await _wait_until_settled(shop, intent["id"])

    # Then
    assert len({message.headers["webhook-id"] for message in messages}) == 1
    assert len({message.body for message in messages}) == 1
    assert await _delivery_of(shop, intent["id"]) == {
        "status": "delivered",
        "attempts": 3,
        "last_http_status": 200,
        "last_error": None,
        "next_attempt_at": None,
    }


async def test_the_wait_doubles_and_the_courier_gives_up(
    receiver: Receiver, tmp_path: Path
) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3", receiver, retry_attempts=4, retry_base_seconds=0.1
    ) as shop:
        # Given a shop that never accepts
        intent = await shop.create_intent()
        receiver.statuses[intent["id"]] = [503] * 10
        started = time.monotonic()

        # When
        await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
        await receiver.wait_for(intent["id"], 4)
        elapsed = time.monotonic() - started
        await _wait_until_settled(shop, intent["id"])

        # Then it waited 0.1 + 0.2 + 0.4 seconds, less 20 % jitter at most
        assert elapsed >= 0.7 * 0.8
        delivery = await _delivery_of(shop, intent["id"])
        assert (delivery["status"], delivery["attempts"]) == ("failed", 4)
        assert delivery["last_http_status"] == 503
        await asyncio.sleep(0.3)
        assert len(receiver.of(intent["id"])) == 4
        # And the event can still be had by hand
        event_id = receiver.of(intent["id"])[0].event["id"]
        receiver.statuses.clear()
        again = await shop.post("/v1/test_helpers/webhooks/redeliver", {"event_id": event_id})
        assert [row["http_status"] for row in again.json()["data"]] == [200]
        assert (await _delivery_of(shop, intent["id"]))["status"] == "delivered"


async def test_a_shop_that_cannot_be_reached_is_noted(receiver: Receiver, tmp_path: Path) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3",
        receiver,
        retry_attempts=1,
        webhook_url="http://127.0.0.1:1/webhooks",
    ) as shop:
        intent = await shop.create_paid_intent()
        await _wait_until_settled(shop, intent["id"])

        delivery = await _delivery_of(shop, intent["id"])
        assert (delivery["status"], delivery["last_http_status"]) == ("failed", None)
        assert delivery["last_error"] == "ConnectError"


async def test_one_that_never_answers_does_not_hold_up_the_others(
    receiver: Receiver, tmp_path: Path
) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3", receiver, webhook_timeout_seconds=60, retry_attempts=1
    ) as shop:
        # Given
        receiver.silent = True
        first = await shop.create_paid_intent()
        await receiver.wait_for(first["id"], 1)
        receiver.silent = False

        # When
        second = await shop.create_paid_intent()
        await receiver.wait_for(second["id"], 1)

        # Then the second is there while the first still waits
        await _wait_until_settled(shop, second["id"])
        assert (await _delivery_of(shop, first["id"]))["status"] == "pending"


async def test_one_that_never_answers_is_given_up(receiver: Receiver, tmp_path: Path) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3", receiver, webhook_timeout_seconds=0.3, retry_attempts=1
    ) as shop:
        receiver.silent = True

        intent = await shop.create_paid_intent()

        await _wait_until_settled(shop, intent["id"])
        assert (await _delivery_of(shop, intent["id"]))["last_error"] == "ReadTimeout"


async def test_events_of_one_intent_arrive_in_order(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()
    path = f"/v1/test_helpers/payment_intents/{intent['id']}"

    # When
    for step in ("fail", "fail", "pay"):
        await shop.post(f"{path}/{step}")
    await shop.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 1, "reference": "r"})
    await shop.receiver.wait_for(intent["id"], 4)

    # Then
    assert shop.receiver.types_of(intent["id"]) == [
        "payment_intent.payment_failed",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "refund.succeeded",
    ]


async def test_a_pause_holds_everything_and_a_flush_sends_it(shop: Shop) -> None:
    # Given
    await shop.set_webhooks(paused=True)
    first, second = await shop.create_paid_intent(), await shop.create_paid_intent()
    await asyncio.sleep(0.1)
    assert shop.receiver.of(first["id"]) + shop.receiver.of(second["id"]) == []

    # When
    postings = await shop.flush()

    # Then
    events = await shop.events_of(first["id"]) + await shop.events_of(second["id"])
    assert postings == [
        {
            "event_id": event["id"],
            "event_type": "payment_intent.succeeded",
            "copy": 1,
            "http_status": 200,
            "error": None,
        }
        for event in events
    ]
    assert len(shop.receiver.of(first["id"])) == len(shop.receiver.of(second["id"])) == 1
    assert await shop.flush() == []


async def test_the_end_of_a_pause_sends_what_waited(shop: Shop) -> None:
    await shop.set_webhooks(paused=True)
    intent = await shop.create_paid_intent()

    await shop.set_webhooks(paused=False)

    assert len(await shop.receiver.wait_for(intent["id"], 1)) == 1


async def test_a_flush_in_reverse_with_copies(shop: Shop) -> None:
    # Given a payment that fails, then succeeds, and is refunded
    await shop.set_webhooks(paused=True, order="reversed", copies=3)
    intent = await shop.create_intent()
    await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/fail")
    await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
    await shop.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 1, "reference": "r"})
    await _wait_for_events(shop, intent["id"], 3)

    # When
    postings = await shop.flush()

    # Then newest first, each three times under one id
    newest_first = ["refund.succeeded", "payment_intent.succeeded", "payment_intent.payment_failed"]
    expected = [event_type for event_type in newest_first for _ in range(3)]
    assert [posting["event_type"] for posting in postings] == expected
    assert [posting["copy"] for posting in postings] == [1, 2, 3] * 3
    assert shop.receiver.types_of(intent["id"]) == expected
    ids = [message.headers["webhook-id"] for message in shop.receiver.of(intent["id"])]
    assert len(set(ids)) == 3


async def test_one_refused_copy_sends_them_all_again(shop: Shop) -> None:
    # Given
    await shop.set_webhooks(copies=2)
    intent = await shop.create_intent()
    shop.receiver.statuses[intent["id"]] = [200, 500]

    # When
    await shop.post(f"/v1/test_helpers/payment_intents/{intent['id']}/pay")
    messages = await shop.receiver.wait_for(intent["id"], 4)
    await _wait_until_settled(shop, intent["id"])

    # Then
    assert len(messages) == 2 * 2
    assert (await _delivery_of(shop, intent["id"]))["attempts"] == 2


async def test_a_delay_holds_an_event_until_its_time(shop: Shop) -> None:
    # Given
    await shop.set_webhooks(delay_seconds=0.4)

    # When
    intent = await shop.create_paid_intent()
    message = (await shop.receiver.wait_for(intent["id"], 1))[0]

    # Then
    created_at = datetime.fromisoformat(message.event["created_at"])
    assert (datetime.now(UTC) - created_at).total_seconds() >= 0.4


async def test_a_flush_does_not_wait_for_a_delay(shop: Shop) -> None:
    await shop.set_webhooks(delay_seconds=3_600)
    intent = await shop.create_paid_intent()

    postings = await shop.flush()

    assert [posting["http_status"] for posting in postings] == [200]
    assert len(shop.receiver.of(intent["id"])) == 1


async def test_two_flushes_at_once_deliver_once(shop: Shop) -> None:
    await shop.set_webhooks(paused=True)
    intent = await shop.create_paid_intent()

    answers = await asyncio.gather(*(shop.flush() for _ in range(5)))

    assert sum(len(postings) for postings in answers) == 1
    assert len(shop.receiver.of(intent["id"])) == 1


async def test_a_delivered_event_can_be_sent_again(shop: Shop) -> None:
    # Given
    intent = await shop.create_paid_intent()
    first = (await shop.receiver.wait_for(intent["id"], 1))[0]
    await _wait_until_settled(shop, intent["id"])

    # When it is asked for again, and the shop refuses it this time
    shop.receiver.statuses[intent["id"]] = [500]
    answer = await shop.post("/v1/test_helpers/webhooks/redeliver", {"event_id": first.event["id"]})

    # Then it stays delivered, and is not retried
    assert [row["http_status"] for row in answer.json()["data"]] == [500]
    messages = shop.receiver.of(intent["id"])
    assert [message.body for message in messages] == [first.body] * 2
    assert (await _delivery_of(shop, intent["id"]))["status"] == "delivered"


async def test_an_unknown_event_is_not_sent(shop: Shop) -> None:
    before = len(shop.receiver.messages)

    answer = await shop.post("/v1/test_helpers/webhooks/redeliver", {"event_id": "evt_nobody"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert len(shop.receiver.messages) == before


async def test_without_a_webhook_url_events_are_only_listed(
    receiver: Receiver, tmp_path: Path
) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3", receiver, webhook_url=None, webhook_secret=None
    ) as shop:
        intent = await shop.create_paid_intent()

        (event,) = await shop.events_of(intent["id"])
        assert event["delivery"] is None
        answer = await shop.post("/v1/test_helpers/webhooks/redeliver", {"event_id": event["id"]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_webhook")
        assert receiver.of(intent["id"]) == []


async def test_what_was_due_waits_until_there_is_a_webhook_url_again(
    receiver: Receiver, tmp_path: Path
) -> None:
    data_file = tmp_path / "gateway.sqlite3"
    # Given an event that nobody took
    async with gateway_running(data_file, receiver) as shop:
        await shop.set_webhooks(paused=True)
        intent = await shop.create_paid_intent()

    # When the gateway runs without an address, then with one
    async with gateway_running(data_file, receiver, webhook_url=None) as shop:
        await shop.set_webhooks(paused=False)
        assert await shop.flush() == []
        assert (await _delivery_of(shop, intent["id"]))["attempts"] == 0
    async with gateway_running(data_file, receiver) as shop:
        await receiver.wait_for(intent["id"], 1)

    # Then
    assert receiver.types_of(intent["id"]) == ["payment_intent.succeeded"]


async def test_events_are_read_page_by_page(shop: Shop) -> None:
    # Given
    last = (await shop.create_paid_intent())["id"]
    start = (await shop.events_of(last))[0]["id"]
    ids = [(await shop.create_paid_intent())["id"] for _ in range(3)]

    # When
    page = await shop.get("/v1/events", after=start, limit=2)
    rest = await shop.get("/v1/events", after=page["data"][-1]["id"], limit=2)

    # Then
    assert [row["data"]["object"]["id"] for row in page["data"]] == ids[:2]
    assert page["has_more"] is True
    assert [row["data"]["object"]["id"] for row in rest["data"]] == ids[2:]
    assert rest["has_more"] is False


async def _delivery_of(shop: Shop, intent_id: str) -> dict[str, Any]:
    delivery: dict[str, Any] = (await shop.events_of(intent_id))[0]["delivery"]
    return delivery


async def _wait_until_settled(shop: Shop, intent_id: str) -> None:
    async def settled() -> bool:
        return bool((await _delivery_of(shop, intent_id))["status"] != "pending")

    await until(settled)


async def _wait_for_events(shop: Shop, intent_id: str, count: int) -> None:
    async def recorded() -> bool:
        return len(await shop.events_of(intent_id)) >= count

    await until(recorded)
