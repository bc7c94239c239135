"""What an event looks like on the wire."""

from typing import Any
from uuid import UUID

import orjson

from headless_presale.kernel.ids import display_number, global_id
from headless_presale.orders import OrderCancelled, OrderStatus
from headless_presale.payments import PaymentMismatched
from headless_presale.webhooks import EVENT_TYPES
from headless_presale.webhooks.payloads import body_of
from tests.conftest import NOON

ID = UUID("018f2f3e-0000-7000-8000-000000000001")


def told(type_: str, payload: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(body_of(type_, NOON, payload, shop_id=None))["data"]
    return data


def test_ids_money_moments_and_names_are_graphqls() -> None:
    event = PaymentMismatched(
        order_id=ID,
        payment_id=ID,
        amount_minor=4_000,
        currency="CNY",
        captured_minor=4_001,
        captured_currency="JPY",
    )

    body = body_of(event.type, NOON, event.payload(), shop_id=ID)

    assert orjson.loads(body) == {
        "type": "payment.mismatched",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "shopId": global_id("Shop", ID),
            "orderId": global_id("Order", ID),
            "orderNumber": display_number(ID),
            "paymentId": global_id("Payment", ID),
            "amount": {"amount": "40.00", "minor": 4_000, "currency": "CNY"},
            "captured": {"amount": "4001", "minor": 4_001, "currency": "JPY"},
        },
    }


def test_moments_of_an_event_end_in_z_and_other_texts_stay() -> None:
    extended = {
        "before": "2026-03-01T12:00:00+00:00",
        "reason": "moved to 2026-03-01T12:00:00+00:00",
    }
    changed = {"item_id": str(ID), "before": 6, "after": 7}
    confirmed = {"is_late": True, "source": "AWAITING_DEPOSIT", "target": "DEPOSIT_PAID"}

    assert told("campaign.extended", extended) == {
        "before": "2026-03-01T12:00:00Z",
        "reason": "moved to 2026-03-01T12:00:00+00:00",
    }
    assert told("campaign.capacity_changed", changed) == {
        "itemId": global_id("CampaignItem", ID),
        "before": 6,
        "after": 7,
    }
    assert told("order.confirmed", confirmed) == {
        "isLate": True,
        "previousStatus": "AWAITING_DEPOSIT",
        "status": "DEPOSIT_PAID",
    }


def test_what_is_for_us_alone_is_not_told() -> None:
    event = OrderCancelled(
        order_id=ID,
        campaign_id=ID,
        source=OrderStatus.DEPOSIT_PAID,
        target=OrderStatus.CANCELLED,
        reason="out of steel",
        refunded_minor=4_000,
        currency="CNY",
        cancellation_id=ID,
        request_hash="5e1f",
    )

    data = told(event.type, event.payload())

    assert set(data) == {
        "orderId",
        "orderNumber",
        "campaignId",
        "previousStatus",
        "status",
        "reason",
        "refunded",
        "refundedBefore",
    }
    # Nor what no event of this type has, and nothing of a type that nobody knows.
    assert told("order.paid", {"order_id": str(ID), "note": "x"}).keys() == {
        "orderId",
        "orderNumber",
    }
    assert told("order.unheard_of", {"reason": "x"}) == {}


def test_every_field_that_receivers_are_told_was_meant_for_them() -> None:
    fields = {name for kind in EVENT_TYPES.values() for name in kind.fields}
    assert fields == {
        *("order_id", "campaign_id", "item_id", "payment_id", "refund_id", "merchant_refund_id"),
        *("source", "target", "status", "reason", "failure_code", "gateway", "leg", "is_late"),
        *("total_minor", "amount_minor", "captured_minor", "refunded_minor"),
        *("refunded_before_minor", "currency", "captured_currency"),
        *("hold_expires_at", "due_at", "opens_at", "closes_at", "is_early"),
        *("before", "after", "capacity", "version", "fields"),
    }


def test_a_test_says_nothing() -> None:
    body = body_of("webhook.test", NOON, {}, shop_id=None)
    assert body == b'{"type":"webhook.test","timestamp":"2026-03-01T12:00:00Z","data":{}}'
